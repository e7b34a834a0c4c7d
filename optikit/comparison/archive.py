"""The file of a comparison: a SQLite database with one row a trial, to which the same call adds what is missing.

A trial depends on its problem, its optimizer, its seed and the terms, and on nothing else in the comparison.  So a file
takes further problems, optimizers and seeds, but no other terms, and nothing else under a label that it knows.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from pydantic import ValidationError

from optikit.comparison.cases import Case, read_cases
from optikit.comparison.contestants import Contestant, read_contestants
from optikit.comparison.terms import Terms, read_seeds
from optikit.comparison.trial import Trial
from optikit.database import MEMORY, Database, named_file
from optikit.errors import InputError

_COLUMNS = {
    **{"problem": "TEXT", "optimizer": "TEXT", "seed": "INTEGER", "start": "", "evaluations": "BLOB", "vals": "BLOB"},
    **{"nfev": "INTEGER", "njev": "INTEGER", "seconds": "REAL", "seconds_fun": "REAL", "reason": "TEXT"},
    "message": "TEXT",
}


class Archive(Database):
    """An open file."""

    noun, application, version = "comparison", 0x6F706363, 1
    advice = "make the same call again"
    schema: ClassVar[Mapping[str, str]] = {
        "about": "CREATE TABLE about (number INTEGER PRIMARY KEY, kind TEXT, label TEXT, what TEXT)",
        "trials": f"CREATE TABLE trials ({', '.join(f'{name} {kind}'.strip() for name, kind in _COLUMNS.items())}, "
        "PRIMARY KEY (problem, optimizer, seed)) WITHOUT ROWID",
    }

    def agree(self, known: Mapping[tuple[str, str], Any]) -> None:
        """See that the file is of such a comparison, and write down what it does not know yet.

        Parameters
        ----------
        known : mapping of (kind, label) to plain data
            What is known of the terms, the problems and the optimizers.

        Raises
        ------
        InputError
            If it knows something else under one of the labels.
        """
        before = self.about()
        for (kind, label), what in known.items():
            if before.get((kind, label), what) != what:
                named = f"the {kind} {label!r}" if label else "the terms"
                raise InputError(
                    f"{self.path}: it is of another comparison: {named} there {_differ(before[kind, label], what)}; "
                    "give another file, or the same call again"
                )
        with self.writing() as connection:
            for (kind, label), what in known.items():
                if (kind, label) not in before:
                    connection.execute(
                        "INSERT INTO about (kind, label, what) VALUES (?,?,?)", (kind, label, json.dumps(what))
                    )

    def about(self) -> dict[tuple[str, str], Any]:
        """Give what the file knows of terms, problems and optimizers."""
        try:
            return {
                (kind, label): json.loads(what)
                for kind, label, what in self.read("SELECT kind, label, what FROM about ORDER BY number")
            }
        except (TypeError, ValueError, RecursionError):
            raise InputError(f"{self.path}: it is damaged; it was left as it is") from None

    def trials(self) -> Iterator[Trial]:
        """Give all trials in the file.

        Raises
        ------
        InputError
            If one is none.
        """
        for found in self.read(f"SELECT {', '.join(_COLUMNS)} FROM trials"):
            known = dict(zip(_COLUMNS, found, strict=True))
            try:
                evaluations = np.frombuffer(known.pop("evaluations"), dtype="<i8").astype(np.int64)
                values = np.frombuffer(known.pop("vals"), dtype="<f8").astype(np.float64)
                trial = Trial(**known, evaluations=evaluations, values=values)
                sound = (
                    len(evaluations) == len(values) and (np.diff(evaluations) > 0).all() and (np.diff(values) < 0).all()
                )
                words: tuple[Any, ...] = (trial.problem, trial.optimizer, trial.reason, trial.message)
                numbers: tuple[Any, ...] = (
                    trial.seed,
                    trial.start,
                    trial.nfev,
                    trial.njev,
                    trial.seconds,
                    trial.seconds_fun,
                )
                sound = sound and all(isinstance(one, str) for one in words)
                sound = sound and all(isinstance(one, int | float) for one in numbers)
            except (TypeError, ValueError):
                sound, trial = False, None
            if not sound or trial is None:
                raise InputError(f"{self.path}: it is damaged: a trial in it is none; it was left as it is")
            yield trial

    def add(self, trial: Trial) -> None:
        """Keep a trial."""
        given = {name: getattr(trial, name) for name in _COLUMNS if name not in ("evaluations", "vals")}
        given["evaluations"] = trial.evaluations.astype("<i8").tobytes()
        given["vals"] = trial.values.astype("<f8").tobytes()
        with self.writing() as connection:
            connection.execute(
                f"INSERT INTO trials VALUES ({','.join('?' * len(_COLUMNS))})", [given[name] for name in _COLUMNS]
            )


@contextmanager
def opened(
    file: str | Path | None,
    cases: Sequence[Case],
    contestants: Sequence[Contestant],
    seeds: Sequence[int],
    terms: Terms,
) -> Generator[Archive]:
    """Have the file of a comparison open; in memory, if there is none.

    Raises
    ------
    InputError
        If it is no such file, in use, or of another comparison.
    """
    archive = Archive(MEMORY if file is None else named_file("file", file), write=True)
    try:
        known: dict[tuple[str, str], Any] = {("terms", ""): terms.model_dump(mode="json")}
        known |= {("problem", case.label): case.table for case in cases}
        known |= {("optimizer", one.label): one.table for one in contestants}
        known |= {("seed", str(seed)): seed for seed in seeds}
        archive.agree(known)
        yield archive
    finally:
        archive.close()


def settings(file: Path) -> tuple[list[Case], list[Contestant], list[int], Terms]:
    """Read what a file is the comparison of, to go on with it.

    Raises
    ------
    InputError
        If it is no such file, or has a function or a model of the user's, which are not saved.
    """
    archive = Archive(file, write=False)
    try:
        about = archive.about()
    finally:
        archive.close()
    kinds = {kind: {label: what for (one, label), what in about.items() if one == kind} for kind, _ in about}
    try:
        for label, table in kinds["problem"].items():
            if "own" in table:
                raise InputError(f"{file}: the problem {label!r} is not saved; make the same call again")
        cases = [replace(read_cases(table)[0], label=label) for label, table in kinds["problem"].items()]
        contestants = [
            replace(read_contestants(table["optimizer"], table["gradient"])[0], label=label)
            for label, table in kinds["optimizer"].items()
        ]
        terms = Terms.model_validate(kinds["terms"][""], strict=False)
        return cases, contestants, list(read_seeds(list(kinds["seed"].values()))), terms
    except (KeyError, TypeError, AttributeError, ValidationError):
        raise InputError(f"{file}: it is damaged; it was left as it is") from None


def _differ(there: Any, here: Any) -> str:
    """Say in which field two descriptions differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        old, new = cast("dict[str, Any]", there), cast("dict[str, Any]", here)
        for field in {**old, **new}:
            if old.get(field) != new.get(field):
                return f"have {field} = {old.get(field)!r}, and not {new.get(field)!r}"
    return "are others"
