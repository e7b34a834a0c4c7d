"""Performance profiles: how often an optimizer is at most so many times as expensive as the best one.

The ratio of an optimizer's cost on a problem to the lowest cost of all optimizers there; the profile is the share of
problems with a ratio of at most alpha [1]_.  At alpha = 1 it says how often an optimizer was the fastest, at the right
how many problems it solved at all.  It compares with whoever else takes part: leave one out, and the others may change
their order, so no ranking follows from the left edge [2]_.

.. [1] Dolan, Moré: Benchmarking optimization software with performance profiles. Mathematical Programming 91 (2002).
.. [2] Gould, Scott: A note on performance profiles for benchmarking software. ACM TOMS 43 (2016).
"""

import numpy as np

from optikit.comparison.hits import Numbers, share


def ratios(costs: Numbers) -> Numbers:
    """Divide costs by the lowest on each problem.

    Parameters
    ----------
    costs : ndarray, shape (optimizers, problems)
        Positive; infinite where a problem was not solved.

    Returns
    -------
    ndarray, shape (optimizers, problems)
        At least 1; infinite where a problem was not solved.
    """
    lowest = costs.min(axis=0, initial=np.inf)
    return np.where(np.isfinite(costs), costs, np.inf) / np.where(np.isfinite(lowest), lowest, 1.0)


def performance_profile(costs: Numbers, alphas: Numbers) -> Numbers:
    """Give the share of problems on which each optimizer costs at most `alphas` times as much as the best one.

    Parameters
    ----------
    costs : ndarray, shape (optimizers, problems)
        Positive; infinite where a problem was not solved.
    alphas : ndarray, shape (k,)
        At least 1.

    Returns
    -------
    ndarray, shape (optimizers, k)
        Of all problems, also those that nobody solved.
    """
    return np.array([share(one, alphas) for one in ratios(costs)])
