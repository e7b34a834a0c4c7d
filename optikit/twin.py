"""A twin: the same run with another gradient estimator, to see whether the two go the same way.

Equal losses may hide different parameters; what shows that an estimator does what another does are the parameters after
many steps, for every difference on the way goes into the next gradient.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from optikit.budget import Budget
from optikit.component import packages
from optikit.gradient import GradientEstimator
from optikit.journal import Journal
from optikit.loop import Progress
from optikit.names import vector
from optikit.observer import Observer
from optikit.problem import Problem
from optikit.solver import Solver
from optikit.stop import StopReason
from optikit.task import Plan, Task
from optikit.types import Array


@dataclass(frozen=True, slots=True)
class Apart:
    """How far two runs are apart."""

    gradient: str
    """Name of the other estimator."""
    steps: int
    """Steps that the twin has made: as many as the run, unless it ended earlier."""
    difference: float
    """Largest difference of a parameter after them; NaN if the twin ended earlier."""
    largest: float
    """Largest parameter of the run, to compare with."""
    message: str
    """How the twin ended."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        if math.isnan(self.difference):
            return f"the same run with {self.gradient} ended earlier, after {self.steps:,} steps: {self.message}"
        return (
            f"after {self.steps:,} steps no parameter differs by more than {self.difference:.1e} from the same run "
            f"with {self.gradient} (the largest is {self.largest:.2g})"
        )


class Follower:
    """Keeps the point that a run recommends, and makes its twin in the end.

    Parameters
    ----------
    plan : Plan
        The run.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._x: Array = np.zeros(0)
        self._steps = 0

    def __call__(self, progress: Progress) -> None:
        """Take note of a step."""
        self._x, self._steps = vector(progress.x), progress.step

    def recall(self, journal: Journal, problem: Problem) -> None:
        """Learn from the file of a continued run where it has ended, if it made no step any more.

        Parameters
        ----------
        journal : Journal
            Of the run, which has ended.
        problem : Problem
            Knows the structure of its parameters.
        """
        if not self._steps and (taken := journal.snapshot(packages(self._plan.optimizer))) is not None:
            self._x, self._steps = vector(problem.restore(taken["state"].x)), taken["oracle"]["record"]["nit"]

    def apart(self, task: Task, other: GradientEstimator, observers: tuple[Observer, ...]) -> Apart:
        """Make the twin, with as many steps, and compare.

        Parameters
        ----------
        task : Task
            What the run was on.
        other : GradientEstimator
            That of the twin.
        observers : tuple of Observer
            Those of the twin.

        Returns
        -------
        Apart
            The difference of the parameters.

        Raises
        ------
        KeyboardInterrupt
            If the twin was interrupted: half of it tells nothing.
        """
        if not self._steps:
            return Apart(other.name, 0, 0.0, 0.0, "")
        plan = replace(self._plan, gradient=other, observers=observers)
        if not isinstance(plan.optimizer, Solver):  # its one step has the limits of the run
            plan = replace(plan, budget=Budget(max_steps=self._steps), epochs=None)
        twin = Follower(plan)
        end = task.run(plan, twin)
        if end.reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        together = twin._steps == self._steps
        difference = float(abs(self._x - twin._x).max(initial=0)) if together else math.nan
        return Apart(other.name, twin._steps, difference, float(abs(self._x).max(initial=0)), end.message)
