"""Data profiles: what share of the problems is solved with a budget of so many simplex gradients.

The cost of a problem is divided by n + 1, the evaluations of one simplex gradient, so that problems of different
dimensions go together [1]_.  Other than a performance profile it does not depend on who else takes part, but for the
lowest value that defines "solved", and reads as: with so much to spend, this much gets solved.

.. [1] Moré, Wild: Benchmarking derivative-free optimization algorithms. SIAM J. Optimization 20 (2009).
"""

import numpy as np
from numpy.typing import NDArray

from optikit.comparison.hits import Numbers, share


def data_profile(costs: Numbers, dimensions: NDArray[np.int64], kappas: Numbers) -> Numbers:
    """Give the share of problems that each optimizer has solved within `kappas` simplex gradients.

    Parameters
    ----------
    costs : ndarray, shape (optimizers, problems)
        Evaluations; infinite where a problem was not solved.
    dimensions : ndarray, shape (problems,)
        Number of parameters of each.
    kappas : ndarray, shape (k,)
        Budgets, as multiples of n + 1.

    Returns
    -------
    ndarray, shape (optimizers, k)
        Of all problems, also those that nobody solved.
    """
    return np.array([share(one, kappas) for one in costs / (dimensions + 1)])
