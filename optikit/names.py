"""Names: what messages call each parameter, and what users give for some parameters by name.

Optimizers number the parameters; users called them something.  A `Block` is a named part of the vector that the
optimizer sees.  `laid_out` goes the other way: it lays out over all numbers of a structure what was given for parts.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from reprlib import repr as shortened
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from optikit.bounds import Bounds, sides
from optikit.errors import InputError, did_you_mean
from optikit.structure import element, is_structure


class Block(NamedTuple):
    """One array of a structure, and where its numbers lie in the vector that the optimizer sees."""

    name: str
    shape: tuple[int, ...]
    start: int
    places: Sequence[int]
    """Which numbers of the array these are, in order: all of them, unless some are fixed."""

    @property
    def stop(self) -> int:
        """Where it ends in the vector."""
        return self.start + len(self.places)

    @property
    def whole(self) -> bool:
        """Whether these are all numbers of the array."""
        return len(self.places) == math.prod(self.shape)

    def label(self, i: int) -> str:
        """Name one of its numbers, by its place in the vector."""
        return element(self.name, self.shape, self.places[i - self.start])


def blocks(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> list[Block]:
    """Line up arrays.

    Parameters
    ----------
    shapes : iterable of (str, tuple)
        Their names and shapes, in the order of the vector.

    Returns
    -------
    list of Block
        One for each.
    """
    found: list[Block] = []
    for name, shape in shapes:
        found.append(Block(name, shape, found[-1].stop if found else 0, range(math.prod(shape))))
    return found


def only(parts: Iterable[Block], free: NDArray[np.integer[Any]]) -> list[Block]:
    """Give what is left of blocks where only some places of the vector, in ascending order, remain."""
    found: list[Block] = []
    for part in parts:
        start, stop = (int(place) for place in np.searchsorted(free, (part.start, part.stop)))
        if start < stop:
            places = [part.places[i - part.start] for i in map(int, free[start:stop])]
            found.append(Block(part.name, part.shape, start, places))
    return found


def label(parts: Iterable[Block], i: int) -> str:
    """Name the number at place i of the vector."""
    return next(part for part in parts if i < part.stop).label(i)


def arrays(x: Any, name: str = "x") -> Iterator[tuple[str, Any]]:
    """Give the arrays and numbers of a structure with their names, in the order of the flat vector."""
    if not is_structure(x):
        yield name, x
        return
    for key in _keys(x):
        yield from arrays(x[key], f"{name}[{key!r}]")


def vector(x: Any) -> NDArray[Any]:
    """Give all numbers of a structure, shape (n,)."""
    return np.concatenate([np.empty(0), *(np.ravel(array) for _, array in arrays(x))])


def parts(given: Any, x0: Any, what: str, name: str) -> Iterator[tuple[Any, Any, str]]:
    """Match what was given for the parts of a structure, or for some of them, with these parts.

    Parameters
    ----------
    given : dict, list or tuple
        By key; or item by item for a list; or for a dict a list of keys, each of which stands for True.
    x0 : dict or list
        The structure.
    what, name : str
        What is given, and what the structure is called, for the error.

    Yields
    ------
    tuple
        What was given for a part or None, the part, and its name, in the order of the flat vector.

    Raises
    ------
    InputError
        If there is no part of such a name, or the lengths differ.
    """
    keys = _keys(x0)
    if isinstance(given, dict):
        named = cast("dict[Any, Any]", given)
    elif isinstance(x0, dict):
        named = {key if isinstance(key, Hashable) else shortened(key): True for key in cast("list[Any]", given)}
    elif len(given) == len(keys):
        named = dict(enumerate(cast("list[Any]", given)))
    else:
        raise InputError(f"{what} of {name} has {len(given)} items; pass {len(keys)}, as x0 has")
    for key in named:
        if key not in keys:
            raise InputError(f"{what}: {name} has no part {key!r}; {did_you_mean(str(key), map(str, keys))}")
    for key in keys:
        yield named.get(key), x0[key], f"{name}[{key!r}]"


def laid_out(given: Any, x0: Any, rest: Any, what: str, name: str = "x") -> np.ndarray[Any, Any]:
    """Lay out over all numbers of a structure what was given for its parts.

    Parameters
    ----------
    given : number, array, or (nested) dict or list of them
        Of the structure of `x0`, or a dict of some of its parts.  What is given for a part is for all its numbers,
        or an array with one for each.
    x0 : array, number, or (nested) dict or list of them
        The structure.
    rest : float or bool
        For what is None or missing.  A bool asks for bools, and then a list of keys stands for True at those.
    what, name : str
        What is given, and what the structure is called, for the error.

    Returns
    -------
    ndarray, shape (n,)
        Bools or numbers, in the order of the flat vector.

    Raises
    ------
    InputError
        If there is no part of such a name, or something of another type or shape was given for one.
    """
    yes_or_no = isinstance(rest, bool)
    if is_structure(x0):
        names = yes_or_no or not isinstance(cast("object", x0), dict)
        if isinstance(cast("object", given), (dict, list, tuple) if names else dict):
            rows = [laid_out(one, part, rest, what, where) for one, part, where in parts(given, x0, what, name)]
            return np.concatenate(rows or [np.empty(0, dtype=bool)])
        shape = (sum(np.size(array) for _, array in arrays(x0)),)
    else:
        shape = tuple(np.shape(x0))
    try:
        array = np.asarray(rest if given is None else given)
    except ValueError:  # ragged
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in ("b" if yes_or_no else "fiu") or array.shape not in ((), shape):
        wanted = "True or False" if yes_or_no else "a number"
        wanted += f", or an array of them of shape {shape}" if shape else ""
        wanted += ", or a list of names" if yes_or_no and isinstance(cast("object", x0), dict) else ""
        raise InputError(f"{what} of {name} is {shortened(given)}; pass {wanted}")
    return np.broadcast_to(array, shape).ravel()


def laid_out_bounds(given: Any, x0: Any, name: str = "x") -> Bounds:
    """Lay out over all numbers of a structure the bounds of its parts.

    Parameters
    ----------
    given : None, (low, high), an object with `lb` and `ub`, or dict
        Each side as for `laid_out`; a dict has such bounds for some parts, to any depth.
    x0 : array, number, or (nested) dict or list of them
        The structure.
    name : str
        What it is called, for the error.

    Returns
    -------
    low, high : ndarray, shape (n,)
        Infinite where there is no bound.

    Raises
    ------
    InputError
        If they do not fit.
    """
    if isinstance(cast("object", given), dict) and is_structure(x0):
        named = parts(given, x0, "bounds", name)
        rows = [laid_out_bounds(one, part, where) for one, part, where in named] or [(np.empty(0), np.empty(0))]
        return np.concatenate([low for low, _ in rows]), np.concatenate([high for _, high in rows])
    low, high = sides(given, name)
    return (
        laid_out(low, x0, -np.inf, "the lower bound", name).astype(np.float64),
        laid_out(high, x0, np.inf, "the upper bound", name).astype(np.float64),
    )


def _keys(x: Any) -> list[Any]:
    """List the keys of a dict, or the places of a list."""
    return list(cast("dict[Any, Any]", x)) if isinstance(x, dict) else list(range(len(x)))
