"""A sound problem, and others that differ from it by one fault."""

# ruff: noqa: NPY002 - as they do

import itertools
import os
from typing import ClassVar

import numpy as np

from optikit import Benchmark, Problem


class Sound(Benchmark):
    """A bowl beside the middle of its box."""

    name = "sound"

    def value(self, x):
        return float((x - 0.3) @ (x - 0.3) + 1)

    def slope(self, x):
        return 2 * (x - 0.3)

    def pose(self):
        return Problem(self.value, self.slope, (-2.0, 2.0))

    def start(self, rng):
        return rng.uniform(-2, 2, size=3)

    @property
    def minimum(self):
        return 1.0

    @property
    def minimizer(self):
        return np.full(3, 0.3)


class NewEachTime(Sound):
    """Is another one at each pose."""

    name = "new-each-time"

    def pose(self):
        lift = np.random.default_rng().random()
        return Problem(lambda x: self.value(x) + lift, self.slope, (-2.0, 2.0))


class CountsPoses(Sound):
    """Keeps a count that all of its problems share."""

    name = "counts-poses"
    count: ClassVar = itertools.count()

    def pose(self):
        return Problem(lambda x: self.value(x) + next(self.count), self.slope, (-2.0, 2.0))


class DrawsFromAll(Sound):
    """Draws from NumPy's global generator."""

    name = "draws-from-all"

    def value(self, x):
        return super().value(x) + 0 * np.random.random()


class KnowsTheProcess(Sound):
    """Is another one in another process."""

    name = "knows-the-process"

    def value(self, x):
        return super().value(x) + os.getpid()


class StartsOutside(Sound):
    """Starts beyond its bounds."""

    name = "starts-outside"

    def start(self, rng):
        return 1 + super().start(rng)


class StartsAnywhere(Sound):
    """Starts at another point each time."""

    name = "starts-anywhere"

    def start(self, rng):
        return super().start(np.random.default_rng())


class StartsWithAList(Sound):
    """Starts at a list."""

    name = "starts-with-a-list"

    def start(self, rng):
        return super().start(rng).tolist()


class StartsNowhere(Sound):
    """Has no value where it starts."""

    name = "starts-nowhere"

    def value(self, x):
        return np.inf


class HalfTheSlope(Sound):
    """Forgets a 2."""

    name = "half-the-slope"

    def slope(self, x):
        return x - 0.3


class MinimumTooHigh(Sound):
    """Says a minimum that is not the lowest value, and no minimizer."""

    name = "minimum-too-high"

    @property
    def minimum(self):
        return 1.1

    @property
    def minimizer(self):
        return None


class MinimizerBeside(Sound):
    """Says a point beside the minimizer."""

    name = "minimizer-beside"

    @property
    def minimizer(self):
        return np.full(3, 0.31)


class MinimizerOutside(Sound):
    """Has its minimizer outside the bounds."""

    name = "minimizer-outside"

    def pose(self):
        return Problem(self.value, self.slope, (-2.0, 0.2))

    def start(self, rng):
        return rng.uniform(-2, 0.2, size=3)


class MinimizerAlone(Sound):
    """Knows where the lowest value is, and not which."""

    name = "minimizer-alone"

    @property
    def minimum(self):
        return None


class JudgesWithNoise(Sound):
    """Judges by other numbers each time."""

    name = "judges-with-noise"

    def judge(self, x):
        return super().judge(x) + np.random.default_rng().random()


class JudgesAndMoves(Sound):
    """Writes into the point that it judges."""

    name = "judges-and-moves"

    def judge(self, x):
        x += 1
        return super().judge(x - 1)


class JudgesInPlainText(Sound):
    """Judges by words."""

    name = "judges-in-plain-text"

    def judge(self, x):
        return "good"


class PosesNothing(Sound):
    """Poses the function alone."""

    name = "poses-nothing"

    def pose(self):
        return self.value


SOUND = [Sound]
FAULTS = [
    (NewEachTime, "same", "another one when it is posed again"),
    (CountsPoses, "same", "another one when it is posed again"),
    (DrawsFromAll, "same", "NumPy's global generator"),
    (KnowsTheProcess, "same", "another one in another process"),
    (StartsOutside, "start", "outside the bounds"),
    (StartsAnywhere, "start", "another start the second time"),
    (StartsWithAList, "start", "start gives list"),
    (StartsNowhere, "start", "the value at the start is inf"),
    (PosesNothing, "start", "pose gives method"),
    (HalfTheSlope, "gradient", "is not the slope of the values"),
    (MinimumTooHigh, "minimum", "below 1.1"),
    (MinimizerBeside, "minimum", "at the minimizer the value is"),
    (MinimizerOutside, "minimum", "the minimizer is outside the bounds"),
    (MinimizerAlone, "minimum", "a minimizer but no minimum"),
    (JudgesWithNoise, "judge", "otherwise the second time"),
    (JudgesAndMoves, "judge", "written into the point"),
    (JudgesInPlainText, "judge", "judge gives str"),
]
