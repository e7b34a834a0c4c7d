"""Designs: points in the unit cube that leave no part of it empty, which independent random points do.

They come from SciPy.  Its engines are no plain data, so what is kept from step to step is a seed, a number, and the
points that are not used yet: a Sobol engine takes its time to begin, and gives many points then.
"""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from optikit import Array, InputError

_BLOCK = 256
"""Sobol points made at once, at least: a power of 2, as blocks of such are balanced."""


@dataclass(kw_only=True, slots=True)
class Sobol:
    """Where a scrambled Sobol sequence has got to."""

    seed: int
    made: int = 0
    """Points made until now."""
    ahead: Array = field(default_factory=lambda: np.empty((0, 0)))
    """Those of them that have not been taken."""


def take_sobol(state: Sobol, k: int, n: int) -> Array:
    """Take the next k points of a sequence in n dimensions, shape (k, n), and change its state."""
    qmc = _qmc("sobol")
    if n > qmc.Sobol.MAXDIM:
        raise InputError(
            f"x has {n:,} coordinates, but Sobol sequences have at most {qmc.Sobol.MAXDIM:,}; use 'latin-hypercube'"
        )
    if len(state.ahead) < k:
        engine = qmc.Sobol(n, seed=state.seed)
        if state.made:
            engine.fast_forward(state.made)
        # The first number has to be a power of 2, and so the next are.
        number = max(_BLOCK, 1 << (k - 1).bit_length())
        new = np.asarray(engine.random(number))
        state.ahead, state.made = np.concatenate([state.ahead.reshape(-1, n), new]), state.made + number
    taken, state.ahead = state.ahead[:k], state.ahead[k:]
    return taken


def latin_hypercube(k: int, n: int, rng: np.random.Generator) -> Array:
    """Make a Latin hypercube of k points in n dimensions, shape (k, n): each k-th of each coordinate has one point."""
    # Not the generator itself: SciPy would draw from a child of it, which no saved state knows of.
    return np.asarray(_qmc("latin-hypercube").LatinHypercube(n, seed=int(rng.integers(2**63))).random(k))


def _qmc(what: str) -> Any:
    try:
        return import_module("scipy.stats.qmc")
    except ImportError:
        raise InputError(
            f"draw = '{what}' needs scipy, which is not installed; run `python -m pip install 'optikit[scipy]'`"
        ) from None
