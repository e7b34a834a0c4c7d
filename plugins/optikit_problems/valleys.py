"""Functions with one minimum: bowls, round and stretched, and valleys, straight and bent.

What makes them hard is their shape alone: how different the curvatures are, and how the valley turns.
"""

from typing import Any

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_problems.function import Scalable


class Sphere(Scalable):
    r"""The squared distance from the origin: what everybody should solve at once.

    .. math:: f(x) = \sum_i x_i^2

    References
    ----------
    De Jong, "An analysis of the behavior of a class of genetic adaptive systems", PhD thesis, University of Michigan,
    1975 (F1).
    """

    name = "sphere"
    box = (-5.12, 5.12)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return x @ x

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        return 2 * x


class Ellipsoid(Scalable):
    r"""A bowl whose axes have curvatures from 1 to `condition`, evenly spaced in the logarithm.

    .. math:: f(x) = \sum_{i=1}^n c^{(i-1)/(n-1)} x_i^2

    References
    ----------
    Hansen, Finck, Ros and Auger, "Real-parameter black-box optimization benchmarking 2009: noiseless functions
    definitions", INRIA RR-6829, 2009 (f2, without its transformations).
    """

    name = "ellipsoid"
    box = (-5.0, 5.0)
    condition: float = Field(default=1e6, ge=1)
    """The largest curvature over the smallest."""

    @property
    def _curvatures(self) -> Array:
        return self.condition ** np.linspace(0, 1, self.n)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return self._curvatures @ x**2

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        return 2 * self._curvatures * x


class Zakharov(Scalable):
    r"""A bowl with a long flat valley along one direction, in which it grows with the fourth power.

    .. math:: f(x) = \sum_i x_i^2 + s^2 + s^4, \quad s = \sum_i i x_i / 2

    References
    ----------
    Laguna and Martí, "Experimental testing of advanced scatter search designs for global optimization of multimodal
    functions", Journal of Global Optimization 33, 2005.
    """

    name = "zakharov"
    box = (-5.0, 10.0)

    @property
    def _weights(self) -> Array:
        return np.arange(1, self.n + 1) / 2

    def value(self, x: Array) -> Any:
        """Compute the value."""
        s = self._weights @ x
        return x @ x + s**2 + s**4

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        s = self._weights @ x
        return 2 * x + (2 * s + 4 * s**3) * self._weights


class Trid(Scalable):
    r"""A quadratic function with a tridiagonal matrix, whose minimizer and box grow with the dimension.

    .. math:: f(x) = \sum_{i=1}^n (x_i - 1)^2 - \sum_{i=2}^n x_i x_{i-1}

    References
    ----------
    Neumaier, "Bound constrained problems", in Adorio and Diliman, "MVF: multivariate test functions library in C",
    2005.
    """

    name = "trid"

    @property
    def sides(self) -> tuple[Array, Array]:
        """From minus to plus the square of the dimension."""
        return np.full(self.n, -float(self.n**2)), np.full(self.n, float(self.n**2))

    @property
    def minimum(self) -> float:
        """Minus a cubic of the dimension."""
        return -self.n * (self.n + 4) * (self.n - 1) / 6

    @property
    def minimizer(self) -> Array:
        """A parabola over the coordinates."""
        i = np.arange(1.0, self.n + 1)
        return i * (self.n + 1 - i)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum((x - 1) ** 2) - x[1:] @ x[:-1]

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        gradient = 2 * (x - 1)
        gradient[1:] -= x[:-1]
        gradient[:-1] -= x[1:]
        return gradient


class Rosenbrock(Scalable):
    r"""A flat valley that is bent like a banana; with 4 or more coordinates it has a second, local minimum.

    .. math:: f(x) = \sum_{i=1}^{n-1} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2

    References
    ----------
    Rosenbrock, "An automatic method for finding the greatest or least value of a function", The Computer Journal 3,
    1960; with more coordinates, De Jong, PhD thesis, University of Michigan, 1975.
    """

    name = "rosenbrock"
    box = (-5.0, 10.0)
    dimension: int = Field(default=2, ge=2)
    """Number of coordinates."""

    @property
    def minimizer(self) -> Array:
        """Ones."""
        return np.ones(self.n)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        miss = x[1:] - x[:-1] ** 2
        gradient = np.zeros_like(x)
        gradient[:-1] = -400 * miss * x[:-1] - 2 * (1 - x[:-1])
        gradient[1:] += 200 * miss
        return gradient


class DixonPrice(Scalable):
    r"""A valley in which each coordinate is tied to the next, and the later ones the more.

    .. math:: f(x) = (x_1 - 1)^2 + \sum_{i=2}^n i (2 x_i^2 - x_{i-1})^2

    References
    ----------
    Dixon and Price, "Truncated Newton method for sparse unconstrained optimization using automatic differentiation",
    Journal of Optimization Theory and Applications 60, 1989.
    """

    name = "dixon-price"
    box = (-10.0, 10.0)

    @property
    def minimizer(self) -> Array:
        """Powers of 2 from 1 down to near 1/2."""
        return 2 ** (2.0 ** (1 - np.arange(1, self.n + 1)) - 1)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return (x[0] - 1) ** 2 + np.arange(2, self.n + 1) @ (2 * x[1:] ** 2 - x[:-1]) ** 2

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        pull = 2 * np.arange(2, self.n + 1) * (2 * x[1:] ** 2 - x[:-1])
        gradient = np.zeros_like(x)
        gradient[0] = 2 * (x[0] - 1)
        gradient[1:] = 4 * pull * x[1:]
        gradient[:-1] -= pull
        return gradient


class Powell(Scalable):
    r"""Powell's singular function: at the minimum two of every four curvatures vanish.

    .. math:: f(x) = \sum_{blocks} (a + 10 b)^2 + 5 (c - d)^2 + (b - 2 c)^4 + 10 (a - d)^4

    References
    ----------
    Powell, "An iterative method for finding stationary values of a function of several variables", The Computer Journal
    5, 1962; with more blocks, Moré, Garbow and Hillstrom, "Testing unconstrained optimization software", ACM
    Transactions on Mathematical Software 7, 1981.
    """

    name = "powell"
    box = (-4.0, 5.0)
    dimension: int = Field(default=4, ge=4, multiple_of=4)
    """Number of coordinates: blocks of four."""

    def value(self, x: Array) -> Any:
        """Compute the value."""
        a, b, c, d = x.reshape(-1, 4).T
        return np.sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4)

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        a, b, c, d = x.reshape(-1, 4).T
        first, second, third, fourth = 2 * (a + 10 * b), 10 * (c - d), 4 * (b - 2 * c) ** 3, 40 * (a - d) ** 3
        parts = [first + fourth, 10 * first + third, second - 2 * third, -second - fourth]
        return np.stack(parts, axis=1).ravel()
