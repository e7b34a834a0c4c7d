"""The arrays that travel between the parts of optikit, and the seeds that users hand in.

Everything a component is given or returns is a NumPy array of real floating-point numbers: parameters and
gradients of shape ``(n,)``, batches of points ``(k, n)``, outputs ``(batch, k)``.  Precision is the caller's
choice (float64 unless `x0` or the model says float32), so the aliases leave it open.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optikit.errors import InputError, ObjectiveError

Array: TypeAlias = NDArray[np.floating[Any]]
"""Real numbers, float64 or float32."""

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any, Any]]
"""Complex numbers of either precision: only complex steps use them."""


def all_finite(array: Array) -> bool:
    """Say whether no number is NaN or infinite."""
    # A sum of squares is finite where all numbers are, unless they are huge, and is found in a fifth of the time.
    flat = array if array.ndim == 1 else array.ravel()
    return math.isfinite(flat.dot(flat)) or bool(np.isfinite(array).all())


def regular(answer: Any, what: str) -> NDArray[Any]:
    """Take what a user's function gave as an array.

    Raises
    ------
    ObjectiveError
        If its rows are of different lengths, as those of a pair of value and gradient are.
    """
    try:
        return np.asarray(answer)
    except ValueError:
        raise ObjectiveError(f"{what} is a ragged list; give rows of equal length") from None


Targets: TypeAlias = NDArray[Any]
"""What a loss compares outputs with: integer labels ``(batch,)`` or real numbers ``(batch, k)``."""


Seed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None
"""What the keyword `rng` takes, as in SPEC 7; it is given to `generator` once."""


def generator(rng: Seed) -> np.random.Generator:
    """Make a generator of what the keyword `rng` was given.

    Raises
    ------
    InputError
        If it is no seed.
    """
    try:
        made = np.random.default_rng(rng)
        made.spawn(0)  # a legacy RandomState gets as far as here
    except (TypeError, ValueError):
        raise InputError(f"rng is {rng!r}; pass a non-negative integer, a SeedSequence or a Generator") from None
    return made
