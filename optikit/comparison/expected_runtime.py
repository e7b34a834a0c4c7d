"""Expected running time: the evaluations that one success costs on average, failures included.

All evaluations that the trials made until they reached the target, or ended without, divided by the number of those
that reached it [1]_.  It estimates the runtime of an optimizer that is restarted until it succeeds, and is infinite
where nobody did.

.. [1] Hansen, Auger, Finck, Ros: Real-parameter black-box optimization benchmarking 2009: experimental setup. INRIA
   RR-6828 (2009).
"""

import numpy as np

from optikit.comparison.hits import Numbers


def expected_runtime(runtimes: Numbers, lengths: Numbers) -> Numbers:
    """Give the expected running time to each target.

    Parameters
    ----------
    runtimes : ndarray, shape (trials, targets)
        Infinite where a target was not reached.
    lengths : ndarray, shape (trials,)
        Evaluations that each trial made.

    Returns
    -------
    ndarray, shape (targets,)
        Infinite where no trial has reached it.
    """
    reached = np.isfinite(runtimes)
    spent = np.where(reached, runtimes, lengths[:, None]).sum(axis=0)
    many = reached.sum(axis=0)
    return np.where(many, spent / np.maximum(many, 1), np.inf)
