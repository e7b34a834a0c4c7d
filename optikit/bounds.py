"""Bounds: the lowest and the highest allowed value of every parameter.

Users give two numbers or two arrays; everything inside sees two arrays of shape (n,), infinite where there is no bound.
"""

from collections.abc import Callable
from reprlib import repr as shortened
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from optikit.errors import InputError
from optikit.types import Array

Bounds: TypeAlias = tuple[Array, Array]
"""Low and high, both of shape (n,)."""


def place(i: int) -> str:
    """Name a parameter that has no name of its own."""
    return f"x[{i}]"


def sides(given: Any, name: str = "x") -> tuple[Any, Any]:
    """Take the bounds of something of that name apart: None, (low, high), or an object with `lb` and `ub`.

    Raises
    ------
    InputError
        If they are something else.
    """
    if given is None:
        return None, None
    if hasattr(given, "lb") and hasattr(given, "ub"):
        return given.lb, given.ub
    # For two parameters SciPy's pairs have the shape of (low, high) and another meaning.
    pairs = isinstance(cast("object", given), list) and all(isinstance(side, tuple) for side in given)
    try:
        if pairs or isinstance(cast("object", given), dict | str):
            raise TypeError
        low, high = given
    except (TypeError, ValueError):
        raise InputError(
            f"the bounds {shortened(given)} do not fit {name}; pass a pair (low, high), each a number or numbers in "
            "the shape of x0 (SciPy's pairs become that by zip(*pairs))"
        ) from None
    return low, high


def read_bounds(given: Any, n: int, label: Callable[[int], str] = place) -> Bounds:
    """Read bounds as a user gave them.

    Parameters
    ----------
    given : None, (low, high), or an object with `lb` and `ub`
        Numbers or arrays of shape (n,); `scipy.optimize.Bounds` is such an object.
    n : int
        Number of parameters.
    label : callable
        Names one of them, for the errors.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Float64, infinite where there is no bound.

    Raises
    ------
    InputError
        If they do not fit n parameters, contain NaN, or a lower bound is above its upper one.
    """
    wanted = f"pass bounds=(low, high), each a number or an array of {n} numbers"
    below, above = sides(given)
    try:
        low, high = (
            np.array(np.broadcast_to(np.asarray(none if side is None else side, dtype=np.float64), (n,)))
            for side, none in ((below, -np.inf), (above, np.inf))
        )
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"the bounds {shortened(given)} do not fit; {wanted}") from None
    for side in (low, high):
        if np.isnan(side).any():
            i = int(np.argmax(np.isnan(side)))
            raise InputError(f"a bound of {label(i)} is NaN; use -inf and inf where there is no bound")
    if (low > high).any():
        i = int(np.argmax(low > high))
        raise InputError(
            f"the lower bound {low[i]:g} of {label(i)} is above its upper bound {high[i]:g}; pass (low, high)"
        )
    return low, high


def rounded_inward(bounds: Bounds, dtype: np.dtype[Any]) -> Bounds:
    """Bring bounds to the dtype of x, so that clipping to them never ends a rounding error outside.

    Where no number of that dtype lies between two bounds, both become the nearest one.
    """
    low, high = (side.astype(dtype) for side in bounds)
    up = np.where(low < bounds[0], np.nextafter(low, dtype.type(np.inf)), low)
    down = np.where(high > bounds[1], np.nextafter(high, dtype.type(-np.inf)), high)
    return np.where(up <= down, up, low), np.where(up <= down, down, low)


def outside(x: Array, bounds: Bounds) -> tuple[int, ...] | None:
    """Find the place of the first number of `x`, (n,) or (k, n), that lies outside the bounds, or None."""
    low, high = bounds
    wrong = (x < low) | (x > high)
    if not wrong.any():
        return None
    return tuple(int(index) for index in np.unravel_index(np.argmax(wrong), wrong.shape))


def inside(x: Array, bounds: Bounds, label: Callable[[int], str] = place) -> Array:
    """Check a start point; what only rounding has put outside its bounds is moved back.

    Raises
    ------
    InputError
        If it is outside the bounds.
    """
    low, high = rounded_inward(bounds, x.dtype)
    moved = np.clip(x, low, high)
    far = abs(moved - x) > 2 * np.finfo(x.dtype).eps * abs(x)
    if far.any():
        i = int(np.argmax(far))
        raise InputError(f"x0 is {x[i]:g} at {label(i)}, outside its bounds [{low[i]:g}, {high[i]:g}]")
    return moved


def stuck(x: Array, gradient: Array, bounds: Bounds) -> NDArray[np.bool_]:
    """Find the coordinates, (n,), that are at a bound out of which the way down leads."""
    low, high = bounds
    return ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
