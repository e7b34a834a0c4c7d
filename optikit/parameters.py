"""Parameters: the map between the vector that an optimizer sees and what the user's function takes.

On the way to the function there are three steps: each coordinate is multiplied by its scale, the fixed parameters come
between the free ones (both are `units`), and the whole gets the structure of `x0` (`restore`).  Here they are read from
what users give.
"""

from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np

from optikit.bounds import Bounds, inside, read_bounds, rounded_inward
from optikit.errors import InputError
from optikit.names import arrays, blocks, label, laid_out, laid_out_bounds, only
from optikit.structure import flatten, is_structure
from optikit.types import Array
from optikit.units import Units


class Parameters:
    """What is looked for: a start and, by name or in its structure, the bounds, what is fixed, and the scale.

    Parameters
    ----------
    x0 : array, number, or (nested) dict or list of them
        The start.
    bounds : (low, high), object with `lb` and `ub`, or dict, optional
        Each side a number or of the structure of `x0`; or by name such a pair for each of some parts.
    fixed : list of names, or of the structure of `x0` with bools, optional
        What keeps its number, bitwise.
    scale : number, or of the structure of `x0` with numbers, optional
        The size of a change of each that matters; the optimizer sees x / scale.

    Raises
    ------
    InputError
        If something does not fit, `x0` is outside the bounds, or all of it is fixed.
    """

    def __init__(self, x0: Any, *, bounds: Any = None, fixed: Any = None, scale: Any = None) -> None:
        self.x0, self.given_bounds = x0, bounds
        x, self.shaped = flatten(x0)
        self.start = x
        self.blocks = blocks((name, np.shape(array)) for name, array in arrays(x0))
        self.units = Units(start=x, blocks=self.blocks)
        """The way from the optimizer's vector to all parameters, and back."""
        self.plain = fixed is None and scale is None and not is_structure(x0) and np.ndim(x0) == 1
        """Whether the function takes the optimizer's vector as it is; `bounds` are read by its problem then."""
        if self.plain:
            return
        self.bounds = self._read_bounds()
        self.start = inside(x, self.bounds, partial(label, self.blocks))
        factors = None if scale is None else self._read_scale(scale)
        if fixed is not None:
            self._fix(fixed)
        self._unscaled = self.start, self.bounds, self.units
        if factors is not None:
            self._rescale(self.units.free(factors))

    def restore(self, z: Array) -> Any:
        """Give all parameters in the structure of `x0`, for the optimizer's vector."""
        return self.shaped(self.units.spread(z))

    @property
    def rest(self) -> Array:
        """All parameters, shape (m,), with 0 for the free ones."""
        places, rest = self.units.places, self.units.start.copy()
        rest[slice(None) if places is None else places] = 0
        return rest

    @property
    def unscaled(self) -> "Parameters":
        """The same in the units of the function."""
        same = copy(self)
        same.start, same.bounds, same.units = self._unscaled
        return same

    def _read_bounds(self) -> Bounds:
        low, high = laid_out_bounds(self.given_bounds, self.x0)
        return rounded_inward(read_bounds((low, high), len(low), partial(label, self.blocks)), self.start.dtype)

    def _read_scale(self, given: Any) -> Array:
        laid = laid_out(given, self.x0, 1.0, "scale")
        scale = cast("Array", laid.astype(self.start.dtype))
        right = np.isfinite(scale) & (scale > 0)
        if not right.all():
            i = int(np.argmin(right))
            raise InputError(f"the scale of {label(self.blocks, i)} is {laid[i]:g}; pass a positive number")
        return scale

    def _fix(self, fixed: Any) -> None:
        kept = laid_out(fixed, self.x0, False, "fixed")
        if kept.all():
            raise InputError("all parameters are fixed; leave at least one of them free")
        low, high = self.bounds
        self.units = replace(self.units, places=np.flatnonzero(~kept))
        free = self.units.free
        self.start, self.bounds = free(self.start), (free(low), free(high))
        self.blocks = only(self.blocks, np.flatnonzero(~kept))

    def _rescale(self, scale: Array) -> None:
        """Divide start and bounds by the scale, so that they come back exactly as they were given.

        Where the scale is no power of two, rounding might bring them back one unit in the last place beside.  So
        the bounds are rounded outward here and points clipped on their way back, and the start is known again.
        """
        (low, high), x = self.bounds, self.start
        with np.errstate(over="ignore", under="ignore"):
            self.start = x / scale
            if not np.isfinite(self.start).all():
                i = int(np.argmin(np.isfinite(self.start)))
                raise InputError(f"x0 is {x[i]:g} at {label(self.blocks, i)}, too much for a scale of {scale[i]:g}")
            lower, upper = low / scale, high / scale
            wide = low < high
            lower = np.where(wide & (lower * scale > low), np.nextafter(lower, -np.inf), lower)
            upper = np.where(wide & (upper * scale < high), np.nextafter(upper, np.inf), upper)
            returned = self.start * scale == x
        largest = np.finfo(x.dtype).max
        self.bounds = lower, upper
        ends = np.maximum(low, -largest), np.minimum(high, largest)
        known = None if returned.all() else (np.where(returned, np.nan, self.start), x)
        self.units = replace(self.units, scale=scale, ends=ends, known=known)
