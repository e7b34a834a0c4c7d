"""The learning curve: how a model fares on held-out samples while it is trained.

Looking costs a pass over the held-out samples, so it is done about twenty times a run (at the end of each epoch, if
there are twenty), not at every step.
"""

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np

from optikit.data import Samples
from optikit.loop import Progress, Run
from optikit.problem import Score, TrainingProblem
from optikit.result import Result, TrainingResult
from optikit.solver import Solver
from optikit.types import Array

_ROW = np.dtype([("step", "i8"), ("epoch", "f8"), ("loss", "f8"), ("held_out_loss", "f8"), ("accuracy", "f8")])
_LOOKS = 20


class Curve:
    """Watches one run.

    Parameters
    ----------
    problem : TrainingProblem
        Gives model and loss.
    held_out : Samples or None
        The samples to judge on.
    run : Run
        Says how many steps to expect.
    """

    def __init__(self, problem: TrainingProblem, held_out: Samples | None, run: Run) -> None:
        self._problem, self._held_out = problem, held_out
        expected = min(steps for steps in (run.planned, run.budget.max_steps, math.inf) if steps is not None)
        self._every = math.ceil(expected / _LOOKS) if math.isfinite(expected) else None
        self._last = expected
        self._losses: list[float] = []
        self._rows: list[tuple[float, ...]] = []
        self._whole = isinstance(run.optimizer, Solver)
        self._look(0, 0, run.x0)
        self._next = self._every or 1

    def measure(self, progress: Progress) -> Progress:
        """Add the accuracy when last looked at, and look now if it is time."""
        self._losses.append(progress.fun)
        if progress.step >= self._next or progress.step == self._last:
            # A solver's evaluations are over all samples: an epoch each.
            epoch = progress.nfev if self._whole else progress.step / self._problem.batches
            self._look(progress.step, epoch, progress.x)
            # Where the number of steps is unknown, looks become rarer: always a quarter later.
            self._next = progress.step + (self._every or math.ceil(progress.step / 4))
        return replace(progress, held_out_loss=self._latest[0], accuracy=self._latest[1])

    def memory(self) -> dict[str, Any]:
        """Give what a continued run has to know."""
        return {"losses": self._losses, "rows": self._rows, "next": self._next, "latest": self._latest}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from there."""
        self._losses = [float(loss) for loss in memory["losses"]]
        self._rows = [(int(step), *map(float, rest)) for step, *rest in memory["rows"]]
        self._next, self._latest = memory["next"], memory["latest"]

    def _look(self, step: int, epoch: float, x: Array) -> None:
        self._latest = self._score(x)
        loss = float(np.mean(self._losses)) if self._losses else math.nan
        self._losses.clear()
        held_out, accuracy = (math.nan if value is None else value for value in self._latest)
        self._rows.append((step, epoch, loss, held_out, accuracy))

    def _score(self, x: Array) -> tuple[float | None, float | None]:
        if self._held_out is None:
            return None, None
        with np.errstate(over="ignore", invalid="ignore"):
            return self._problem.score(x, self._held_out)

    def judge(self, result: Result) -> TrainingResult:
        """Make the result of a training: judge its point on held-out and on training samples.

        What cannot be judged, as the model raises, is None.
        """
        held_out_loss, accuracy, train = None, None, Score(result.fun, None)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                held_out_loss, accuracy = self._score(result.x)
                train = self._problem.score(result.x)
        except (Exception, KeyboardInterrupt):
            result.message += " The result could not be judged."
        return TrainingResult(
            **{field.name: getattr(result, field.name) for field in fields(result)},
            accuracy=accuracy,
            held_out_loss=held_out_loss,
            train_accuracy=train.accuracy,
            curve=np.array(self._rows, dtype=_ROW),
        )
