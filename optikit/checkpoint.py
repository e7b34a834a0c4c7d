"""A checkpoint: what a run was begun with, written into its file, and the file opened again.

A run is its arguments.  Those that are data are written down: components as their tables, numbers, the state of the
generator.  Functions are not; who continues the run passes them again.
"""

import hashlib
import inspect
import traceback
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from optikit.component import Component
from optikit.data import Data, Dataset
from optikit.database import MEMORY, named_file
from optikit.errors import CheckpointWarning, ContractError, InputError, one_line
from optikit.interrupts import held
from optikit.journal import Journal
from optikit.loop import Run
from optikit.plain import encode
from optikit.problem import Problem, TrainingProblem
from optikit.versions import versions

GIVEN = "given"
"""Stands for what is no data, and has to be passed again."""


LIMITS = ("max_evals", "max_grads", "max_steps", "max_seconds", "epochs", "target", "stop")
"""What may be another thing when a run is continued."""


class Slot(NamedTuple):
    """A file, and the name that a run shall have in it."""

    path: Path
    label: str
    data: Data | None = None
    """Where the samples of a training come from, if that is all that they come from."""


def opened(checkpoint: Any, run: Run, arguments: Mapping[str, Any], subject: str) -> Journal | None:
    """Open the file of a run.

    Parameters
    ----------
    checkpoint : str, Path, Slot, Journal or None
        A file to which the run is added; or the journal of a run that is continued; or nothing.
    run : Run
        The run.
    arguments : mapping
        What it was begun with; components become their tables, and functions `GIVEN`.
    subject : str
        What the run works on, for people.

    Raises
    ------
    InputError
        If the file cannot be written, an argument cannot be saved, or the run that is continued is another one.
    """
    if checkpoint is None:
        return None
    try:
        saved = {name: _saved(value) for name, value in arguments.items()}
        saved["stop"] = [_saved(rule) for rule in run.stopping]
        if isinstance(checkpoint, Journal):
            _amend(saved, run, checkpoint)
            _warn_of_others(run, checkpoint, subject)
            return checkpoint
        return _begun(checkpoint, run, saved, subject)
    except ContractError as error:
        raise InputError(f"checkpoint: {error}") from None


def _amend(saved: dict[str, Any], run: Run, journal: Journal) -> None:
    """Refuse to continue a run as another one; other limits are kept, so that they hold when it is continued again."""
    known, limits, read = journal.arguments(), dict[str, Any](), run.budget.model_dump()
    for name, value in saved.items():
        given_again = value == GIVEN if isinstance(value, str) else False
        if given_again or encode(value) == encode(known.get(name)):
            continue
        if name in LIMITS:
            limits[name] = read.get(name, value)  # 1e5 is a whole number there
        else:
            what = "other data" if name == "fingerprint" else f"another {name}"
            raise InputError(
                f"{journal.path}: run {journal.run} was begun with {what}; pass the same, or begin a new run"
            )
    if limits:
        journal.amend(limits)


def _warn_of_others(run: Run, journal: Journal, subject: str) -> None:
    """Warn where a run goes on with other versions, or with a function of another name.

    Neither is refused: whoever has waited for days for a run may well accept that its last digits change, and functions
    are renamed and moved.  Names of local functions say nothing, and a script has another name for its module.
    """
    about, where = journal.entry.about, f"{journal.path}: run {journal.run}"
    before, now = about.get("versions"), _versions(run)
    known = cast("dict[str, Any]", before) if isinstance(before, dict) else {}
    others = [f"{name} {known[name]} (now {now[name]})" for name in now if known.get(name, now[name]) != now[name]]
    if others:
        _warn(f"{where} was begun with {', '.join(others)}; it goes on, but its result may not be bitwise the same")
    (module, _, name), (home, _, given) = (str(one).rpartition(":") for one in (about.get("problem"), subject))
    same = module.removesuffix(".py") == home.removesuffix(".py") or "__main__" in (module, home)
    if not (same and name == given) and "<" not in name + given:
        _warn(
            f"{where} was begun with {about.get('problem')} and goes on with {subject}; if that is another function, "
            "its result is that of neither"
        )


def _warn(sentence: str) -> None:
    """Warn who called optikit, whatever of it lies between."""
    names = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_stack(inspect.currentframe())]
    depth = next((i for i, name in enumerate(names) if name.partition(".")[0] != "optikit"), 0)
    warnings.warn(one_line(sentence), CheckpointWarning, stacklevel=depth + 1)


def _versions(run: Run) -> dict[str, str]:
    """Give the versions of all that takes part in a run."""
    problem = run.problem
    subject = (problem.model, problem.loss) if isinstance(problem, TrainingProblem) else ()
    return versions(run.optimizer, run.gradient, *run.stopping, *subject)


def _begun(checkpoint: Any, run: Run, saved: dict[str, Any], subject: str) -> Journal:
    about = {
        "problem": subject,
        "optimizer": run.optimizer.name,
        "gradient": None if run.gradient is None else run.gradient.name,
        "parameters": len(run.x0),
        "limits": run.budget.model_dump(exclude_none=True),
        "versions": _versions(run),
    }
    if not isinstance(checkpoint, Slot):
        path = checkpoint if checkpoint is MEMORY else named_file("checkpoint", checkpoint)
        checkpoint = Slot(path, run.optimizer.name)
    path, label, _ = checkpoint
    return Journal.begin(path, label, about, saved)


@contextmanager
def kept(journal: Journal | None, checkpoint: Any) -> Generator[Journal | None]:
    """Close a journal in the end, unless whoever continues the run has opened it."""
    try:
        yield journal
    finally:
        if journal is not None and journal is not checkpoint:
            with held():
                journal.close()


def _saved(value: Any) -> Any:
    if isinstance(value, Component):
        return {"name": value.name, **value.model_dump(mode="json")}
    if hasattr(value, "lb") and hasattr(value, "ub"):
        return (np.asarray(value.lb), np.asarray(value.ub))
    return GIVEN if callable(value) else value


def named(function: Any) -> str:
    """Give the name of a function, as far as it has one; of a problem that of its function."""
    if isinstance(function, Problem):
        function = function.subject
    if isinstance(function, str):
        return function
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", type(function).__name__)
    return f"{module}:{name}" if module else name


def fingerprint(dataset: Dataset) -> str:
    """Give a number that data have in common only with the same data."""
    digest = hashlib.blake2b(digest_size=16)
    for samples in (dataset.train, dataset.held_out):
        for array in () if samples is None else (samples.inputs, samples.targets, samples.weights):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
