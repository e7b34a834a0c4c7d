"""A schedule: how the learning rate of an update rule changes on the way, as a factor of it.

A pace is plain data in the state of the rule; the schedule is fixed and gives the next one.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from optikit.component import Component


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Where a schedule is."""

    step: int = -1
    """Steps made before; -1 before the first."""
    factor: float = 1.0
    """What the learning rate is multiplied with in this step."""
    best: float = math.inf
    """The lowest value that counted as progress, for schedules that look at values."""
    waited: int = 0
    """Steps since then."""


class Schedule(Component):
    """Changes a learning rate from step to step."""

    kind: ClassVar[str] = "schedule"

    @abstractmethod
    def advance(self, pace: Pace, value: float) -> Pace:
        """Give the pace of the next step.

        Parameters
        ----------
        pace : Pace
            That of the step before; ``Pace()`` before the first.
        value : float
            The value of the objective at the point of the next step; +inf if it was NaN.

        Returns
        -------
        Pace
            With ``step`` one more.
        """
