"""Functions that estimators are put to: written in operators alone, so that libraries and complex numbers can follow.

The objective remembers every point that it was asked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit.bounds import Bounds
from optikit.objective import Objective, Rule
from optikit.problem import Problem
from optikit.types import Array, ComplexArray


@dataclass(frozen=True)
class Smooth:
    """A function of x, shape (n,), without kinks, and gentle for coordinates between -1.5 and 1.5."""

    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    formula: str
    """The value, as an author reads it; w are weights between 1 and 2."""


def _weights(x: Any) -> Any:
    return 1 + np.arange(len(x)) / len(x)


def _weighted(x: Any) -> Any:
    # One by one, as a tensor does not take an array.
    return sum(weight * each for weight, each in zip(_weights(x).tolist(), x, strict=True))


def _neighbours_gradient(x: Any) -> Any:
    gradient = 2 * x
    gradient[1:] += x[:-1]
    gradient[:-1] += x[1:]
    return gradient


SMOOTH: dict[str, Smooth] = {
    "linear": Smooth(_weighted, _weights, "sum(w * x)"),
    "sphere": Smooth(lambda x: (x * x).sum(), lambda x: 2 * x, "sum(x**2)"),
    "ellipsoid": Smooth(lambda x: _weighted(x * x), lambda x: 2 * _weights(x) * x, "sum(w * x**2)"),
    "quintic": Smooth(lambda x: (x**5 - 2 * x**3).sum(), lambda x: 5 * x**4 - 6 * x**2, "sum(x**5 - 2 * x**3)"),
    "neighbours": Smooth(
        lambda x: (x * x).sum() + (x[1:] * x[:-1]).sum(), _neighbours_gradient, "sum(x**2) + sum(x[1:] * x[:-1])"
    ),
    "cube of the sum": Smooth(lambda x: x.sum() ** 3, lambda x: 3 * x.sum() ** 2 * np.ones_like(x), "sum(x)**3"),
    "runge": Smooth(lambda x: (1 / (1 + x * x)).sum(), lambda x: -2 * x / (1 + x * x) ** 2, "sum(1 / (1 + x**2))"),
    "root": Smooth(lambda x: ((1 + x * x) ** 0.5).sum(), lambda x: x / (1 + x * x) ** 0.5, "sum(sqrt(1 + x**2))"),
    "pole": Smooth(lambda x: (1 / (4 - x)).sum(), lambda x: 1 / (4 - x) ** 2, "sum(1 / (4 - x))"),
}
"""By name."""

ODD: dict[str, Smooth] = {
    "constant": Smooth(lambda x: 0 * x.sum() + 1, np.zeros_like, "1"),
    "first coordinate": Smooth(lambda x: x[0] * x[0], lambda x: 2 * x * (np.arange(len(x)) == 0), "x[0]**2"),
    "steep": Smooth(lambda x: (1 / (1.6 - x) ** 3).sum(), lambda x: 3 / (1.6 - x) ** 4, "sum(1 / (1.6 - x)**3)"),
}
"""Those at which whoever adapts to the function does something else."""


class Watched(Objective):
    """A function that remembers where it was asked.

    Parameters
    ----------
    fun, gradient : callable
        The function, and its exact gradient.
    formula : str
        What `fun` computes.
    bounds : (low, high), optional
        Two arrays of shape (n,).
    """

    def __init__(
        self, fun: Callable[[Any], Any], gradient: Callable[[Any], Any], formula: str, bounds: Any = None
    ) -> None:
        def fitting(x: Any) -> Any:
            return np.asarray(gradient(x), dtype=x.dtype)

        self._inner, self.formula, self.sides = Problem(fun, fitting, bounds).at(0), formula, bounds
        self.points: list[Any] = []
        """One for each evaluation; one with an exact gradient counts as one."""

    def value(self, x: Array) -> float:
        """Compute the value at one point."""
        self.points.append(np.array(x))
        return self._inner.value(x)

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Compute the value and the exact gradient."""
        self.points.append(np.array(x))
        return self._inner.value_and_grad(x)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        """Compute the values at complex points."""
        self.points.extend(np.array(xs))
        return self._inner.complex_values(xs)

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        """Let a library differentiate the function."""
        self.points.append(np.array(x))
        return self._inner.differentiated(rule, x)

    def bounds(self, n: int) -> Bounds:
        """Give the bounds of n parameters."""
        return self._inner.bounds(n)
