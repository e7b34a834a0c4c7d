"""A problem seen through a map: the optimizer's vector on one side, the user's function on the other.

The objective of all parameters is an ordinary one.  The one that optimizers see spreads each point over all
parameters and reduces each gradient, so every way to ask (values, complex steps, a library that differentiates) goes
through the same two lines, and a fixed or scaled parameter needs nothing that a library would have to follow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from optikit.bounds import Bounds
from optikit.constraint import Constraint, LinearConstraint, NonlinearConstraint
from optikit.errors import InputError, ObjectiveError
from optikit.names import Block, label
from optikit.objective import Objective, Rule
from optikit.parameters import Parameters
from optikit.problem import FEASIBILITY_TOL, Problem
from optikit.structure import flatten_like, flatten_rows
from optikit.types import Array, ComplexArray
from optikit.units import Units


def flat_problem(
    parameters: Parameters,
    fun: Callable[[Any], Any],
    gradient: Callable[[Any], Any] | None = None,
    constraints: Any = (),
    feasibility_tol: float = FEASIBILITY_TOL,
) -> Problem:
    """Pose the problem of minimising a function of structured, fixed or scaled parameters.

    Parameters
    ----------
    parameters : Parameters
        What is looked for.
    fun, gradient : callable
        Take what `x0` is; the gradient returns that, too.
    constraints, feasibility_tol
        As for `Problem`; functions take what `x0` is, and matrices have its structure.

    Returns
    -------
    Problem
        Of the vector that the optimizer sees: of the function itself where it takes that as it is.

    Raises
    ------
    InputError
        If `fun` or `gradient` cannot be called, or something is no constraint or has another structure.
    """
    if parameters.plain:
        return Problem(fun, gradient, parameters.given_bounds, constraints, feasibility_tol)
    mapped = _Mapped(parameters, fun, gradient, constraints, feasibility_tol)
    mapped.constraints = tuple(_seen(one, i, parameters) for i, one in enumerate(mapped.constraints))
    return mapped


def _seen(given: Constraint, i: int, seen: Parameters) -> Constraint:
    """See a constraint of the user's parameters as one of the optimizer's vector."""
    if isinstance(given, LinearConstraint):
        try:
            rows = np.asarray(flatten_rows(given.A, seen.x0, f"constraints[{i}]: A"), dtype=np.float64)
        except ObjectiveError as error:
            raise InputError(str(error)) from None
        except (TypeError, ValueError):
            raise InputError(
                f"constraints[{i}]: A is no array of numbers; pass numbers in the structure of x0"
            ) from None
        # What the fixed parameters contribute goes to the other side.
        settled = rows @ seen.rest if seen.rest.any() else 0.0
        return LinearConstraint(seen.units.reduce(rows), given.lower - settled, given.upper - settled)
    gradient, what = given.gradient, f"the gradient of constraints[{i}]"

    def slopes(x: Array) -> Any:
        assert gradient is not None
        return seen.units.reduce(flatten_rows(gradient(seen.restore(x)), seen.x0, what))

    def values(x: Array) -> Any:
        return given.fun(seen.restore(x))

    return NonlinearConstraint(values, given.lower, given.upper, None if gradient is None else slopes)


class _Mapped(Problem):
    def __init__(
        self,
        seen: Parameters,
        fun: Callable[[Any], Any],
        gradient: Callable[[Any], Any] | None,
        constraints: Any,
        feasibility_tol: float,
    ) -> None:
        super().__init__(fun, gradient, None, constraints, feasibility_tol)
        self._seen, self._given, self.n = seen, (fun, gradient), len(seen.start)

        def slope(x: Array) -> Any:
            assert gradient is not None
            return flatten_like(gradient(seen.shaped(x)), seen.x0, "the gradient")

        whole = Problem(lambda x: fun(seen.shaped(x)), None if gradient is None else slope)
        self._objective = _Seen(whole.whole, seen)

    def blocks(self, n: int) -> list[Block]:
        return self._seen.blocks

    def restore(self, x: Array) -> Any:
        return self._seen.restore(x)

    def units(self, x0: Array) -> Units:
        return self._seen.units

    def unscaled(self, x: Array) -> tuple[Problem, Array]:
        plain = self._seen.unscaled
        return flat_problem(plain, *self._given), plain.units.free(self._seen.units.spread(x))


class _Seen(Objective):
    def __init__(self, whole: Objective, seen: Parameters) -> None:
        self._whole, self._seen, self._units = whole, seen, seen.units

    def bounds(self, n: int) -> Bounds:
        low, high = self._seen.bounds
        return low.copy(), high.copy()

    def label(self, i: int) -> str:
        return label(self._seen.blocks, i)

    def value(self, x: Array) -> float:
        return self._whole.value(self._units.spread(x))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        value, gradient = self._whole.value_and_grad(self._units.spread(x))
        return value, self._units.reduce(gradient)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        return self._whole.complex_values(self._units.spread(xs))

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        value, gradient = self._whole.differentiated(rule, self._units.spread(x))
        return value, self._units.reduce(gradient)
