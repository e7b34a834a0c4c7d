"""A random search in batches, which workers share out, and all that it has to say."""

import numpy as np

import optikit


def bowl(x):
    return float(((x - 0.3) ** 2).sum() + np.sin(5 * x).sum())


def searched(fun, workers=None, max_evals=60, **options):
    """Search by batches of ten points, unless it is said otherwise."""
    search = optikit.get("optimizer", "random-search", samples=10)
    given = {"optimizer": search, "bounds": (-2, 2), "rng": 3} | options
    return optikit.minimize(fun, np.linspace(-1, 1, 6), workers=workers, max_evals=max_evals, **given)


def said(result):
    """Give all that a run has to say, to the last bit."""
    history = result.history
    counts = result.nfev, result.njev, result.nit, result.nans, result.reason, result.message
    return np.float64(result.fun).tobytes(), result.x.tobytes(), history.fun.tobytes(), history.failures, counts
