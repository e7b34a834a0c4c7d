"""Units: the linear map from the vector that an optimizer sees to all parameters as the user has them.

Each coordinate is multiplied by its scale, and the fixed parameters come between the free ones.  Slopes go the other
way, by the chain rule.  The map is plain data: who keeps points as the optimizer sees them, keeps it with them, and
reads them as the user does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit.bounds import Bounds
from optikit.names import Block
from optikit.types import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Units:
    """How n coordinates of an optimizer are m parameters of a user."""

    start: Array
    """All parameters at the start, shape (m,), in the user's own units."""
    blocks: Sequence[Block]
    """Their names."""
    places: NDArray[np.intp] | None = None
    """Where the free ones stand among them, shape (n,), ascending; None if nothing is fixed."""
    scale: Array | None = None
    """What each coordinate is multiplied by, shape (n,); None if it is what it is."""
    ends: Bounds | None = None
    """Where scaled coordinates are clipped, so that rounding leaves no bound."""
    known: tuple[Array, Array] | None = None
    """Coordinates of the start that rounding would change on their way there and back, NaN elsewhere; and theirs."""

    @property
    def names(self) -> list[str]:
        """What messages call each of all parameters."""
        return [block.label(i) for block in self.blocks for i in range(block.start, block.stop)]

    def spread(self, z: Any) -> Any:
        """Give all parameters, (..., m), for points of the optimizer, (..., n), real or complex."""
        x = z if self.scale is None else self._unscale(z)
        if self.places is None:
            return x
        whole = np.empty((*x.shape[:-1], len(self.start)), dtype=x.dtype)
        whole[...] = self.start
        whole[..., self.places] = x
        return whole

    def read(self, kept: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give all parameters, (k, m), for points that were kept as float64, (k, n), as the function saw them."""
        return np.asarray(self.spread(kept.astype(self.start.dtype)), dtype=np.float64)

    def reduce(self, slopes: Array) -> Array:
        """Give slopes along the optimizer's vector, (..., n), for slopes along all parameters, (..., m)."""
        slopes = self.free(slopes)
        return slopes if self.scale is None else slopes * self.scale

    def free(self, x: Array) -> Array:
        """Pick the free ones, (..., n), of all parameters, (..., m)."""
        return x if self.places is None else x[..., self.places]

    def _unscale(self, z: Any) -> Any:
        x = z * self.scale
        if np.iscomplexobj(x):
            x.real = self._unscale(z.real)
            return x
        if self.known is not None:
            x = np.where(z == self.known[0], self.known[1], x)
        return x if self.ends is None else np.minimum(np.maximum(x, self.ends[0]), self.ends[1])
