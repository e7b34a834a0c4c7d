"""Structured parameters: users speak in dicts and lists of arrays and numbers, optimizers in flat vectors.

The structure of `x0` is remembered, and the function, its gradient and the result speak it.  Lists of numbers are
arrays, as everywhere in NumPy; dicts, and lists that hold arrays or dicts, are structures.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np

from optikit.constraint import Constraint, LinearConstraint, NonlinearConstraint
from optikit.errors import InputError, ObjectiveError
from optikit.problem import FEASIBILITY_TOL, Problem
from optikit.types import Array


class _Leaf(NamedTuple):
    array: Array
    weak: bool
    """Written out in numbers, so that its precision gives way to that of arrays."""


def flatten(x0: Any) -> tuple[Array, Callable[[Array], Any]]:
    """Turn a start point into a flat vector and a way back.

    Parameters
    ----------
    x0 : array, number, or (nested) dict or list of them
        The start point.

    Returns
    -------
    flat : ndarray, shape (n,)
        A copy, float64, or float32 if all arrays of `x0` are.
    restore : callable
        Takes a vector of shape (n,), of NumPy or of a library that traces it, and gives it the structure of `x0`.

    Raises
    ------
    InputError
        If `x0` is empty, not of real floating-point numbers, or not finite.
    """
    leaves: list[_Leaf] = []
    restore = _collect(x0, "x0", leaves)
    dtype = np.result_type(*([leaf.array for leaf in leaves if not leaf.weak] or [np.float64]))
    flat = np.concatenate([np.empty(0), *(leaf.array.ravel() for leaf in leaves)]).astype(dtype)
    if not len(flat):
        raise InputError("x0 is empty; pass at least one parameter")
    if not np.isfinite(flat).all():
        i = int(np.argmin(np.isfinite(flat)))
        raise InputError(f"x0 is {flat[i]} in coordinate {i}; start from finite numbers")
    return flat, restore


def flatten_like(answer: Any, x0: Any, what: str) -> Any:
    """Flatten something that shall have the structure of `x0`, such as a gradient.

    Parameters
    ----------
    answer : array, number, or (nested) dict or list of them
        What to flatten.
    x0 : array, number, or (nested) dict or list of them
        The start point.
    what : str
        Its name in the error.

    Returns
    -------
    ndarray, shape (n,)
        The leaves in the order of those of `x0`.

    Raises
    ------
    ObjectiveError
        If the structures differ.
    """
    if isinstance(x0, dict):
        wanted = cast("dict[Any, Any]", x0)
        if not isinstance(answer, dict) or set(cast("dict[Any, Any]", answer)) != set(wanted):
            raise ObjectiveError(f"{what} must be a dict with the keys {list(wanted)}, as in x0")
        parts = [flatten_like(answer[key], wanted[key], f"{what}[{key!r}]") for key in wanted]
    elif is_structure(x0):
        if not isinstance(answer, list | tuple) or len(cast("list[Any]", answer)) != len(x0):
            raise ObjectiveError(f"{what} must be a list of {len(x0)} items, as in x0")
        parts = [flatten_like(answer[i], x0[i], f"{what}[{i}]") for i in range(len(x0))]
    else:
        array = np.asarray(answer)
        if array.shape != np.shape(x0):
            raise ObjectiveError(f"{what} has shape {array.shape}, but x0 has {np.shape(x0)} there")
        return array.ravel()
    return np.concatenate(parts) if parts else np.empty(0)


def flat_problem(
    fun: Callable[[Any], Any],
    x0: Any,
    restore: Callable[[Array], Any],
    gradient: Callable[[Any], Any] | None = None,
    bounds: Any = None,
    constraints: Any = (),
    feasibility_tol: float = FEASIBILITY_TOL,
) -> Problem:
    """See a function of structured parameters as a function of a flat vector.

    Parameters
    ----------
    fun, gradient : callable
        Take what `x0` is; the gradient returns that, too.
    x0 : array, number, or (nested) dict or list of them
        The start point.
    restore : callable
        The way back from the flat vector, from `flatten`.
    bounds : (low, high), optional
        Each a number or of the structure of `x0`; or an object with `lb` and `ub`.
    constraints, feasibility_tol
        As for `Problem`; functions take what `x0` is, and matrices have its structure.

    Returns
    -------
    Problem
        The function itself, where `x0` is a flat vector already.

    Raises
    ------
    InputError
        If the bounds or a matrix have another structure.
    """
    problem = Problem(fun, gradient, bounds, constraints, feasibility_tol)
    if not is_structure(x0) and np.ndim(x0) == 1:
        return problem
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        bounds = bounds.lb, bounds.ub
    if isinstance(bounds, list | tuple):
        sides = cast("list[Any]", bounds)
        try:
            bounds = [side if np.isscalar(side) else flatten_like(side, x0, "bounds") for side in sides]
        except ObjectiveError as error:
            raise InputError(str(error)) from None

    def flat_fun(x: Array) -> Any:
        return fun(restore(x))

    def flat_gradient(x: Array) -> Any:
        return None if gradient is None else flatten_like(gradient(restore(x)), x0, "the gradient")

    flat = [_flat_constraint(one, i, x0, restore) for i, one in enumerate(problem.constraints)]
    return Problem(flat_fun, None if gradient is None else flat_gradient, bounds, flat, feasibility_tol)


def _flat_constraint(given: Constraint, i: int, x0: Any, restore: Callable[[Array], Any]) -> Constraint:
    """See a constraint of structured parameters as one of a flat vector."""
    if isinstance(given, LinearConstraint):
        try:
            rows = flatten_rows(given.A, x0, f"constraints[{i}]: A")
            return LinearConstraint(rows, given.lower, given.upper)
        except ObjectiveError as error:
            raise InputError(str(error)) from None
    gradient = given.gradient
    if gradient is None:
        return NonlinearConstraint(lambda x: given.fun(restore(x)), given.lower, given.upper)
    what = f"the gradient of constraints[{i}]"
    return NonlinearConstraint(
        lambda x: given.fun(restore(x)),
        given.lower,
        given.upper,
        lambda x: flatten_rows(gradient(restore(x)), x0, what),
    )


def flatten_rows(answer: Any, x0: Any, what: str) -> Any:
    """Flatten rows that each have the structure of `x0`, such as the gradients of several numbers.

    Parameters
    ----------
    answer : array, number, or (nested) dict or list of them
        What to flatten: every array has the rows as its first axis, or has none where there is one row; arrays may be
        flat behind it.  Where `x0` is a dict, what is not named counts as zeros.
    x0 : array, number, or (nested) dict or list of them
        The start point.
    what : str
        Its name in the error.

    Returns
    -------
    ndarray, shape (m, n)
        The rows, their numbers in the order of those of `x0`.

    Raises
    ------
    ObjectiveError
        If the structures differ.
    """
    if isinstance(x0, dict):
        wanted, named = cast("dict[Any, Any]", x0), cast("dict[Any, Any]", answer)
        if not isinstance(answer, dict) or not named or not set(named) <= set(wanted):
            raise ObjectiveError(f"{what} must be a dict with some of the keys {list(wanted)}, as in x0")
        found = {key: flatten_rows(named[key], wanted[key], f"{what}[{key!r}]") for key in wanted if key in named}
        m = len(next(iter(found.values())))
        parts = [found[key] if key in found else np.zeros((m, flatten(wanted[key])[0].size)) for key in wanted]
    elif is_structure(x0):
        if not isinstance(answer, list | tuple) or len(cast("list[Any]", answer)) != len(x0):
            raise ObjectiveError(f"{what} must be a list of {len(x0)} items, as in x0")
        parts = [flatten_rows(answer[i], x0[i], f"{what}[{i}]") for i in range(len(x0))]
    else:
        try:
            array = np.asarray(answer)
        except ValueError:
            raise ObjectiveError(f"{what} is a ragged list; give rows of equal length") from None
        if array.shape[1:] == (np.size(x0),):  # already flat
            return array
        if array.shape[max(0, array.ndim - np.ndim(x0)) :] != np.shape(x0) or array.ndim > np.ndim(x0) + 1:
            raise ObjectiveError(f"{what} has shape {array.shape}, and must have (m, *{np.shape(x0)}), rows first")
        return array.reshape(-1, np.size(x0))
    if len({len(part) for part in parts}) != 1:
        raise ObjectiveError(f"{what} must have the same number of rows everywhere, not {[len(p) for p in parts]}")
    return np.hstack(parts)


def is_structure(x0: Any) -> bool:
    """Whether `x0` is more than one array."""
    return isinstance(x0, dict) or (isinstance(x0, list | tuple) and not _numeric(cast("list[Any]", x0)))


def _numeric(value: Any) -> bool:
    """Whether a list is an array written out: numbers all the way down."""
    if isinstance(value, list | tuple):
        return all(_numeric(item) for item in cast("list[Any]", value))
    return isinstance(value, int | float | np.generic)


def _collect(value: Any, where: str, leaves: list[_Leaf]) -> Callable[[Array], Any]:
    """Append the leaves of `value`; return what restores it from the flat vector."""
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        parts = {key: _collect(item, f"{where}[{key!r}]", leaves) for key, item in items}
        return lambda flat: {key: part(flat) for key, part in parts.items()}
    if is_structure(value):
        listed = cast("list[Any]", value)
        row = [_collect(item, f"{where}[{i}]", leaves) for i, item in enumerate(listed)]
        return lambda flat: [part(flat) for part in row]
    return _leaf(value, where, leaves)


def _leaf(value: Any, where: str, leaves: list[_Leaf]) -> Callable[[Array], Any]:
    if isinstance(value, bool | str) or value is None:
        raise InputError(f"{where} is {value!r}; pass floating-point numbers")
    try:
        array = np.array(value)
    except ValueError:
        raise InputError(f"{where} is a ragged list; pass rows of equal length") from None
    written_out = not isinstance(value, np.ndarray | np.generic)
    if array.dtype.kind in "iu" and written_out:
        array = array.astype(np.float64)  # the user wrote 1 for 1.0
    if array.dtype.name not in ("float64", "float32"):
        raise InputError(f"{where} has dtype {array.dtype}; pass float64 or float32, for example by .astype(float)")
    start = sum(leaf.array.size for leaf in leaves)
    stop = start + array.size
    leaves.append(_Leaf(array, weak=written_out))
    if array.ndim == 0:
        return lambda flat: _number(flat[start])
    return lambda flat: flat[start:stop].reshape(array.shape)


def _number(element: Any) -> Any:
    """Give a plain number, real or complex; but the element of another library's array as it is, with its trace."""
    return element.item() if isinstance(cast("object", element), np.generic) else element


class Block(NamedTuple):
    """One array of a structure, and where it lies in the flat vector."""

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        """Where it ends."""
        return self.start + math.prod(self.shape)

    def label(self, i: int) -> str:
        """Name one of its numbers, by its place in the flat vector."""
        if not self.shape:
            return self.name
        place = np.unravel_index(i - self.start, self.shape)
        return f"{self.name}[{', '.join(str(int(index)) for index in place)}]"


def blocks(x0: Any, name: str = "x", start: int = 0) -> list[Block]:
    """List the arrays of a structure in the order of the flat vector.

    Parameters
    ----------
    x0 : array, number, or (nested) dict or list of them
        The structure.
    name : str
        What to call it.
    start : int
        Where it begins in the flat vector.

    Returns
    -------
    list of Block
        One for every array or number.
    """
    if not is_structure(x0):
        return [Block(name, np.shape(x0), start)]
    keys = list(cast("dict[Any, Any]", x0)) if isinstance(x0, dict) else list(range(len(x0)))
    found: list[Block] = []
    for key in keys:
        found += blocks(x0[key], f"{name}[{key!r}]", found[-1].stop if found else start)
    return found
