"""Runtime distributions: the share of problem-target pairs that were reached within so many evaluations.

The empirical cumulative distribution of runtimes over all problems, seeds and targets, divided by the dimension, as
COCO shows it [1]_.  Here without simulated restarts: a trial that did not reach a target counts as one that never does,
which favours nobody who restarts by itself.  `restarted` gives the runtimes with simulated restarts, as cocopp does:
trials are drawn with replacement, and their lengths added up, until one is drawn that has reached the target; that
supposes that trials are independent and restarting is free.

.. [1] Hansen, Auger, Brockhoff, Tušar: Anytime performance assessment in blackbox optimization benchmarking. IEEE
   Transactions on Evolutionary Computation 26 (2022).
"""

import numpy as np

from optikit.comparison.hits import Numbers, share


def runtime_ecdf(runtimes: Numbers, budgets: Numbers) -> Numbers:
    """Give the share of runtimes that are at most `budgets`.

    Parameters
    ----------
    runtimes : ndarray, any shape
        Evaluations, perhaps divided by the dimension; infinite where a target was not reached.
    budgets : ndarray, shape (k,)
        In the same unit.

    Returns
    -------
    ndarray, shape (k,)
        Between 0 and 1.
    """
    return share(runtimes, budgets)


def restarted(runtimes: Numbers, lengths: Numbers, draws: int, rng: np.random.Generator) -> Numbers:
    """Draw runtimes with simulated restarts.

    Parameters
    ----------
    runtimes : ndarray, shape (trials, targets)
        Of one optimizer on one problem; infinite where a target was not reached.
    lengths : ndarray, shape (trials,)
        Evaluations that each trial made.
    draws : int
        How many are drawn for each target.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    ndarray, shape (draws, targets)
        Infinite for a target that no trial has reached.
    """
    found = np.full((draws, runtimes.shape[1]), np.inf)
    for target in range(runtimes.shape[1]):
        reached = np.isfinite(runtimes[:, target])
        if reached.any():
            # How many fail before one does not is geometric; which ones they are is drawn afterwards.
            failures = rng.geometric(reached.mean(), draws) - 1
            lost = rng.choice(lengths[~reached], failures.sum()) if failures.any() else np.zeros(0)
            spent = np.concatenate([[0.0], np.cumsum(lost)])[np.concatenate([[0], np.cumsum(failures)])]
            found[:, target] = np.diff(spent) + rng.choice(runtimes[reached, target], draws)
    return found
