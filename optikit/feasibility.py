"""Feasibility: all constraints of a problem as one vector of numbers between two others.

Solvers and the oracle's accounts ask the same questions here, at the same points, so the answers at the latest points
are remembered.  How they are asked (with a copy, inside the bounds, within the time, and so that whatever a user's
function raises ends the run) is the oracle's business: it hands in `ask`.
"""

import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optikit.bounds import Bounds
from optikit.constraint import Constraint, LinearConstraint, NonlinearConstraint, Numbers
from optikit.errors import InputError, ObjectiveError
from optikit.types import Array, regular

_ROOM = 1 << 17
"""Numbers that are remembered, 1 MiB: every point of a difference quotient, unless there are hundreds of parameters."""

Ask = Callable[[Callable[[Array], Numbers], Array], Numbers]
"""Puts a question to the user's functions at a point."""


class Constraints:
    """``lower <= values(x) <= upper``: m rows, those of every constraint in turn.

    Parameters
    ----------
    given : sequence of LinearConstraint and NonlinearConstraint
        Of flat vectors.
    x0 : ndarray, shape (n,)
        Where `measure` asks how many numbers each function returns.
    bounds : (low, high)
        Of x; differences stay inside.
    tolerance : float
        By how much a row may leave its bounds at a point that counts as feasible.
    ask : callable
        Puts a question to the user's functions at a point.

    Raises
    ------
    InputError
        If a matrix does not fit n parameters; no function has been called then.
    """

    lower: Numbers
    """Shape (m,), -inf where there is none."""
    upper: Numbers
    """Shape (m,), inf where there is none; where it is `lower`, the row is an equality."""
    linear: np.ndarray[Any, np.dtype[np.bool_]]
    """Shape (m,): whether the row is linear, so that its gradient is the same everywhere."""
    matrix: Numbers
    """Shape (k, n): the gradients of the k linear rows."""

    def __init__(self, given: Sequence[Constraint], x0: Array, bounds: Bounds, tolerance: float, ask: Ask) -> None:
        self._parts = [_part(constraint, i, len(x0)) for i, constraint in enumerate(given)]
        matrices = [part.matrix for part in self._parts if isinstance(part, _Linear)]
        self.matrix = np.concatenate([np.empty((0, len(x0))), *matrices])
        self._x0, self._bounds, self.tolerance, self._ask = x0, bounds, tolerance, ask
        self._known: dict[bytes, Numbers] = {}
        self._slopes: tuple[bytes, Numbers] = b"", np.empty((0, len(x0)))
        self._sizes: list[int] | None = None

    def measure(self) -> None:
        """Find out how many rows there are, by calling every function at the start point; only the first time."""
        if self._sizes is not None:
            return
        answers = [part.values(self._x0.copy()) for part in self._parts]
        sides = [part.sides(len(answer)) for part, answer in zip(self._parts, answers, strict=True)]
        self.lower, self.upper = (np.concatenate(side) for side in zip(*sides, strict=True))
        self._sizes = [len(answer) for answer in answers]
        self.linear = np.repeat([isinstance(part, _Linear) for part in self._parts], self._sizes)
        self._known[self._x0.tobytes()] = np.concatenate(answers)

    def values(self, x: Array) -> Numbers:
        """Compute the constraints at a point, inside the bounds; they need not hold there.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The point; no evaluation of the objective is counted.

        Returns
        -------
        ndarray, shape (m,)
            NaN where a function gives NaN.
        """
        return self._ask(self._values, x).copy()

    def jacobian(self, x: Array) -> Numbers:
        """Compute the gradients of the constraints at a point, inside the bounds.

        Where the user gives none they are central differences, one-sided of the same order near a bound.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The point.

        Returns
        -------
        ndarray, shape (m, n)
            Finite in the rows whose value is.
        """
        return self._ask(self._jacobian, x).copy()

    def violation(self, x: Array) -> float:
        """Compute the largest amount by which a row leaves its bounds at `x`, (n,): 0 if none does, inf for NaN."""
        values = self.values(x)
        if np.isnan(values).any():
            return math.inf
        below, above = values < self.lower, values > self.upper
        short, over = self.lower[below] - values[below], values[above] - self.upper[above]
        return float(max(short.max(initial=0), over.max(initial=0)))

    def excess(self, x: Array) -> float:
        """Compute the same, but 0 for points that are feasible within the tolerance: what to compare points by."""
        violation = self.violation(x)
        return violation if violation > self.tolerance else 0.0

    def active(self, x: Array) -> tuple[str, ...]:
        """Name the constraints of which a row is at its bound, within the tolerance, at a point that was asked before.

        Nothing is asked for it.
        """
        if (values := self._known.get(x.tobytes())) is None:
            return ()
        at = np.minimum(abs(values - self.lower), abs(values - self.upper)) <= self.tolerance
        rows = np.split(at, np.cumsum(self._sizes or [])[:-1])
        return tuple(part.name for part, row in zip(self._parts, rows, strict=True) if row.any())

    def _values(self, x: Array) -> Numbers:
        key = x.tobytes()
        if key not in self._known:
            answers = [part.values(x.copy()) for part in self._parts]
            for part, answer, size in zip(self._parts, answers, self._sizes or [], strict=True):
                if len(answer) != size:
                    raise ObjectiveError(f"{part.name} gave {len(answer)} numbers, and {size} at the start point")
            if len(self._known) * (len(x) + len(self.lower)) > _ROOM:
                del self._known[next(iter(self._known))]
            self._known[key] = np.concatenate(answers)
        return self._known[key]

    def _jacobian(self, x: Array) -> Numbers:
        key = x.tobytes()
        if self._slopes[0] != key:
            values = np.split(self._values(x), np.cumsum(self._sizes or [])[:-1])
            rows = [part.jacobian(x, at, self._bounds) for part, at in zip(self._parts, values, strict=True)]
            self._slopes = key, np.concatenate(rows)
        return self._slopes[1]


class _Part:
    """One constraint."""

    def __init__(self, name: str, lower: Numbers, upper: Numbers) -> None:
        self.name, self._lower, self._upper = name, lower, upper

    def sides(self, m: int) -> tuple[Numbers, Numbers]:
        """Give the bounds of m rows."""
        for side in (self._lower, self._upper):
            if side.ndim and len(side) != m:
                raise InputError(f"{self.name} has {m} rows, but {len(side)} bounds; pass one number, or one for each")
        return np.array(np.broadcast_to(self._lower, m)), np.array(np.broadcast_to(self._upper, m))


class _Linear(_Part):
    def __init__(self, name: str, given: LinearConstraint, n: int) -> None:
        super().__init__(name, given.lower, given.upper)
        wanted = f"pass numbers of shape (m, {n}), a column for each parameter"
        try:
            self.matrix = np.atleast_2d(np.array(given.A, dtype=np.float64))
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"{name}: A is no array of numbers; {wanted}") from None
        if self.matrix.ndim != 2 or self.matrix.shape[1] != n or not self.matrix.size:
            raise InputError(f"{name}: A has shape {np.shape(given.A)}; {wanted}")
        if not np.isfinite(self.matrix).all():
            raise InputError(f"{name}: A has numbers that are not finite; {wanted}")
        self.sides(len(self.matrix))

    def values(self, x: Array) -> Numbers:
        return self.matrix @ x

    def jacobian(self, x: Array, values: Numbers, bounds: Bounds) -> Numbers:
        return self.matrix


class _Nonlinear(_Part):
    def __init__(self, name: str, given: NonlinearConstraint) -> None:
        super().__init__(name, given.lower, given.upper)
        self._fun, self._gradient = given.fun, given.gradient

    def values(self, x: Array) -> Numbers:
        answer = _numbers(_called(self._fun, x, self.name), self.name)
        if answer.ndim > 1 or not answer.size:
            raise ObjectiveError(f"{self.name} gave an array of shape {answer.shape}; return a number or an array (m,)")
        return np.atleast_1d(answer)

    def jacobian(self, x: Array, values: Numbers, bounds: Bounds) -> Numbers:
        if self._gradient is None:
            slopes = self._differences(x, values, bounds)
        else:
            name = f"the gradient of {self.name}"
            slopes = np.atleast_2d(_numbers(_called(self._gradient, x.copy(), name), name))
        wanted = (len(values), len(x))
        if slopes.shape != wanted:
            raise ObjectiveError(f"the gradient of {self.name} has shape {slopes.shape}, and must have {wanted}")
        if not np.isfinite(slopes[np.isfinite(values)]).all():
            raise ObjectiveError(f"the gradient of {self.name} is not finite where its value is")
        return slopes

    def _differences(self, x: Array, values: Numbers, bounds: Bounds) -> Numbers:
        """Compare the values with those at two points a coordinate, on both sides or, near a bound, on one."""
        slopes = np.zeros((len(x), len(values)))
        for i, h in enumerate(np.finfo(x.dtype).eps ** (1 / 3) * np.maximum(1, abs(x))):
            low, high = bounds[0][i], bounds[1][i]
            reach = 2 * h if high - x[i] >= x[i] - low else -2 * h
            steps = (h, -h) if low <= x[i] - h and x[i] + h <= high else (reach / 2, reach)
            moved = np.repeat(x[None], 2, axis=0)
            moved[:, i] = np.clip(x[i] + np.array(steps), low, high)
            near, far = (moved[:, i] - x[i]).astype(np.float64)
            if far == 0:  # bounds fix the parameter
                continue
            to_near, to_far = (self.values(point) - values for point in moved)
            if near in (0, far):  # numbers of x are that scarce here
                slopes[i] = to_far / far
            else:  # the slope at 0 of the parabola through (0, 0), (near, to_near) and (far, to_far)
                slopes[i] = (to_near * far / near - to_far * near / far) / (far - near)
        return slopes.T


def _part(given: Constraint, i: int, n: int) -> _Linear | _Nonlinear:
    name = f"constraints[{i}]"
    return _Linear(name, given, n) if isinstance(given, LinearConstraint) else _Nonlinear(name, given)


def _called(fun: Callable[[Any], Any], x: Array, what: str) -> Any:
    """Call a user's function; what it raises stays what it is, with a note of which one it was."""
    try:
        return fun(x)
    except Exception as error:
        error.add_note(f"in {what}")
        raise


def _numbers(answer: Any, what: str) -> Numbers:
    """Read what a user's function returned as numbers; it may be a buffer of its own."""
    array = regular(answer, what)
    if array.dtype.kind not in "fiu" or np.ma.is_masked(answer):
        raise ObjectiveError(f"{what} gave {reprlib.repr(answer)}; it must return real numbers")
    return np.asarray(array, dtype=np.float64)
