"""Functions of two coordinates, which everybody knows from the pictures: their contours can be looked at."""

import math
from typing import Any

import numpy as np

from optikit import Array
from optikit_problems.function import Function


class Beale(Function):
    """A plain with a sharp ridge at each corner, and a curved valley.

    .. math:: f(x, y) = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2

    References
    ----------
    Beale, "On an iterative method for finding a local minimum of a function of more than one variable", Technical
    Report 25, Princeton University, 1958.
    """

    name = "beale"
    box = (-4.5, 4.5)

    @property
    def minimizer(self) -> Array:
        """The only one."""
        return np.array([3.0, 0.5])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum((np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))) ** 2)

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        powers = np.arange(1, 4)
        miss = np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** powers)
        return 2 * np.array([-miss @ (1 - x[1] ** powers), miss @ (x[0] * powers * x[1] ** (powers - 1))])


class Booth(Function):
    """A tilted quadratic valley.

    .. math:: f(x, y) = (x + 2 y - 7)^2 + (2 x + y - 5)^2

    References
    ----------
    Jamil and Yang, "A literature survey of benchmark functions for global optimization problems", International Journal
    of Mathematical Modelling and Numerical Optimisation 4, 2013.
    """

    name = "booth"
    box = (-10.0, 10.0)

    @property
    def minimizer(self) -> Array:
        """The only one."""
        return np.array([1.0, 3.0])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        first, second = 2 * (x[0] + 2 * x[1] - 7), 2 * (2 * x[0] + x[1] - 5)
        return np.array([first + 2 * second, 2 * first + second])


class Himmelblau(Function):
    """Four minima, all of them the lowest.

    .. math:: f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    References
    ----------
    Himmelblau, "Applied nonlinear programming", McGraw-Hill, 1972.
    """

    name = "himmelblau"
    box = (-5.0, 5.0)

    @property
    def minimizer(self) -> Array:
        """The one of the four in whole numbers."""
        return np.array([3.0, 2.0])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        first, second = 2 * (x[0] ** 2 + x[1] - 11), 2 * (x[0] + x[1] ** 2 - 7)
        return np.array([2 * x[0] * first + second, first + 2 * x[1] * second])


class GoldsteinPrice(Function):
    r"""Values from 3 to a million in a small box, and three local minima.

    .. math:: f(x, y) = (1 + (x + y + 1)^2 (19 - 14 x + 3 x^2 - 14 y + 6 x y + 3 y^2)) \cdot
              (30 + (2 x - 3 y)^2 (18 - 32 x + 12 x^2 + 48 y - 36 x y + 27 y^2))

    References
    ----------
    Goldstein and Price, "On descent from local minima", Mathematics of Computation 25, 1971.
    """

    name = "goldstein-price"
    box = (-2.0, 2.0)

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return 3.0

    @property
    def minimizer(self) -> Array:
        """The only one."""
        return np.array([0.0, -1.0])

    def value(self, x: Array) -> Any:
        """Compute the value: each factor is a polynomial of one sum, s = x + y and t = 2 x - 3 y."""
        s, t = x[0] + x[1], 2 * x[0] - 3 * x[1]
        return (1 + (s + 1) ** 2 * (19 - 14 * s + 3 * s**2)) * (30 + t**2 * (18 - 16 * t + 3 * t**2))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        s, t = x[0] + x[1], 2 * x[0] - 3 * x[1]
        first, second = 1 + (s + 1) ** 2 * (19 - 14 * s + 3 * s**2), 30 + t**2 * (18 - 16 * t + 3 * t**2)
        by_s = 2 * (s + 1) * (19 - 14 * s + 3 * s**2) + (s + 1) ** 2 * (6 * s - 14)
        by_t = 36 * t - 48 * t**2 + 12 * t**3
        return np.array([by_s * second + 2 * by_t * first, by_s * second - 3 * by_t * first])


class Branin(Function):
    r"""Three minima, all of them the lowest.

    .. math:: f(x, y) = (y - 5.1 x^2 / (4 \pi^2) + 5 x / \pi - 6)^2 + 10 (1 - 1 / (8 \pi)) \cos x + 10

    References
    ----------
    Branin, "Widely convergent method for finding multiple solutions of simultaneous nonlinear equations", IBM Journal
    of Research and Development 16, 1972; in the form of Dixon and Szegö, "Towards global optimisation 2", 1978.
    """

    name = "branin"
    box = ((-5.0, 0.0), (10.0, 15.0))

    @property
    def minimum(self) -> float:
        """The lowest value: the square vanishes and the cosine is -1."""
        return 5 / (4 * math.pi)

    @property
    def minimizer(self) -> Array:
        """The middle one of the three."""
        return np.array([math.pi, 2.275])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        miss = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
        return miss**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        miss = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
        across = 2 * miss * (5 / np.pi - 5.1 / (2 * np.pi**2) * x[0]) - 10 * (1 - 1 / (8 * np.pi)) * np.sin(x[0])
        return np.array([across, 2 * miss])


class SixHumpCamel(Function):
    """Six minima, two of them, opposite each other, the lowest.

    .. math:: f(x, y) = 4 x^2 - 2.1 x^4 + x^6 / 3 + x y - 4 y^2 + 4 y^4

    References
    ----------
    Dixon and Szegö, "The global optimization problem: an introduction", in "Towards global optimisation 2", 1978.
    """

    name = "six-hump-camel"
    box = ((-3.0, -2.0), (3.0, 2.0))

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return -1.0316284534898774

    @property
    def minimizer(self) -> Array:
        """One of the two."""
        return np.array([0.08984201368301331, -0.7126564032704135])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        a, b = x[0] ** 2, x[1] ** 2
        return (4 - 2.1 * a + a**2 / 3) * a + x[0] * x[1] + 4 * (b - 1) * b

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        across = 8 * x[0] - 8.4 * x[0] ** 3 + 2 * x[0] ** 5 + x[1]
        return np.array([across, x[0] - 8 * x[1] + 16 * x[1] ** 3])


class Easom(Function):
    r"""A plain with one narrow hole, which takes up less than a thousandth of the box.

    .. math:: f(x, y) = -\cos(x) \cos(y) e^{-(x - \pi)^2 - (y - \pi)^2}

    References
    ----------
    Easom, "A survey of global optimization techniques", M.Eng. thesis, University of Louisville, 1990.
    """

    name = "easom"
    box = (-100.0, 100.0)

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return -1.0

    @property
    def minimizer(self) -> Array:
        """The only one."""
        return np.array([math.pi, math.pi])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return -np.prod(np.cos(x)) * np.exp(-np.sum((x - np.pi) ** 2))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        hole = np.exp(-np.sum((x - np.pi) ** 2))
        return hole * (np.sin(x) * np.cos(x[::-1]) + 2 * (x - np.pi) * np.prod(np.cos(x)))


class Bukin(Function):
    r"""Bukin's sixth function: a ridge of kinks along a parabola, at whose bottom all lies within 0.05 of the minimum.

    .. math:: f(x, y) = 100 \sqrt{|y - 0.01 x^2|} + 0.01 |x + 10|

    References
    ----------
    Bukin, "New minimization strategy for non-smooth functions", Budker Institute of Nuclear Physics, Novosibirsk, 1997;
    in Jamil and Yang, International Journal of Mathematical Modelling and Numerical Optimisation 4, 2013.
    """

    name = "bukin"
    box = ((-15.0, -3.0), (-5.0, 3.0))

    @property
    def minimizer(self) -> Array:
        """The only one."""
        return np.array([-10.0, 1.0])

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return 100 * np.sqrt(abs(x[1] - x[0] ** 2 / 100)) + abs(x[0] + 10) / 100

    def slope(self, x: Array) -> Array:
        """Compute the gradient; on the parabola, where there is none, that of the second term alone."""
        miss = x[1] - x[0] ** 2 / 100
        steep = 50 * np.sign(miss) / np.sqrt(abs(miss) or 1.0)
        return np.array([-steep * x[0] / 50 + np.sign(x[0] + 10) / 100, steep])
