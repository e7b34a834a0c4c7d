"""A benchmark: a problem as a component, with what is known of its minimum, for optimizers to be compared on.

It is to `Problem` what `Data` is to `Dataset`: its fields say which one, such as the number of parameters or the
instance, and `pose` makes it.  Whoever compares makes a start for every seed, the same for all optimizers, and judges a
point by `judge`, which knows the value without noise where the problem adds some.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from optikit.component import Component
from optikit.problem import Problem
from optikit.types import Array


class Benchmark(Component):
    """A problem to compare optimizers on; authors write `pose`, `start`, and what is known of the minimum."""

    kind: ClassVar[str] = "problem"

    @abstractmethod
    def pose(self) -> Problem:
        """Make the problem: a new one at each call, and always the same one.

        Returns
        -------
        Problem
            With an exact gradient where there is one, and bounds where it is meant to have some.

        Raises
        ------
        InputError
            If the fields do not go together, or something that it needs is not there.
        """

    @abstractmethod
    def start(self, rng: np.random.Generator) -> Array:
        """Draw a point to start from, (n,), inside the bounds; the problem's own standard point where it has one."""

    @property
    def minimum(self) -> float | None:
        """The lowest value, or the lowest that anybody has found; None where nobody knows."""
        return None

    @property
    def minimizer(self) -> Array | None:
        """A point, (n,), where the value is the lowest; None where nobody knows."""
        return None

    def judge(self, x: Array) -> float:
        """Give the value by which a point, (n,), is judged: without the noise that `pose` adds, if it adds any."""
        return self.pose().whole.value(x)
