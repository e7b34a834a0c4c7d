"""Hitting times: after how many evaluations a trial first reached a target, which is what statistics are made of.

A trial is its improvements, so the value after k evaluations is a step function, and the time of a target is the first
step at or below it.  A target that was not reached in the budget has the time infinity: that it took longer is known,
and no more.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

PRECISIONS: Numbers = 10 ** np.linspace(2, -8, 51)
"""How far above the minimum COCO's targets are: 51 steps from 1e2 to 1e-8 [1]_.

.. [1] Hansen, Auger, Ros, Mersmann, Tušar, Brockhoff: COCO: a platform for comparing continuous optimizers in a
   black-box setting. Optimization Methods and Software 36 (2021).
"""


def hits(evaluations: NDArray[np.int64], values: Numbers, targets: Numbers) -> Numbers:
    """Give the evaluation at which each target was first reached.

    Parameters
    ----------
    evaluations : ndarray, shape (k,)
        Numbers of the improvements, rising.
    values : ndarray, shape (k,)
        Their values, falling.
    targets : ndarray, shape (t,)
        Values to be reached.

    Returns
    -------
    ndarray, shape (t,)
        Infinite where a target was not reached.
    """
    first = np.searchsorted(-values, -targets)
    return np.append(evaluations.astype(np.float64), np.inf)[first]


def after(evaluations: NDArray[np.int64], values: Numbers, numbers: Numbers) -> Numbers:
    """Give the best value after so many evaluations, shape of `numbers`; infinite before the first."""
    return np.append(np.inf, values)[np.searchsorted(evaluations, numbers, side="right")]


def share(times: Numbers, limits: Numbers) -> Numbers:
    """Give the share of times that are at most `limits`, shape of `limits`; an infinite time is within no limit."""
    finite = np.sort(times[np.isfinite(times)])
    return np.searchsorted(finite, limits, side="right") / max(times.size, 1)


def threshold(start: Numbers, lowest: Numbers | float, tau: float) -> Numbers:
    """Give the value at which a problem counts as solved within `tau`: all but that share of the way down is gone.

    It is the convergence test ``f(x0) - f(x) >= (1 - tau) (f(x0) - f_L)`` of Moré and Wild [1]_, which needs no
    tolerance of a problem's own.

    .. [1] Moré, Wild: Benchmarking derivative-free optimization algorithms. SIAM J. Optimization 20 (2009).
    """
    return lowest + tau * (start - lowest)
