"""A constraint: what a point shall satisfy besides its bounds, ``lower <= c(x) <= upper``.

Bounds are never left, not even on the way.  A constraint is about where a run ends: solvers find their way through
points that violate it, the start may, and what comes back is the best point that does not.  There are two kinds.
Of a `LinearConstraint` the matrix is known, so that solvers can keep to it by linear algebra; a `NonlinearConstraint`
is a function, which is called.  An equality is one whose lower bound is its upper bound.
"""

import reprlib
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from optikit.errors import InputError

Numbers = NDArray[np.float64]


class LinearConstraint:
    """``lower <= A @ x <= upper``, row by row.

    Parameters
    ----------
    A : array, shape (m, n) or (n,), or a structure
        The matrix.  Where `x0` is a structure, so is `A`, with its rows as the first axis of every array; of a dict it
        may name some parameters only, as in ``{"w": [[1.0, 2.0]]}``.
    lower, upper : float or array, shape (m,)
        Lowest and highest allowed values, infinite where there is none; equal where it is an equality.

    Raises
    ------
    InputError
        If a bound is NaN, a lower one is above its upper one, or all are infinite.
    """

    def __init__(self, A: Any, lower: Any = -np.inf, upper: Any = np.inf) -> None:
        self.A = A
        self.lower, self.upper = _sides(_named("LinearConstraint", A), lower, upper)


class NonlinearConstraint:
    """``lower <= fun(x) <= upper``, number by number.

    Parameters
    ----------
    fun : callable
        Takes what `x0` is, a copy, and returns a number or an array of shape (m,).  NaN means that the point does not
        satisfy the constraint.
    lower, upper : float or array, shape (m,)
        Lowest and highest allowed values, infinite where there is none; equal where it is an equality.
    gradient : callable, optional
        Takes what `fun` takes, and returns its gradient, shape (n,) or (m, n); where `x0` is a structure, one like it,
        with the m rows as the first axis of every array.  By default it is found by differences inside the bounds.

    Raises
    ------
    InputError
        If `fun` or `gradient` cannot be called, a bound is NaN, a lower one is above its upper one, or all are
        infinite.
    """

    def __init__(
        self,
        fun: Callable[[Any], Any],
        lower: Any = -np.inf,
        upper: Any = np.inf,
        gradient: Callable[[Any], Any] | None = None,
    ) -> None:
        for what, given in (("fun", fun), ("gradient", fun if gradient is None else gradient)):
            if not callable(given):
                raise InputError(f"NonlinearConstraint: {what} is {given!r}, which cannot be called; pass a function")
        self.fun, self.gradient = fun, gradient
        self.lower, self.upper = _sides(_named("NonlinearConstraint", fun), lower, upper)


def _named(kind: str, given: Any) -> str:
    """Say which constraint it is before it has a place in a list: what is constrained, in one line."""
    shown = getattr(given, "__name__", None) or " ".join(reprlib.repr(given).split())
    return f"{kind}({shown}, ...)"


def _sides(where: str, lower: Any, upper: Any) -> tuple[Numbers, Numbers]:
    """Read the bounds of a constraint: two arrays of shape () or (m,)."""
    try:
        low, high = (np.array(side, dtype=np.float64) for side in (lower, upper))
        if max(low.ndim, high.ndim) > 1:
            raise ValueError
        above = np.atleast_1d(low > high)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{where}: lower = {lower!r} and upper = {upper!r} do not fit; pass a number or an array (m,) for each"
        ) from None
    if np.isnan(low).any() or np.isnan(high).any():
        raise InputError(f"{where}: lower or upper is NaN; use -inf and inf where there is no bound")
    if (low == np.inf).any() or (high == -np.inf).any():
        raise InputError(f"{where}: lower is inf or upper is -inf, which nothing satisfies; swap their signs")
    if above.any():
        i = int(np.argmax(above))
        sides = [float(np.broadcast_to(side, above.shape)[i]) for side in (low, high)]
        raise InputError(f"{where}: lower is {sides[0]:g} and upper {sides[1]:g} in row {i}; swap them")
    if not (np.isfinite(low).any() or np.isfinite(high).any()):
        raise InputError(f"{where}: neither lower nor upper is finite, so it constrains nothing; pass one of them")
    return low, high


Constraint = LinearConstraint | NonlinearConstraint


def read_constraints(given: Any) -> tuple[Constraint, ...]:
    """Read constraints as a user gave them.

    Parameters
    ----------
    given : None, a constraint, or a list of them
        SciPy's `LinearConstraint`, `NonlinearConstraint` and dicts are taken, too, for what they say about the points:
        how SciPy would find derivatives is left out.

    Returns
    -------
    tuple of LinearConstraint and NonlinearConstraint
        Empty if there are none.

    Raises
    ------
    InputError
        If something is no constraint.
    """
    if given is None:
        return ()
    items = cast("list[Any]", given) if isinstance(given, list | tuple) else [given]
    return tuple(_read(item, f"constraints[{i}]") for i, item in enumerate(items))


def _read(given: Any, where: str) -> Constraint:
    if isinstance(given, LinearConstraint | NonlinearConstraint):
        return given
    try:
        if isinstance(given, dict):
            return _of_dict(cast("dict[str, Any]", given))
        if hasattr(given, "A"):
            return LinearConstraint(given.A, given.lb, given.ub)
        return NonlinearConstraint(given.fun, given.lb, given.ub, given.jac if callable(given.jac) else None)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (AttributeError, KeyError, TypeError):
        raise InputError(
            f"{where} is {given!r}; pass LinearConstraint(A, lower, upper) or NonlinearConstraint(fun, lower, upper)"
        ) from None


def _of_dict(given: dict[str, Any]) -> NonlinearConstraint:
    """Read SciPy's oldest form: ``fun(x, *args)`` is zero ("eq"), or not negative ("ineq")."""
    args, jac = tuple(given.get("args", ())), given.get("jac")
    upper = {"eq": 0.0, "ineq": np.inf}[given["type"]]
    fun, gradient = (partial(_with, call, args) if callable(call) else None for call in (given["fun"], jac))
    return NonlinearConstraint(cast("Any", fun), 0.0, upper, gradient)


def _with(fun: Callable[..., Any], args: tuple[Any, ...], x: Any) -> Any:
    return fun(x, *args)
