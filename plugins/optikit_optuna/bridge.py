"""The bridge to Optuna: a study that lives as long as a run, and is asked and told.

Optuna's names and defaults are kept.  What it has deprecated, and what is about other parameters than real numbers, is
no field; what None leaves open is what the installed version of Optuna prefers.
"""

import logging
import math
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import ClassVar, final

import numpy as np
from pydantic import Field

from optikit import Array, InputError, Oracle, Questions, Solver, Stop


class OptunaSampler(Solver):
    """A sampler of Optuna in a box; authors write the fields.

    The start point is the first trial.  It knows no end: it samples until a limit of the run is reached.
    """

    requires = "optuna"
    sampler: ClassVar[str]
    """Name of the class in ``optuna.samplers``."""

    n_jobs: int = Field(default=1, ge=1)
    """Trials that are asked for before any of them is told, and evaluated as one batch."""

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Ask and tell for ever; the oracle ends it."""
        optuna, ask = import_module("optuna"), Questions(oracle, x0)
        sides = [(float(low), float(high)) for low, high in zip(*ask.box, strict=True)]
        for i, (low, high) in enumerate(sides):
            if not math.isfinite(high - low):
                raise InputError(
                    f"{self.name} cannot draw {oracle.label(i)} from {low:g} to {high:g}, as the width of that is no "
                    "finite number; pass narrower bounds"
                )
        space = {f"x{i}": optuna.distributions.FloatDistribution(*side) for i, side in enumerate(sides)}
        options = self.model_dump(exclude={"n_jobs"}, exclude_none=True)
        with _quietly():
            sampler = getattr(optuna.samplers, self.sampler)(**options, seed=int(rng.integers(2**32)))
            study = optuna.create_study(sampler=sampler)
            study.enqueue_trial(dict(zip(space, ask.x0.tolist(), strict=True)))
        while True:
            with _quietly():
                trials = [study.ask(space) for _ in range(self.n_jobs)]
            values = ask.values(np.array([[trial.params[name] for name in space] for trial in trials]))
            with _quietly():
                for trial, value in zip(trials, values.tolist(), strict=True):
                    study.tell(trial, value)


@contextmanager
def _quietly() -> Generator[None]:
    """Keep what Optuna logs of a study, and says of experimental samplers, from the terminal; only in this thread."""
    here, handlers = threading.get_ident(), list(logging.getLogger("optuna").handlers)

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for handler in handlers:
            handler.addFilter(elsewhere)
        try:
            yield
        finally:
            for handler in handlers:
                handler.removeFilter(elsewhere)
