"""Constraints as SciPy takes them: in its old form, signed functions, or in its new one, between two bounds.

What SciPy makes of the new form for the methods that know the old one only would ask more often than is needed: each
side of each constraint for itself.  Linear constraints stay what they are for the methods that profit from it.
"""

from importlib import import_module
from typing import Any

import numpy as np

from optikit import Array, Questions


def signed(ask: Questions, *, equalities: bool) -> dict[str, Any]:
    """Give the argument `constraints` in the old form: functions that shall be zero, or not negative.

    Parameters
    ----------
    ask : Questions
        Where the constraints are asked.
    equalities : bool
        Whether the method knows functions that shall be zero; if not, they are two that shall not be negative.

    Returns
    -------
    dict
        Empty if there are no constraints.
    """
    constraints = ask.constraints
    if constraints is None:
        return {}
    lower, upper = constraints.lower, constraints.upper
    equal = (lower == upper) & equalities
    zero = np.flatnonzero(equal)
    above, below = (np.flatnonzero(np.isfinite(side) & ~equal) for side in (lower, upper))
    rows, sides = np.concatenate([above, below]), np.concatenate([lower[above], upper[below]])
    signs = np.repeat([1.0, -1.0], [len(above), len(below)])

    def form(kind: str, rows: np.ndarray[Any, Any], signs: Array, sides: Array) -> dict[str, Any]:
        def fun(x: Any) -> Array:
            return signs * (constraints.values(ask.clipped(x))[rows] - sides)

        def jac(x: Any) -> Array:
            return signs[:, None] * constraints.jacobian(ask.clipped(x))[rows]

        return {"type": kind, "fun": fun, "jac": jac}

    forms = [form("eq", zero, np.ones(len(zero)), lower[zero])] if len(zero) else []
    return {"constraints": [*forms, form("ineq", rows, signs, sides)] if len(rows) else forms}


def between(ask: Questions, nan: float = np.nan) -> dict[str, Any]:
    """Give the argument `constraints` in the new form: at most one object of each kind.

    Parameters
    ----------
    ask : Questions
        Where the constraints are asked.
    nan : float
        What is answered for NaN.

    Returns
    -------
    dict
        Empty if there are no constraints.
    """
    constraints = ask.constraints
    if constraints is None:
        return {}
    optimize, linear = import_module("scipy.optimize"), constraints.linear
    lower, upper, curved = constraints.lower, constraints.upper, ~constraints.linear

    def values(x: Any) -> Array:
        return without_nan(constraints.values(ask.clipped(x))[curved])

    def slopes(x: Any) -> Array:
        return without_nan(constraints.jacobian(ask.clipped(x))[curved])

    def without_nan(answer: Array) -> Array:
        return np.where(np.isnan(answer), nan, answer)

    forms: list[Any] = []
    if linear.any():
        forms.append(optimize.LinearConstraint(constraints.matrix, lower[linear], upper[linear]))
    if curved.any():
        forms.append(optimize.NonlinearConstraint(values, lower[curved], upper[curved], jac=slopes))
    return {"constraints": forms}
