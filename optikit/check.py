"""The gradient check asks whether a gradient is that of the function.

A wrong gradient is the commonest silent failure in optimization: the run ends, and reports success, beside the
minimum.  The check compares it with differences, which know what they cannot tell (`optikit.slope`), names the worst
components, and guesses the fault.
"""

import math
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit.errors import GradientError, GradientWarning, InputError
from optikit.loop import start
from optikit.problem import Problem, TrainingProblem
from optikit.slope import Comparison, Slopes
from optikit.structure import Block, blocks, flat_problem, flatten
from optikit.types import Array, Seed, generator

_MANY = 50
"""Up to so many coordinates are all compared; of more, so many, and random directions."""
_DIRECTIONS = 8
_GLANCE = 2
"""Random directions of the cheap check: one may by chance be blind to a wrong component, two hardly."""
_SHOWN = 5
_QUIET: dict[str, Any] = {"over": "ignore", "invalid": "ignore", "divide": "ignore"}
"""Steps may leave where the function is finite, which is seen without NumPy's warnings."""


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_gradient` found."""

    success: bool
    """Whether nothing is wrong, as far as the check can see, and it could see anything."""
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
        The function, of what `x` is; or a problem, whose objective at step 0 is checked.  Nothing is asked outside
        the bounds of a problem.
    gradient : callable or None
        Returns the gradient in the structure of `x`; None for that of the problem itself.
    x : array, or (nested) dict or list of arrays and numbers
        The point to check at.  The function is computed in its dtype.
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
    ObjectiveError
        If the gradient has another shape than `x`, or is not finite.

    Notes
    -----
    Along each coordinate the function is evaluated at :math:`x \pm h` and :math:`x \pm 2h`,
    :math:`h = \epsilon^{1/3} \max(1, |x_i|)`.  With the central quotients :math:`c_h` and :math:`c_{2h}`, the given
    slope g is taken as wrong if

    .. math:: |c_h - g| > 10^{-7} (1 + |g|) + (\epsilon (16 \max|f| + |g x_i|) + 4\,\text{noise}) / h
        + 4 |c_h - c_{2h}|.

    At a bound the points are x, x + h, x + 2h and x + 4h, on the side where there is room.
    If the one-sided quotients do not come nearer to each other as the step is halved, there is a kink, and g is wrong
    only outside of the interval between them.  The noise is estimated from difference tables along a random
    direction, after Moré and Wild (2011), "Estimating computational noise", SIAM J. Sci. Comput. 33.
    """
    flat, restore = flatten(x)
    if isinstance(fun, Problem) and gradient is not None:
        raise InputError("fun is a Problem, which has its own gradient; pass None for the gradient")
    problem = fun if isinstance(fun, Problem) else flat_problem(fun, x, restore, gradient)
    flat = start(problem, flat)
    made = generator(rng)
    slopes = Slopes(problem.at(0), flat, made)
    with np.errstate(**_QUIET):
        slopes.measure()
        return _compared(slopes, _blocks(problem, x), made)


def glance(problem: Problem, x0: Any, x: Array, *, strict: bool) -> int:
    """Make the cheap check that `minimize` begins with: noise and two random directions, 17 to 25 evaluations.

    If it finds something the whole check is made, for the numbers.

    Parameters
    ----------
    problem : Problem
        With a gradient of its own.
    x0 : array, or (nested) dict or list of arrays and numbers
        The start point, for the names of its parts.
    x : ndarray, shape (n,)
        The same, flat, inside the bounds.
    strict : bool
        Whether a wrong gradient is an error.

    Returns
    -------
    int
        Evaluations made.  A function that cannot be checked here (it raises, is not finite, or its gradient is none)
        is left to the run, which has its own words for that.

    Raises
    ------
    GradientError
        If the gradient is wrong and `strict` holds; otherwise it is a `GradientWarning`.
    """
    rng = np.random.default_rng(0)
    slopes = Slopes(problem.at(0), x, rng)
    try:
        with np.errstate(**_QUIET):
            slopes.measure()
            if not any(slopes.along_direction("").wrong for _ in range(_GLANCE)):
                return slopes.nfev
            slopes.measure_noise()
            check = _compared(slopes, _blocks(problem, x0), rng)
    except Exception:
        return slopes.nfev
    if not any(comparison.wrong for comparison in check.comparisons):  # by the more careful one
        return slopes.nfev
    advice = "Mend it, take gradient='central-difference', or pass check_gradient=False if you know better."
    if strict:
        raise GradientError(f"{check.message} {advice}")
    warnings.warn(f"{check.message} {advice}", GradientWarning, stacklevel=_callers())
    return slopes.nfev


def _callers() -> int:
    """Count the frames from the one that warns to the one that called optikit, whoever's solver lies between."""
    names = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_stack(None)]
    return names.index("optikit.run") + 1 if "optikit.run" in names else 1


def _blocks(problem: Problem, x: Any) -> list[Block]:
    """Name the parameters: as the model does, or by their place in the structure."""
    shapes = problem.model.shapes() if isinstance(problem, TrainingProblem) else {}
    if not shapes:
        return blocks(x)
    starts = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())]).tolist()
    return [Block(name, shape, start) for (name, shape), start in zip(shapes.items(), starts, strict=False)]


def _compared(slopes: Slopes, parts: list[Block], rng: np.random.Generator) -> GradientCheck:
    """Compare coordinates, and directions where those are many."""
    given = slopes.given
    n = len(given)
    chosen = np.arange(n) if n <= _MANY else np.sort(rng.choice(n, _MANY, replace=False))
    names = [next(part for part in parts if i < part.stop).label(int(i)) for i in chosen]
    found = [slopes.along_coordinate(int(i), name) for i, name in zip(chosen, names, strict=True)]
    if n > _MANY:
        found += [slopes.along_direction(f"random direction {k + 1}") for k in range(_DIRECTIONS)]
    looked = sum(comparison.compared for comparison in found[: len(chosen)])
    unseen = _unseen(n, looked, given, found[len(chosen) :])
    guess = _guess(slopes, found[: len(chosen)], chosen, parts)
    found.sort(key=lambda c: (not c.wrong, -abs(c.given - c.numerical) / c.tolerance))
    wrong = [comparison for comparison in found if comparison.wrong]
    message, told = _message(found, n, unseen, guess), any(comparison.compared for comparison in found)
    return GradientCheck(told and not wrong, message, found, slopes.nfev, slopes.noise, unseen)


def _unseen(n: int, looked: int, given: Array, directions: list[Comparison]) -> float:
    """Compute the probability that neither the sample nor a direction shows a single error of the usual size.

    The component of a random direction along the wrong coordinate is normal with variance 1/n.
    """
    if not directions:
        return 0.0
    size = float(abs(given).mean()) or 1.0
    hidden = [math.erf(c.tolerance / size * math.sqrt(n / 2)) for c in directions]
    return (1 - looked / n) * math.prod(hidden)


def _message(found: list[Comparison], n: int, unseen: float, guess: str) -> str:
    wrong, untold = [c for c in found if c.wrong], [c.name for c in found if not c.compared]
    if len(untold) == len(found):
        return (
            "Nothing could be compared: the function is not finite beside x, or bounds fix the parameters. "
            "Check the gradient at another point."
        )
    if wrong:
        worst = "; ".join(map(str, wrong[:_SHOWN]))
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        said = f"The gradient is wrong in {len(wrong)} of {len(found)} comparisons: {worst}{more}.{guess}"
    else:
        looked = f"all {n}" if n <= _MANY else f"{_MANY} of {n:,}"
        looked = f"{n - len(untold)} of {n}" if untold and n <= _MANY else looked
        directions = f" and {_DIRECTIONS} random directions" if n > _MANY else ""
        said = f"The gradient agrees with differences of the function in {looked} coordinates{directions}"
        if unseen:
            said += f"; one that is wrong by the size of a usual one would go unseen with probability {unseen:.1g}"
        said += "."
    if untold:
        names = ", ".join(untold[:_SHOWN]) + (" ..." if len(untold) > _SHOWN else "")
        said += f" {names} could not be compared: the function is not finite beside x, or bounds leave no room."
    return said


def _guess(slopes: Slopes, found: list[Comparison], chosen: np.ndarray[Any, Any], parts: list[Block]) -> str:
    """Guess the fault from its pattern, in the whole gradient or in one of its parts."""
    told = np.array([comparison.compared for comparison in found])
    chosen = chosen[told]
    given, x = slopes.given[chosen], slopes.x[chosen]
    numerical = np.array([comparison.numerical for comparison in found])[told]
    tolerance = np.array([comparison.tolerance for comparison in found])[told]
    if (pattern := _pattern(given, numerical, tolerance, x)) is not None:
        return f" It {pattern}."
    for part in parts:
        inside = (chosen >= part.start) & (chosen < part.stop)
        if (abs(given - numerical) <= tolerance)[inside].all():
            continue
        if (pattern := _pattern(given[inside], numerical[inside], tolerance[inside], x[inside])) is not None:
            return f" The part of {part.name} {pattern}."
        if len(part.shape) == 2:
            turned = slopes.given[part.start : part.stop].reshape(part.shape[::-1]).T.ravel()
            if _same(turned[chosen[inside] - part.start], numerical[inside], tolerance[inside]):
                return f" The part of {part.name} is transposed."
    return ""


def _pattern(given: Array, numerical: Array, tolerance: Array, x: Array) -> str | None:
    """Recognise one fault in all of some components; None if there is none, or no simple one."""
    if not len(given) or (abs(given - numerical) <= tolerance).all() or not numerical.any():
        return None
    if not given.any():
        return "is missing: it is zero"
    if _same(given, -numerical, tolerance):
        return "has the opposite sign"
    if len(given) < 2:
        return None
    excess = given - numerical
    factor, offset = float(given @ numerical / (numerical @ numerical)), float(excess.mean())
    if abs(factor) > 1e-3 and _same(given, factor * numerical, tolerance):
        return f"is {factor:.4g} times what it should be"
    if _same(excess, np.full_like(excess, offset), tolerance):
        return f"is {offset:+.4g} off everywhere"
    share = float(excess @ x / (x @ x)) if x.any() else 0.0
    if share and len(x) > 2 and _same(excess, share * x, tolerance):
        verb = "lacks" if share < 0 else "has in excess"
        return f"{verb} {abs(share):.4g} times the parameters, as of an L2 term"
    return None


def _same(a: Array, b: Array, tolerance: Array) -> bool:
    return bool((abs(a - b) <= 2 * tolerance + 1e-4 * abs(b)).all())
