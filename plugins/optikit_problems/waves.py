"""Functions of any number of coordinates with many minima: waves on a bowl, or on nothing.

Local search ends in the nearest trough; what counts is how much of the whole shape an optimizer learns.
"""

import math
from typing import Any

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_problems.function import Scalable


class Ackley(Scalable):
    r"""A nearly flat plain full of small holes with one deep, sharp hole, at the origin, where it has a kink.

    .. math:: f(x) = -20 e^{-r/5} - e^{\sum_i \cos(2 \pi x_i) / n} + 20 + e, \quad r^2 = \sum_i x_i^2 / n

    References
    ----------
    Ackley, "A connectionist machine for genetic hillclimbing", Kluwer, 1987.
    """

    name = "ackley"
    box = (-32.768, 32.768)

    def value(self, x: Array) -> Any:
        """Compute the value, as differences of exponentials so that it is 0 at the origin."""
        wave = np.mean(np.cos(2 * np.pi * x))
        return -20 * np.expm1(-0.2 * np.sqrt(np.mean(x**2))) - math.e * np.expm1(wave - 1)

    def slope(self, x: Array) -> Array:
        """Compute the gradient; at the kink, 0, which is one of the slopes there."""
        root, wave = np.sqrt(np.mean(x**2)), np.mean(np.cos(2 * np.pi * x))
        bowl = 4 * np.exp(-0.2 * root) * x / (root or 1.0)
        return (bowl + 2 * np.pi * np.exp(wave) * np.sin(2 * np.pi * x)) / self.n


class Rastrigin(Scalable):
    r"""A bowl with a deep wave along every axis: about 11 troughs to the power of the dimension.

    .. math:: f(x) = \sum_i x_i^2 + 10 (1 - \cos(2 \pi x_i))

    References
    ----------
    Rastrigin, "Systems of extremal control", Nauka, 1974; with more coordinates, Mühlenbein, Schomisch and Born, "The
    parallel genetic algorithm as function optimizer", Parallel Computing 17, 1991.
    """

    name = "rastrigin"
    box = (-5.12, 5.12)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum(x**2 + 10 * (1 - np.cos(2 * np.pi * x)))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


class Griewank(Scalable):
    r"""A wide bowl with a product of waves, which fades as the dimension grows.

    .. math:: f(x) = \sum_i x_i^2 / 4000 - \prod_i \cos(x_i / \sqrt{i}) + 1

    References
    ----------
    Griewank, "Generalized descent for global optimization", Journal of Optimization Theory and Applications 34, 1981.
    """

    name = "griewank"
    box = (-600.0, 600.0)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return x @ x / 4000 + 1 - np.prod(np.cos(x / np.sqrt(np.arange(1, self.n + 1))))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        roots = np.sqrt(np.arange(1, self.n + 1))
        cosines = np.cos(x / roots)
        # The product of all others, from both sides, as a quotient would fail where a cosine is 0.
        before = np.cumprod([1, *cosines[:-1]])
        after = np.cumprod([1, *cosines[:0:-1]])[::-1]
        return x / 2000 + before * after * np.sin(x / roots) / roots


class Levy(Scalable):
    r"""Waves in all coordinates, higher the further they are from the minimum at ones.

    .. math:: f(x) = \sin^2(\pi w_1) + \sum_{i=1}^{n-1} (w_i - 1)^2 (1 + 10 \sin^2(\pi w_i + 1))
              + (w_n - 1)^2 (1 + \sin^2(2 \pi w_n)), \quad w_i = 1 + (x_i - 1) / 4

    References
    ----------
    Levy and Montalvo, "The tunneling algorithm for the global minimization of functions", SIAM Journal on Scientific
    and Statistical Computing 6, 1985; in the form of Laguna and Martí, Journal of Global Optimization 33, 2005.
    """

    name = "levy"
    box = (-10.0, 10.0)

    @property
    def minimizer(self) -> Array:
        """Ones."""
        return np.ones(self.n)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        u = (x - 1) / 4
        inner = np.sum(u[:-1] ** 2 * (1 + 10 * np.sin(np.pi * (1 + u[:-1]) + 1) ** 2))
        return np.sin(np.pi * u[0]) ** 2 + inner + u[-1] ** 2 * (1 + np.sin(2 * np.pi * u[-1]) ** 2)

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        u = (x - 1) / 4
        inner = np.pi * (1 + u) + 1
        gradient = 2 * u * (1 + 10 * np.sin(inner) ** 2) + 10 * np.pi * u**2 * np.sin(2 * inner)
        last = u[-1]
        gradient[-1] = 2 * last * (1 + np.sin(2 * np.pi * last) ** 2) + 2 * np.pi * last**2 * np.sin(4 * np.pi * last)
        gradient[0] += np.pi * np.sin(2 * np.pi * u[0])
        return gradient / 4


class Schwefel(Scalable):
    r"""Deep waves whose lowest trough is near a corner of the box, far from the next lowest.

    .. math:: f(x) = 418.98 n - \sum_i x_i \sin \sqrt{|x_i|}

    The constant is the largest value of the term in the box, so that the minimum is 0.

    References
    ----------
    Schwefel, "Numerical optimization of computer models", Wiley, 1981.
    """

    name = "schwefel"
    box = (-500.0, 500.0)

    @property
    def minimizer(self) -> Array:
        """In each coordinate, the root of the slope that is the highest crest of the term."""
        return np.full(self.n, 420.968746359982)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum(418.98288727243374 - x * np.sin(np.sqrt(abs(x))))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        root = np.sqrt(abs(x))
        return -np.sin(root) - root / 2 * np.cos(root)


class StyblinskiTang(Scalable):
    r"""Two troughs along every axis, one of them a little deeper.

    .. math:: f(x) = \sum_i (x_i^4 - 16 x_i^2 + 5 x_i) / 2

    References
    ----------
    Styblinski and Tang, "Experiments in nonconvex optimization: stochastic approximation with function smoothing and
    simulated annealing", Neural Networks 3, 1990.
    """

    name = "styblinski-tang"
    box = (-5.0, 5.0)

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return -39.16616570377142 * self.n

    @property
    def minimizer(self) -> Array:
        """In each coordinate, the lowest root of 4 x³ - 32 x + 5."""
        return np.full(self.n, -2.903534027771177)

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum(x**4 - 16 * x**2 + 5 * x) / 2

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        return 2 * x**3 - 16 * x + 2.5


class Michalewicz(Scalable):
    r"""Plains with narrow ravines, the narrower the larger `steepness` is; a factorial of troughs.

    .. math:: f(x) = -\sum_i \sin(x_i) \sin^{2m}(i x_i^2 / \pi)

    References
    ----------
    Michalewicz, "Genetic algorithms + data structures = evolution programs", Springer, 1992.
    """

    name = "michalewicz"
    box = (0.0, math.pi)
    steepness: int = Field(default=10, ge=1, le=100)
    """Half the power of the wave, m."""

    def _terms(self, x: Array) -> Array:
        return -np.sin(x) * np.sin(np.arange(1, self.n + 1) * x**2 / np.pi) ** (2 * self.steepness)

    @property
    def minimum(self) -> float:
        """The lowest value."""
        return float(self.value(self.minimizer))

    @property
    def minimizer(self) -> Array:
        """In each coordinate, the lowest of the troughs, each found by Newton's method from the crest of its wave."""
        i, m = np.arange(1, self.n + 1), self.steepness
        best = np.full(self.n, np.pi / 2)
        for k in range(self.n):
            x = np.pi * np.sqrt((np.minimum(k, i - 1) + 0.5) / i)
            for _ in range(20):
                inner = i * x**2 / np.pi
                # The logarithmic derivative of the term vanishes: cot x + (4 m i x / π) cot(i x² / π) = 0.
                rate = 4 * m * i / np.pi
                miss = 1 / np.tan(x) + rate * x / np.tan(inner)
                bend = -1 / np.sin(x) ** 2 + rate / np.tan(inner) - rate * 2 * i * x**2 / np.pi / np.sin(inner) ** 2
                x = np.clip(x - miss / bend, 1e-3, np.pi - 1e-3)
            best = np.where(self._terms(x) < self._terms(best), x, best)
        return best

    def value(self, x: Array) -> Any:
        """Compute the value."""
        return np.sum(self._terms(x))

    def slope(self, x: Array) -> Array:
        """Compute the gradient."""
        i, m = np.arange(1, self.n + 1), self.steepness
        inner = i * x**2 / np.pi
        wave = np.sin(inner)
        outer = np.cos(x) * wave ** (2 * m)
        return -outer - np.sin(x) * 2 * m * wave ** (2 * m - 1) * np.cos(inner) * 2 * i * x / np.pi
