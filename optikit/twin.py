"""A twin: the same run with another gradient estimator, to see whether the two go the same way.

Equal losses may hide different parameters; what shows that an estimator does what another does are the parameters after
many steps, for every difference on the way goes into the next gradient.
"""

from dataclasses import dataclass, replace

import numpy as np

from optikit.budget import Budget
from optikit.loop import Progress, Watcher
from optikit.task import Plan, Task
from optikit.types import Array


@dataclass(frozen=True, slots=True)
class Apart:
    """How far two runs are apart."""

    gradient: str
    """Name of the other estimator."""
    steps: int
    """Steps that both have made."""
    difference: float
    """Largest difference of a parameter after them."""
    largest: float
    """Largest parameter, to compare with."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"after {self.steps:,} steps no parameter differs by more than {self.difference:.1e} from the same run "
            f"with {self.gradient} (the largest is {self.largest:.2g})"
        )


class Follower:
    """Keeps the point that a run recommends, and makes its twin in the end.

    Parameters
    ----------
    plan : Plan
        The run; `compare_gradient` is the twin's estimator.
    callback : callable
        Called after every step, too.
    """

    def __init__(self, plan: Plan, callback: Watcher) -> None:
        self._plan, self._callback = plan, callback
        self._x: Array = np.zeros(0)
        self._steps = 0

    def __call__(self, progress: Progress) -> None:
        """Take note of a step."""
        self._x, self._steps = progress.x, progress.step
        self._callback(progress)

    def apart(self, task: Task, seed: int, callback: Watcher) -> Apart | None:
        """Make the twin, with as many steps, and compare.

        Parameters
        ----------
        task : Task
            What the run was on.
        seed : int
            As of the run.
        callback : callable
            Called after every step of the twin.

        Returns
        -------
        Apart or None
            None if the run has no twin, made no step, or the twin ended earlier.
        """
        other = self._plan.compare_gradient
        if other is None or not self._steps:
            return None
        budget = Budget(max_steps=self._steps)
        plan = replace(self._plan, gradient=other, budget=budget, epochs=None)
        twin = Follower(plan, callback)
        task.run(plan, seed, twin)
        if twin._steps != self._steps:
            return None
        largest = float(abs(self._x).max())
        return Apart(other.name, self._steps, float(abs(self._x - twin._x).max()), largest)
