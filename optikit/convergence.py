"""Convergence: how near a run came to an end of its own, told by what was seen on the way.

The oracle has seen all of it, so a report costs a run nothing: history gives the last improvements, and the rest is
looked at once, after the end, without asking anything more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optikit.failures import Failures
from optikit.history import History
from optikit.oracle import Oracle
from optikit.types import Array

_SHOWN = 3
"""Improvements, and names, that a line shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Convergence:
    """What is known of the end of a run besides its result."""

    slope: float = math.nan
    """The largest absolute component of the last gradient that the optimizer was given, at a bound those aside that
    point out of the box; NaN if it was given none."""
    failed: int = 0
    """Evaluations that failed."""
    infinite: int = 0
    """Evaluations that gave +inf, or -inf where that may be."""
    failures: Failures = field(default_factory=Failures)
    """What the optimizer was told of them."""
    bounds: tuple[str, ...] = ()
    """Names of the parameters at a bound, in the result, and which."""
    constraints: tuple[str, ...] = ()
    """Names of the constraints that hold with nothing to spare there."""
    feasible: bool = True
    """Whether all of them hold there."""
    compares: bool = True
    """Whether values compare; those of minibatches do not."""

    @staticmethod
    def of(oracle: Oracle, x: Array, failures: Failures) -> "Convergence":
        """Look at the end of a run, where the point (n,) is its result."""
        low, high = oracle.limits()
        sides = [("lower", (x <= low) & (low < high)), ("upper", (x >= high) & (low < high))]
        return Convergence(
            slope=oracle.slope,
            failed=oracle.failed,
            infinite=oracle.infinite,
            failures=failures,
            bounds=tuple(f"{oracle.label(i)} ({side})" for side, at in sides for i in np.flatnonzero(at).tolist()),
            constraints=oracle.active(x),
            feasible=oracle.feasible,
            compares=oracle.compares,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Improvements:
    """When the best value fell, and by how much."""

    evaluations: tuple[int, ...]
    """The last of them first, counted from 1."""
    gains: tuple[float, ...]
    """By how much; infinite where there was no value before."""
    recent: float
    """The share of the whole gain that the last tenth of the evaluations made."""

    @staticmethod
    def of(history: History) -> "Improvements":
        """Read them from a history."""
        best = np.concatenate([[math.inf], history.best])
        fallen = np.flatnonzero(best[1:] < best[:-1])[::-1][: _SHOWN + 1]
        numbers = history.numbers[fallen] + 1
        return Improvements(
            evaluations=tuple(numbers.tolist()),
            gains=tuple((best[fallen] - best[fallen + 1]).tolist()),
            recent=_recent(history.numbers, best[1:], history.nfev - max(1, history.nfev // 10)),
        )

    def __str__(self) -> str:
        """Say it in one line."""
        pairs = zip(self.gains[:_SHOWN], self.evaluations, strict=False)
        said = [f"by {gain:.2g} at {at:,}" if math.isfinite(gain) else f"from nothing at {at:,}" for gain, at in pairs]
        return f"last improved {', '.join(said)}" if said else "none, as no value was found"


def _recent(numbers: NDArray[np.int64], best: NDArray[np.float64], cut: int) -> float:
    """Give the share of the gain that came from evaluation `cut` on; all of it where the first value did."""
    found = np.isfinite(best)
    early = best[found & (numbers < cut)]
    if not early.size:
        return float(found.any())
    whole = early[0] - best[-1]
    return float((early[-1] - best[-1]) / whole) if whole > 0 else 0.0


def listed(names: Sequence[str]) -> str:
    """Name the first of them."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
