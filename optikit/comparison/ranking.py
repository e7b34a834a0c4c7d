"""A ranking, and what it is worth: mean scores, and bootstrap intervals of the differences between optimizers.

The score of a trial is a number, here the share of the targets that it reached.  Scores are averaged over the seeds of
a problem, then over problems.  Another sample of problems and seeds would have given other means; the bootstrap draws
such samples from the one at hand [1]_: problems with replacement, and for each of them its seeds with replacement.  As
trials are paired, the same draws serve all optimizers, and what is hard for everybody cancels out of a difference.

Two optimizers are separated if 0 is outside the 95% interval of their difference.  One seed says nothing about other
seeds, so it separates nobody.

.. [1] Efron, Tibshirani: An introduction to the bootstrap (1993), chapters 8 and 13.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optikit.comparison.hits import Numbers

DRAWS = 2000
"""Samples of the bootstrap: the ends of an interval change by about 2% of its length from one run to another."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores of optimizers, the best first, and their differences."""

    order: tuple[int, ...]
    """The optimizers by their score, the best first."""
    scores: Numbers
    """The mean score of each optimizer, shape (optimizers,), not sorted."""
    intervals: Numbers
    """The interval of each score, shape (optimizers, 2)."""
    differences: Numbers
    """Score of a less score of b, shape (optimizers, optimizers)."""
    low: Numbers
    """The lower ends of their intervals, of the same shape."""
    high: Numbers
    """The upper ends."""
    conclusive: bool
    """Whether there are two seeds of some problem or more."""

    def separated(self, a: int, b: int) -> bool:
        """Say whether the evidence separates two optimizers."""
        return self.conclusive and bool(self.low[a, b] > 0 or self.high[a, b] < 0)


def rank(scores: Numbers, rng: np.random.Generator, draws: int = DRAWS) -> Ranking:
    """Rank optimizers.

    Parameters
    ----------
    scores : ndarray, shape (optimizers, problems, seeds)
        The more the better; NaN where a trial was not made: pairs of problem and seed count that all have made.
    rng : numpy.random.Generator
        Draws the samples.
    draws : int
        How many.

    Returns
    -------
    Ranking
        All NaN, if there is no such pair.
    """
    made: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(axis=0))
    tried: NDArray[np.bool_] = np.asarray(made.any(axis=-1))
    packed = np.argsort(~made, axis=1, kind="stable")[tried]  # what has been made comes first
    scores = np.take_along_axis(scores[:, tried], packed[None], axis=2)
    counted: NDArray[np.bool_] = np.take_along_axis(made[tried], packed, axis=1)
    many: NDArray[np.int64] = counted.sum(axis=1, dtype=np.int64)
    optimizers, problems, seeds = scores.shape
    if not problems:
        nothing = np.full((optimizers, optimizers), np.nan)
        return Ranking(
            tuple(range(optimizers)), nothing[0], np.full((optimizers, 2), np.nan), nothing, nothing, nothing, False
        )
    means = (np.where(counted, scores, 0).sum(axis=2) / many).mean(axis=1)
    chosen = rng.integers(problems, size=(draws, problems))
    which = (rng.random((draws, problems, seeds)) * many[chosen][..., None]).astype(np.int64)
    samples = np.empty((draws, optimizers))
    for draw in range(draws):
        rows = chosen[draw]
        drawn = np.take_along_axis(scores[:, rows], which[draw][None], axis=2)
        counts = counted[rows]
        samples[draw] = (np.where(counts, drawn, 0).sum(axis=2) / many[rows]).mean(axis=1)
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(samples[:, :, None] - samples[:, None], ends, axis=0)
    return Ranking(
        order=tuple(np.argsort(-means, kind="stable").tolist()),
        scores=means,
        intervals=np.quantile(samples, ends, axis=0).T,
        differences=means[:, None] - means,
        low=low,
        high=high,
        conclusive=bool(many.max() > 1),
    )
