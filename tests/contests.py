"""Benchmarks that the tests of comparisons compare on; in a module of their own, so that workers find them."""

import numpy as np
from pydantic import Field

import optikit
from optikit import Benchmark, Problem


class Bowl(Benchmark):
    """A quadratic with its minimum, 0, where all parameters are 1."""

    name = "bowl"

    n: int = Field(default=3, ge=1)
    """Number of parameters."""

    def pose(self):
        """Make the problem."""
        return Problem(self.value, self.slope if self.exact else None, bounds=self.box)

    exact: bool = False
    """Whether it has a gradient."""
    bounded: bool = False
    """Whether it has bounds."""

    @property
    def box(self):
        """The bounds."""
        return (-5, 5) if self.bounded else None

    def value(self, x):
        """Give the value."""
        return float((np.arange(1, len(x) + 1) * (x - 1) ** 2).sum())

    def slope(self, x):
        """Give the gradient."""
        return 2 * np.arange(1, len(x) + 1) * (x - 1)

    def start(self, rng):
        """Draw a start."""
        return rng.uniform(-4, 4, self.n)

    @property
    def minimum(self):
        """The lowest value."""
        return 0.0


class Valley(Bowl):
    """Rosenbrock's function."""

    name = "valley"

    def value(self, x):
        """Give the value."""
        return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    def slope(self, x):
        """Give the gradient."""
        gradient = np.zeros_like(x)
        gradient[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
        gradient[1:] += 200 * (x[1:] - x[:-1] ** 2)
        return gradient


class Unknown(Bowl):
    """A bowl of which nobody knows the minimum, which is 7."""

    name = "unknown"

    def value(self, x):
        """Give the value."""
        return super().value(x) + 7

    @property
    def minimum(self):
        """Nobody knows."""
        return None


class Noisy(Bowl):
    """A bowl with noise, which the judge does not hear."""

    name = "noisy"

    def pose(self):
        """Make the problem."""
        rng = np.random.default_rng(5)
        return Problem(lambda x: self.value(x) + 2 * rng.random() - 30)

    def judge(self, x):
        """Give the value without noise."""
        return self.value(x)


class Cliff(Bowl):
    """A bowl that raises where the first parameter is positive."""

    name = "cliff"

    def value(self, x):
        """Give the value, or raise."""
        if x[0] > 0.5:
            raise ValueError("over the cliff")
        return super().value(x)


class Batches(Bowl):
    """A line through points, in minibatches."""

    name = "batches"

    def pose(self):
        """Make the problem."""
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(20, self.n))
        linear = optikit.get("model", "linear", inputs=self.n, outputs=1)
        squares = optikit.get("loss", "mean-squared-error")
        return Problem.of(linear, squares, inputs, inputs.sum(axis=1, keepdims=True) + rng.normal(size=(20, 1)), 5)

    def start(self, rng):
        """Draw a start."""
        return rng.normal(size=self.n + 1)

    @property
    def minimum(self):
        """Nobody knows."""
        return None
