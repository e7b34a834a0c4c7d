"""Structured parameters: users speak in dicts and lists of arrays and numbers, optimizers in flat vectors.

The structure of `x0` is remembered, and the function, its gradient and the result speak it.  Lists of numbers are
arrays, as everywhere in NumPy; dicts, and lists that hold arrays or dicts, are structures.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np

from optikit.errors import InputError, ObjectiveError, did_you_mean
from optikit.types import Array, regular


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
        raise InputError(f"x0 has a number that is too large for {dtype}, as its arrays are; pass float64 arrays")
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
        array = regular(answer, what)
        if array.shape != np.shape(x0):
            raise ObjectiveError(f"{what} has shape {array.shape}, but x0 has {np.shape(x0)} there")
        return array.ravel()
    return np.concatenate(parts) if parts else np.empty(0)


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
        if not isinstance(answer, dict) or not named:
            raise ObjectiveError(f"{what} must be a dict with some of the keys {list(wanted)}, as in x0")
        for key in named:
            if key not in wanted:
                meant = did_you_mean(str(key), map(str, wanted))
                raise ObjectiveError(f"{what} has the key {key!r}, which x0 has not; {meant}")
        found = {key: flatten_rows(named[key], wanted[key], f"{what}[{key!r}]") for key in wanted if key in named}
        m = len(next(iter(found.values())))
        parts = [found[key] if key in found else np.zeros((m, flatten(wanted[key])[0].size)) for key in wanted]
    elif is_structure(x0):
        if not isinstance(answer, list | tuple) or len(cast("list[Any]", answer)) != len(x0):
            raise ObjectiveError(f"{what} must be a list of {len(x0)} items, as in x0")
        parts = [flatten_rows(answer[i], x0[i], f"{what}[{i}]") for i in range(len(x0))]
    else:
        array = regular(answer, what)
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


def element(name: str, shape: tuple[int, ...], k: int) -> str:
    """Name the k-th number of an array; a number alone has the name of the array."""
    return f"{name}[{', '.join(str(int(index)) for index in np.unravel_index(k, shape))}]" if shape else name


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
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{where} is a masked array; pass a plain one, and fixed= for what shall stay as it is")
    try:
        array = np.array(value)
    except ValueError:
        raise InputError(f"{where} is a ragged list; pass rows of equal length") from None
    written_out = not isinstance(value, np.ndarray | np.generic)
    if array.dtype.kind in "iu" and written_out:
        array = array.astype(np.float64)  # the user wrote 1 for 1.0
    if array.dtype.name not in ("float64", "float32"):
        raise InputError(f"{where} has dtype {array.dtype}; pass float64 or float32, for example by .astype(float)")
    if not np.isfinite(array).all():
        k = int(np.argmin(np.isfinite(array)))
        raise InputError(f"{element(where, array.shape, k)} is {array.flat[k]}; start from finite numbers")
    start = sum(leaf.array.size for leaf in leaves)
    stop = start + array.size
    leaves.append(_Leaf(array, weak=written_out))
    if array.ndim == 0:
        return lambda flat: _number(flat[start])
    return lambda flat: flat[start:stop].reshape(array.shape)


def _number(element: Any) -> Any:
    """Give a plain number, real or complex; but the element of another library's array as it is, with its trace."""
    return element.item() if isinstance(cast("object", element), np.generic) else element
