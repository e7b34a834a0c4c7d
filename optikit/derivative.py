"""The gradient of a function at one point, by any estimator, without an optimizer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit import registry
from optikit.errors import InputError
from optikit.gradient import GradientEstimator
from optikit.loop import start
from optikit.mapped import flat_problem
from optikit.oracle import Oracle
from optikit.parameters import Parameters
from optikit.problem import Problem
from optikit.stop import Unwind
from optikit.types import Seed, generator


@dataclass(frozen=True, slots=True)
class Derivative:
    """What `differentiate` found."""

    value: float
    """The value of the function at x, or an estimate of it."""
    gradient: Any
    """In the structure of x."""
    error: Any
    """Estimated absolute error of every component, in the structure of x; NaN where the estimator does not tell."""
    nfev: int
    """Evaluations of the function; one for a value and an exact gradient together."""


def differentiate(
    fun: Callable[[Any], Any] | Problem,
    x: Any,
    gradient: GradientEstimator | str = "richardson",
    *,
    bounds: Any = None,
    rng: Seed = None,
) -> Derivative:
    """Find the gradient of a function at a point.

    Parameters
    ----------
    fun : callable or Problem
        The function, of what `x` is; or a problem, whose objective at step 0 is differentiated.
    x : array, or (nested) dict or list of arrays and numbers
        The point.  The function is computed in its dtype.
    gradient : GradientEstimator or str
        How; a component or its name.
    bounds : (low, high) or dict, optional
        Nothing is asked outside; as for `minimize`.
    rng : int, SeedSequence, Generator or None
        For estimators that draw; not reproducible by default.

    Returns
    -------
    Derivative
        `value`, `gradient`, `error` and `nfev`.

    Raises
    ------
    InputError
        If an argument is wrong, or the function is not finite at `x`.
    ObjectiveError
        If the function or its gradient answers something that is no finite number.
    Exception
        What the function raises.

    Examples
    --------
    >>> derivative = differentiate(lambda x: x[0] ** 2 + 3 * x[1], [1.0, 2.0])
    >>> derivative.gradient.round(9)
    array([2., 3.])
    >>> bool((derivative.error < 1e-9).all())
    True
    """
    parameters = Parameters(x, bounds=bounds)
    if not isinstance(fun, Problem):
        problem = flat_problem(parameters, fun)
    elif bounds is None:
        problem = fun
    else:
        raise InputError("fun is a Problem, which has its own bounds; pass them to the Problem")
    estimator = registry.default().make("gradient", gradient)
    flat = start(problem, parameters.start)
    oracle = Oracle(problem, flat, gradient=estimator, rng=generator(rng))
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            value, found, error = oracle.estimate(flat)
        except Unwind as end:
            raise (end.error or KeyboardInterrupt()) from None
    if not math.isfinite(value):
        raise InputError("the function is not finite at x; differentiate it where it is")
    return Derivative(value, parameters.shaped(found), parameters.shaped(error), oracle.nfev)
