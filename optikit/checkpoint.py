"""A checkpoint: what a run was begun with, written into its file, and the file opened again.

A run is its arguments.  Those that are data are written down: components as their tables, numbers, the state of the
generator.  Functions are not; who continues the run passes them again.
"""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from optikit.component import Component
from optikit.data import Dataset
from optikit.errors import ContractError, InputError
from optikit.journal import Journal
from optikit.loop import Run

GIVEN = "given"
"""Stands for what is no data, and has to be passed again."""


def opened(
    checkpoint: Any, run: Run, arguments: Mapping[str, Any], subject: str, label: str | None = None
) -> Journal | None:
    """Open the file of a run.

    Parameters
    ----------
    checkpoint : str, Path, Journal or None
        A file to which the run is added; or the journal of a run that is continued; or nothing.
    run : Run
        The run.
    arguments : mapping
        What it was begun with; components become their tables, and functions `GIVEN`.
    subject : str
        What the run works on, for people.
    label : str, optional
        Its name.

    Raises
    ------
    InputError
        If the file cannot be written, or an argument cannot be saved.
    """
    if checkpoint is None or isinstance(checkpoint, Journal):
        return checkpoint
    if not isinstance(checkpoint, str | Path):
        raise InputError(f"checkpoint is {checkpoint!r}; pass the name of a file, such as 'run.db'")
    about = {
        "problem": subject,
        "optimizer": run.optimizer.name,
        "gradient": None if run.gradient is None else run.gradient.name,
        "parameters": len(run.x0),
        "limits": run.budget.model_dump(exclude_none=True),
    }
    try:
        rules = [_saved(rule) for rule in run.stopping]
        saved = {**{name: _saved(value) for name, value in arguments.items()}, "stop": rules}
        return Journal.begin(Path(checkpoint), label or run.optimizer.name, about, saved)
    except ContractError as error:
        raise InputError(f"checkpoint: {error}") from None


@contextmanager
def kept(journal: Journal | None, checkpoint: Any) -> Generator[Journal | None]:
    """Close a journal in the end, unless whoever continues the run has opened it."""
    try:
        yield journal
    finally:
        if journal is not None and journal is not checkpoint:
            journal.close()


def _saved(value: Any) -> Any:
    if isinstance(value, Component):
        return {"name": value.name, **value.model_dump()}
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
