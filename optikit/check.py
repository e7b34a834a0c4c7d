"""The gradient check asks whether a gradient is that of the function.

A wrong gradient is the commonest silent failure in optimization: the run ends, and reports success, beside the
minimum.  The check compares with central differences, and knows what they cannot tell: how noisy the function is, where
it has a kink, and how far truncation leads them astray.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit.errors import InputError, ObjectiveError
from optikit.objective import Objective
from optikit.problem import Problem
from optikit.structure import Block, blocks, flat_problem, flatten
from optikit.types import Array, Seed

_MANY = 50
"""Up to so many coordinates are all compared; of more, so many, and random directions."""
_DIRECTIONS = 8
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """A slope by the gradient and by differences, along a coordinate or a direction."""

    name: str
    given: float
    numerical: float
    tolerance: float
    """By how much they may differ, as far as noise, rounding and truncation are known."""
    kink: bool
    """Whether the function has a kink here; the slope may then lie anywhere between those of both sides."""
    wrong: bool

    def __str__(self) -> str:
        """Say both numbers."""
        return f"{self.name}: {self.given:.6g} given, {self.numerical:.6g} by differences"


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_gradient` found."""

    success: bool
    """Whether nothing is wrong, as far as the check can see."""
    message: str
    """The same in words, with the worst components and a guess at the fault."""
    comparisons: list[Comparison]
    """All that was compared; the wrong ones first, the worst of them first."""
    nfev: int
    """Evaluations of the function."""
    noise: float
    """Estimated noise of its values."""
    unseen: float
    """Probability that a single component, wrong by the size of a typical one, goes unseen; 0 if all were compared."""

    def __str__(self) -> str:
        """Show the message."""
        return self.message


def check_gradient(
    fun: Callable[[Any], Any] | Problem,
    gradient: Callable[[Any], Any] | None,
    x: Any,
    *,
    rng: Seed = 0,
) -> GradientCheck:
    r"""Compare a gradient with differences of the function.

    For up to 50 parameters every coordinate is compared, for more a random sample of 50 and 8 random directions.

    Parameters
    ----------
    fun : callable or Problem
        The function, of what `x` is; or a problem, whose objective at step 0 is checked.
    gradient : callable or None
        Returns the gradient in the structure of `x`; None for that of the problem itself.
    x : array, or (nested) dict or list of arrays and numbers
        The point to check at; float64.
    rng : int, SeedSequence, Generator or None
        Chooses coordinates and directions.

    Returns
    -------
    GradientCheck
        `success`, a `message`, and every comparison.

    Raises
    ------
    InputError
        If the point does not fit, or the function is not finite there.

    Notes
    -----
    Along each coordinate the function is evaluated at :math:`x \pm h` and :math:`x \pm 2h`,
    :math:`h = \epsilon^{1/3} \max(1, |x_i|)`.  With the central quotients :math:`c_h` and :math:`c_{2h}`, the given
    slope g is taken as wrong if

    .. math:: |c_h - g| > 10^{-7} (1 + |g|) + (16 \epsilon \max|f| + 2\,\text{noise}) / h + 4 |c_h - c_{2h}|.

    If the one-sided quotients do not come nearer to each other as the step is halved, there is a kink, and g is wrong
    only outside of the interval between them.  The noise is estimated from difference tables along a random
    direction, after Moré and Wild (2011), "Estimating computational noise", SIAM J. Sci. Comput. 33.
    """
    flat, restore = flatten(x)
    flat = flat.astype(np.float64)
    problem = fun if isinstance(fun, Problem) else flat_problem(fun, x, restore, gradient)
    counted = _Counted(problem.at(0))
    generator = np.random.default_rng(rng)
    value, given = counted.with_gradient(flat)
    if not math.isfinite(value):
        raise InputError(f"the function is {value} at x; check the gradient where the function is finite")
    if given.shape != flat.shape or not np.isfinite(given).all():
        raise ObjectiveError(f"the gradient has shape {given.shape}, or is not finite; x has {flat.size} parameters")
    noise = _noise(counted, flat, value, generator)
    n, parts = len(flat), blocks(x)
    chosen = np.arange(n) if n <= _MANY else np.sort(generator.choice(n, _MANY, replace=False))
    found: list[Comparison] = []
    for i in chosen:
        direction = np.zeros(n)
        direction[i] = 1.0
        name = next(part for part in parts if i < part.stop).label(int(i))
        found.append(_compare(counted, flat, value, direction, max(1.0, abs(flat[i])), float(given[i]), noise, name))
    for k in range(_DIRECTIONS if n > _MANY else 0):
        direction = generator.standard_normal(n)
        direction /= np.linalg.norm(direction)
        scale = max(1.0, float(abs(flat).max()))
        slope = float(direction @ given)
        found.append(_compare(counted, flat, value, direction, scale, slope, noise, f"random direction {k + 1}"))
    unseen = _unseen(n, len(chosen), given, found[len(chosen) :])
    numerical = np.array([comparison.numerical for comparison in found[: len(chosen)]])
    guess = _guess(given, numerical, chosen, parts)
    found.sort(key=lambda c: (not c.wrong, -abs(c.given - c.numerical) / c.tolerance))
    wrong = [comparison for comparison in found if comparison.wrong]
    return GradientCheck(not wrong, _message(wrong, found, n, unseen, guess), found, counted.nfev, noise, unseen)


class _Counted:
    """Values of an objective, counted; NaN is +inf."""

    def __init__(self, objective: Objective) -> None:
        self._objective, self.nfev = objective, 0

    def __call__(self, x: Array) -> float:
        self.nfev += 1
        value = self._objective.value(x)
        return math.inf if math.isnan(value) else value

    def with_gradient(self, x: Array) -> tuple[float, Array]:
        self.nfev += 1
        value, gradient = self._objective.value_and_grad(x)
        return math.inf if math.isnan(value) else value, np.asarray(gradient, dtype=np.float64)


def _noise(fun: _Counted, x: Array, value: float, rng: np.random.Generator) -> float:
    """Estimate the standard deviation of the noise: high differences of a smooth function vanish, noise stays."""
    direction = rng.standard_normal(len(x))
    direction *= 1e-8 * max(1.0, float(abs(x).max())) / np.linalg.norm(direction)
    table = np.array([value, *(fun(x + k * direction) for k in range(1, 9))])
    if not np.isfinite(table).all():
        return 0.0
    levels: list[float] = []
    factor = 1.0
    for k in range(1, 7):
        table = np.diff(table)
        factor *= k / (
            2 * (2 * k - 1)
        )  # the variance of a k-th difference of white noise is (2k)! / (k!)² times its own
        levels.append(math.sqrt(factor * float(np.mean(table**2))))
    # Low orders still hold the slope of the function.  Of so few values the estimates scatter; the largest is the one
    # that does not take noise for a fault.
    return max(levels[2:])


def _compare(
    fun: _Counted, x: Array, value: float, direction: Array, scale: float, given: float, noise: float, name: str
) -> Comparison:
    """Compare one slope."""
    eps = float(np.finfo(np.float64).eps)
    # Noise above rounding asks for a larger step.
    h = scale * max(eps, noise / max(abs(value), 1.0)) ** (1 / 3)
    up, down = fun(x + h * direction), fun(x - h * direction)
    far_up, far_down = fun(x + 2 * h * direction), fun(x - 2 * h * direction)
    values = np.array([value, up, down, far_up, far_down])
    if not np.isfinite(values).all():
        # At the edge of where the function is finite nothing can be told.
        return Comparison(name, given, math.nan, math.inf, kink=False, wrong=False)
    central, wide = (up - down) / (2 * h), (far_up - far_down) / (4 * h)
    rounding = (16 * eps * float(abs(values).max()) + 2 * noise) / h
    tolerance = 1e-7 * (1 + abs(given)) + rounding + 4 * abs(central - wide)
    left, right = sorted(((value - down) / h, (up - value) / h))
    far_left, far_right = sorted(((value - far_down) / (2 * h), (far_up - value) / (2 * h)))
    kink = right - left > 4 * rounding and right - left > 0.75 * (far_right - far_left)
    inside = left - rounding <= given <= right + rounding
    wrong = abs(given - central) > tolerance and not (kink and inside)
    return Comparison(name, given, central, tolerance, kink, wrong)


def _unseen(n: int, looked: int, given: Array, directions: list[Comparison]) -> float:
    """Compute the probability that neither the sample nor a direction shows a single error of the usual size.

    The component of a random direction along the wrong coordinate is normal with variance 1/n.
    """
    if not directions:
        return 0.0
    size = float(abs(given).mean()) or 1.0
    hidden = [math.erf(c.tolerance / size * math.sqrt(n / 2)) for c in directions]
    return (1 - looked / n) * math.prod(hidden)


def _message(wrong: list[Comparison], found: list[Comparison], n: int, unseen: float, guess: str) -> str:
    looked = (
        f"all {n} coordinates" if n <= _MANY else f"{_MANY} of {n:,} coordinates and {_DIRECTIONS} random directions"
    )
    hidden = f"; a single wrong one would go unseen with probability {unseen:.1g}" if unseen else ""
    if not wrong:
        return f"The gradient agrees with differences of the function in {looked}{hidden}."
    worst = "; ".join(map(str, wrong[:_SHOWN]))
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return f"The gradient is wrong in {len(wrong)} of {len(found)} comparisons: {worst}{more}.{guess}"


def _guess(given: Array, numerical: Array, chosen: np.ndarray[Any, Any], parts: list[Block]) -> str:
    """Guess the fault from its pattern."""
    mine, scale = given[chosen], float(abs(numerical).max(initial=0.0))

    def same(a: Array, b: Array) -> bool:
        return bool(np.allclose(a, b, rtol=1e-4, atol=1e-5 * scale))

    if scale == 0 or same(mine, numerical):
        return ""
    if same(mine, -numerical):
        return " It has the opposite sign."
    if not mine.any():
        return " It is zero everywhere."
    ratios = mine[numerical != 0] / numerical[numerical != 0]
    if len(ratios) > 1 and abs(ratios[0]) > 1e-3 and same(mine, ratios[0] * numerical):
        return f" It is {ratios[0]:.4g} times what it should be."
    offset = mine - numerical
    if len(offset) > 1 and same(offset, np.full_like(offset, offset[0])):
        return f" It is {offset[0]:+.4g} off everywhere."
    for part in parts:
        inside = (chosen >= part.start) & (chosen < part.stop)
        if not inside.any() or same(mine[inside], numerical[inside]):
            continue
        if not mine[inside].any():
            return f" The part of {part.name} is missing: it is zero."
        if len(part.shape) == 2:
            turned = given[part.start : part.stop].reshape(part.shape[::-1]).T.ravel()
            if same(turned[chosen[inside] - part.start], numerical[inside]):
                return f" The part of {part.name} is transposed."
    return ""
