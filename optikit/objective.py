"""The objective: the function that is minimised at one step.

A problem may change from step to step (another minibatch); `Problem.at(step)` fixes it, and what it gives is an
`Objective`: a plain function of the parameters with everything that an estimator may ask of it.  Estimators stay one
line of mathematics each because the structure, such as the layers of a network, stays behind `shifted`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np

from optikit.bounds import Bounds, place, read_bounds
from optikit.errors import InputError
from optikit.types import Array, ComplexArray

_CHUNK = 1 << 20
"""Numbers in one batch of shifted points: 8 MiB, so that n points of n coordinates never exist at once."""

Rule: TypeAlias = Callable[[Callable[[Any], Any], Array], tuple[Any, Any]]
"""How a library differentiates: ``rule(fun, x)`` gives the value and the gradient, shape (n,), of a function at x."""


class Objective(ABC):
    """A function of `x`, shape (n,), with optional exact gradient.

    Arrays that are passed in are never written to.
    """

    @abstractmethod
    def value(self, x: Array) -> float:
        """Compute the value at one point, shape (n,)."""

    @abstractmethod
    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Compute the value and the exact gradient, shape (n,).

        Raises
        ------
        InputError
            If the objective has no gradient of its own.
        """

    def bounds(self, n: int) -> Bounds:
        """Give the bounds of n parameters, two arrays of shape (n,); estimators stay inside."""
        return read_bounds(None, n)

    def label(self, i: int) -> str:
        """Name parameter i, for messages."""
        return place(i)

    def values(self, xs: Array) -> Array:
        """Compute the values at the rows of `xs`, shape (k, n); they are independent of each other."""
        return np.array([self.value(x) for x in xs], dtype=np.float64)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        """Compute the values at the rows of `xs`, shape (k, n), whose numbers are complex.

        Raises
        ------
        InputError
            If the objective takes real numbers only, as a model with data does.
        ObjectiveError
            If it refuses complex numbers after all, or drops their imaginary part.
        """
        raise InputError("this objective takes no complex numbers; pass gradient='richardson' or 'central-difference'")

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        """Let a library differentiate the function, and give value and gradient, shape (n,).

        Parameters
        ----------
        rule : callable
            ``rule(fun, x)`` calls the user's own function with whatever arrays the library traces.  `fun` is one object
            as long as the problem lives, so a rule that compiles needs to do that once.
        x : ndarray, shape (n,)
            The point.

        Raises
        ------
        InputError
            If there is no function to differentiate, as where a model meets data.
        """
        raise InputError(
            "this objective is no function that a library could differentiate; pass gradient='analytic', which a "
            "model with data has, or 'central-difference'"
        )

    def shifted(self, x: Array, step: Array | float) -> Array:
        """Compute the values at ``x + step_i e_i`` for every coordinate i.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The point.
        step : float, or ndarray of shape (n,) or (s, n)
            How far, and in which direction, each coordinate goes, alone; or s such steps.

        Returns
        -------
        ndarray, shape (n,) or (s, n)
            One value a step; an objective with structure may share work between them.
        """
        n = len(x)
        moved = x + np.asarray(step, dtype=x.dtype)
        rows = max(1, _CHUNK // max(1, n))
        values = np.empty(moved.size)
        for start in range(0, moved.size, rows):
            which = np.arange(start, min(start + rows, moved.size))
            points = np.repeat(x[None], len(which), axis=0)
            points[np.arange(len(which)), which % n] = moved.flat[which]
            values[which] = self.values(points)
        return values.reshape(moved.shape)

    @final
    def sweep(self, x: Array, h: Array | float) -> tuple[Array, Array]:
        """Compute the values at ``x + h_i e_i`` and at ``x - h_i e_i`` for every coordinate i: 2n evaluations.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The point.
        h : float or ndarray, shape (n,)
            Distance to go, in both directions.

        Returns
        -------
        up, down : ndarray, shape (n,)
            The values.
        """
        h = np.broadcast_to(h, x.shape)
        up, down = self.shifted(x, np.stack([h, -h]))
        return up, down
