"""A checkpoint: what a run was begun with, written into its file, and the file opened again.

A run is its arguments.  Those that are data are written down: components as their tables, numbers, the state of the
generator.  Functions are not; who continues the run passes them again.
"""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from optikit.component import Component
from optikit.data import Data, Dataset
from optikit.errors import ContractError, InputError
from optikit.interrupts import held
from optikit.journal import Journal
from optikit.loop import Run
from optikit.plain import encode
from optikit.store import MEMORY

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
            _compare(saved, checkpoint)
            _amend(saved, checkpoint, run)
            return checkpoint
        return _begun(checkpoint, run, saved, subject)
    except ContractError as error:
        raise InputError(f"checkpoint: {error}") from None


def _compare(saved: dict[str, Any], journal: Journal) -> None:
    """Refuse to continue a run as another one."""
    known = journal.arguments()
    for name, value in saved.items():
        given_again = value == GIVEN if isinstance(value, str) else False
        if name not in LIMITS and not given_again and encode(value) != encode(known.get(name)):
            what = "other data" if name == "fingerprint" else f"another {name}"
            raise InputError(
                f"{journal.path}: run {journal.run} was begun with {what}; pass the same, or begin a new run"
            )


def _amend(saved: dict[str, Any], journal: Journal, run: Run) -> None:
    """Keep other limits, which are known to be good by now: they hold for who continues the run once more."""
    known, limits = journal.arguments(), run.budget.model_dump()
    changed = {name: limits[name] for name in limits if name in LIMITS and saved.get(name) != known.get(name)}
    if changed:
        journal.amend(changed)


def _begun(checkpoint: Any, run: Run, saved: dict[str, Any], subject: str) -> Journal:
    if not isinstance(checkpoint, str | Path | Slot):
        raise InputError(f"checkpoint is {checkpoint!r}; pass the name of a file, such as 'run.db'")
    if isinstance(checkpoint, str) and (checkpoint == str(MEMORY) or "\0" in checkpoint):
        raise InputError(f"checkpoint is {checkpoint!r}, which is no file; pass the name of one, such as 'run.db'")
    about = {
        "problem": subject,
        "optimizer": run.optimizer.name,
        "gradient": None if run.gradient is None else run.gradient.name,
        "parameters": len(run.x0),
        "limits": run.budget.model_dump(exclude_none=True),
    }
    path, label, _ = checkpoint if isinstance(checkpoint, Slot) else Slot(Path(checkpoint), run.optimizer.name)
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
    """Give the name of a function, as far as it has one."""
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
