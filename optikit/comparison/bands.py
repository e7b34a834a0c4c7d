"""Convergence curves: the best value after so many evaluations, as the median over the seeds and a band around it.

Medians and quartiles are taken of the values at each number of evaluations, and not means, as one trial that got
stuck would be all that a mean of such numbers shows.  They are values of trials, never between two: an infinite one (no
finite value yet) takes part like any other.
"""

import numpy as np

from optikit.comparison.hits import Numbers

QUANTILES = (0.25, 0.5, 0.75)


def bands(values: Numbers) -> Numbers:
    """Give the quartiles of the trials.

    Parameters
    ----------
    values : ndarray, shape (trials, k)
        The best value of each after k numbers of evaluations; infinite where there is none yet.

    Returns
    -------
    ndarray, shape (3, k)
        The lower quartile, the median and the upper quartile.
    """
    return np.quantile(values, QUANTILES, axis=0, method="inverted_cdf")
