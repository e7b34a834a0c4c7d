"""Schedules that look at nothing but the number of the step."""

import math
from abc import abstractmethod
from typing import final

from pydantic import Field

from optikit import Pace, Schedule


class Timed(Schedule):
    """A schedule that is a function of the step."""

    @abstractmethod
    def at(self, step: int) -> float:
        """Give the factor of a step, counted from 0."""

    @final
    def advance(self, pace: Pace, value: float) -> Pace:
        """Count one more step."""
        return Pace(step=pace.step + 1, factor=self.at(pace.step + 1))


class Constant(Timed):
    """The learning rate as it is, times a constant."""

    name = "constant"

    factor: float = Field(default=1.0, gt=0)
    """What the learning rate is multiplied with."""

    def at(self, step: int) -> float:
        """Give the factor."""
        return self.factor


class StepDecay(Timed):
    r"""The learning rate falls by a factor every so many steps.

    .. math:: \text{factor}_t = d^{\lfloor t / T \rfloor}
    """

    name = "step"

    every: int = Field(ge=1, examples=[100])
    """Steps T between two falls; an epoch has as many steps as the data have minibatches."""
    decay: float = Field(default=0.1, gt=0, lt=1)
    """What it falls by, d."""

    def at(self, step: int) -> float:
        """Count the falls."""
        return self.decay ** (step // self.every)


class Exponential(Timed):
    r"""The learning rate falls by the same factor in every step.

    .. math:: \text{factor}_t = d^t
    """

    name = "exponential"

    decay: float = Field(default=0.999, gt=0, lt=1)
    """What it falls by in a step, d."""

    def at(self, step: int) -> float:
        """Take the power."""
        return self.decay**step


class Cosine(Timed):
    r"""The learning rate falls along half a cosine, slowly at both ends, to a floor, and stays there.

    .. math:: \text{factor}_t = l + (1 - l) (1 + \cos(\pi \min(t, T) / T)) / 2

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: Stochastic gradient descent with warm restarts", ICLR; here without restarts.
    """

    name = "cosine"

    steps: int = Field(ge=1, examples=[1000])
    """Steps T until the floor is reached: usually those of the whole training."""
    floor: float = Field(default=0.0, ge=0, le=1)
    """The last factor, l."""

    def at(self, step: int) -> float:
        """Follow the cosine."""
        return _fall(min(step / self.steps, 1.0), 1.0, self.floor)


class OneCycle(Timed):
    """The learning rate rises along half a cosine to its full size, and falls along another far below where it began.

    References
    ----------
    Smith and Topin (2019), "Super-convergence: very fast training of neural networks using large learning rates".
    There the two ways are straight, and the momentum changes as well.
    """

    name = "one-cycle"

    steps: int = Field(ge=2, examples=[1000])
    """Steps of the whole cycle: usually those of the whole training."""
    rise: float = Field(default=0.3, gt=0, lt=1)
    """Share of the steps until the full size is reached."""
    first: float = Field(default=0.04, gt=0, le=1)
    """Factor of the first step."""
    last: float = Field(default=4e-6, ge=0, le=1)
    """Factor of the last step and those after it."""

    def at(self, step: int) -> float:
        """Rise, and fall."""
        t, top = min(step / (self.steps - 1), 1.0), self.rise
        return _fall(t / top, self.first, 1.0) if t < top else _fall((t - top) / (1 - top), 1.0, self.last)


def _fall(t: float, start: float, end: float) -> float:
    """Go along half a cosine from `start` at t = 0 to `end` at t = 1."""
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2
