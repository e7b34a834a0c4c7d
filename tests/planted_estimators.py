"""Two sound gradient estimators, and others that differ from them by one fault."""

# ruff: noqa: NPY002 - as they do

import itertools
from typing import ClassVar

import numpy as np
from pydantic import Field

from optikit import ErrorEstimator, Estimate, GradientEstimator


class Sound(GradientEstimator):
    """Differences between two points a coordinate, as far apart as the bounds let them be."""

    name = "sound"
    h: float = Field(default=1e-5, gt=0)
    """Distance to both sides."""

    def value_and_grad(self, objective, x, rng):
        low, high = self.limits(objective, x)
        h = self.step(x)
        points, steps = [x], []
        for i in range(len(x)):
            for side in (h, -h):
                point = x.copy()
                point[i] = np.clip(x[i] + side, low[i], high[i])
                points.append(point)
            steps.append(points[-2][i] - points[-1][i])
        values = self.values(objective, np.array(points))
        change, steps = values[1::2] - values[2::2], np.array(steps)
        slopes = np.divide(change, steps, out=np.zeros(len(x)), where=steps != 0)
        return float(values[0]), self.told(slopes, x, rng)

    def limits(self, objective, x):
        return objective.bounds(len(x))

    def step(self, x):
        return max(self.h, 30 * float(np.finfo(x.dtype).eps) ** 0.5) if x.dtype == np.float32 else self.h

    def values(self, objective, points):
        return objective.values(points)

    def told(self, slopes, x, rng):
        return slopes.astype(x.dtype)

    def cost(self, n):
        return 1 + 2 * n


class SoundOnAverage(Sound):
    """The same along a few coordinates, right in the mean."""

    name = "sound-on-average"

    def told(self, slopes, x, rng):
        return (2 * slopes * (rng.random(len(x)) < 0.5)).astype(x.dtype)


class SoundWithError(ErrorEstimator):
    """Richardson's first step, with the difference to the quotient as its error."""

    name = "sound-with-error"
    sound: ClassVar = Sound()

    def estimate(self, objective, x, rng):
        value, near = self.sound.value_and_grad(objective, x, rng)
        _, far = self.sound.model_copy(update={"h": 2 * self.sound.step(x)}).value_and_grad(objective, x, rng)
        error = abs(near - far).astype(float) + 1e-15 / self.sound.step(x)
        return Estimate(value, near, self.of(error))

    def of(self, error):
        return error

    def cost(self, n):
        return 2 * (1 + 2 * n)


class Halved(Sound):
    """Forgets that its points are two steps apart."""

    name = "halved"

    def told(self, slopes, x, rng):
        return (slopes / 2).astype(x.dtype)


class HalvedOnAverage(Sound):
    """Forgets how seldom it looks along a coordinate."""

    name = "halved-on-average"

    def told(self, slopes, x, rng):
        return (slopes * (rng.random(len(x)) < 0.5)).astype(x.dtype)


class KeepsItsStep(Sound):
    """Does not look at its field."""

    name = "keeps-its-step"

    def step(self, x):
        return 1e-2


class ValueOfANeighbour(Sound):
    """Gives the value at another point."""

    name = "value-of-a-neighbour"

    def value_and_grad(self, objective, x, rng):
        value, gradient = super().value_and_grad(objective, x, rng)
        return value + 0.1 * float(gradient[0]), gradient


class DividesByTheSlope(Sound):
    """Makes the signs of slopes by division."""

    name = "divides-by-the-slope"

    def told(self, slopes, x, rng):
        return (slopes * (slopes / slopes)).astype(x.dtype)


class CountsWrong(Sound):
    """Declares less than it takes."""

    name = "counts-wrong"

    def cost(self, n):
        return 1 + n


class CountsTooMuch(Sound):
    """Declares more than it ever takes."""

    name = "counts-too-much"

    def cost(self, n):
        return 2 + 2 * n


class StepsOutside(Sound):
    """Does not look at the bounds."""

    name = "steps-outside"

    def limits(self, objective, x):
        return np.full(len(x), -np.inf), np.full(len(x), np.inf)


class DividesByNothing(Sound):
    """Does not think of a fixed parameter."""

    name = "divides-by-nothing"

    def value_and_grad(self, objective, x, rng):
        value, gradient = super().value_and_grad(objective, x, rng)
        low, high = objective.bounds(len(x))
        return value, gradient / (low < high)


class GivesDouble(Sound):
    """Gives float64 for float32."""

    name = "gives-double"

    def told(self, slopes, x, rng):
        return slopes.astype(float)


class AsksInDouble(Sound):
    """Asks at points of float64 whatever x is."""

    name = "asks-in-double"

    def values(self, objective, points):
        return objective.values(points.astype(float))


class HidesNaN(Sound):
    """Takes what is not finite for no slope."""

    name = "hides-nan"

    def told(self, slopes, x, rng):
        return np.nan_to_num(slopes, posinf=0, neginf=0).astype(x.dtype)


class DiesOfNaN(Sound):
    """Raises what nobody can read."""

    name = "dies-of-nan"

    def told(self, slopes, x, rng):
        np.linalg.svd(np.diag(slopes))
        return slopes.astype(x.dtype)


class DrawsGlobally(Sound):
    """Draws from everybody's generator."""

    name = "draws-globally"

    def step(self, x):
        return super().step(x) * np.random.uniform(1, 1.0001)


class Remembers(Sound):
    """Has a memory outside of its fields."""

    name = "remembers"
    calls: ClassVar = itertools.count()

    def step(self, x):
        return super().step(x) * (1 + next(self.calls) % 7 / 100)


class WritesIntoX(Sound):
    """Moves the point itself."""

    name = "writes-into-x"

    def told(self, slopes, x, rng):
        x[:] = x + 1e-9
        return slopes.astype(x.dtype)


class SureOfItself(SoundWithError):
    """Claims a tenth of a thousandth of its error."""

    name = "sure-of-itself"

    def of(self, error):
        return error * 1e-4


class SureOfNothing(SoundWithError):
    """Warns of everything."""

    name = "sure-of-nothing"

    def of(self, error):
        return error + 10


class GivesAList(Sound):
    """Gives no array."""

    name = "gives-a-list"

    def told(self, slopes, x, rng):
        return slopes.tolist()


class GivesNoValue(Sound):
    """Gives the gradient alone."""

    name = "gives-no-value"

    def value_and_grad(self, objective, x, rng):
        return super().value_and_grad(objective, x, rng)[1]


SOUND = [Sound, SoundOnAverage, SoundWithError]
FAULTS = [
    (Halved, "smooth functions", "but should be"),
    (HalvedOnAverage, "smooth functions", "the mean of 400 gradients of 'linear' is"),
    (ValueOfANeighbour, "smooth functions", "the value is"),
    (GivesNoValue, "smooth functions", "return a value and a gradient"),
    (GivesAList, "smooth functions", "return an array of shape"),
    (KeepsItsStep, "order", "it should fall with h at least"),
    (DividesByTheSlope, "kinks", "at a kink"),
    (CountsWrong, "cost", "cost(1) is 2, but it takes 3 evaluations of 'linear'"),
    (CountsTooMuch, "cost", "cost(1) is 4, but it takes 3 evaluations, whatever the function"),
    (StepsOutside, "bounds", "outside the bounds"),
    (DividesByNothing, "bounds", "the gradient of a sum is"),
    (GivesDouble, "float32", "the gradient is float64, but x is float32; give it that dtype"),
    (AsksInDouble, "float32", "it asks at points of float64, but x is float32"),
    (HidesNaN, "not finite", "and yet the gradient is"),
    (DiesOfNaN, "not finite", "SVD"),
    (DrawsGlobally, "seed", "drawn from NumPy's global generator"),
    (Remembers, "seed", "give another gradient the second time"),
    (WritesIntoX, "seed", "it has written into the x that it was given"),
    (SureOfItself, "error", "true errors are more than ten times the estimated ones"),
    (SureOfNothing, "error", "errors are as large as the gradient"),
]
