"""ECNoise: how noisy a function is, from a table of differences along a short line.

Differences of neighbouring values remove what is smooth, order by order, and only scale what is not: the k-th
differences of noise have (2k)! / (k!)^2 times its variance.  Where that rule holds over three orders, it is noise.
"""

import numpy as np

from optikit import Array, Objective, ObjectiveError

POINTS, TRIES = 9, 4
"""Points on the line, and how many spacings are tried."""

_WIDEST = 1 / 16
"""Spacing, in units of the direction, at which a function whose values are all one is constant."""


def along(objective: Objective, x: Array, direction: Array, t: Array) -> Array:
    """Compute the values at ``x + t_j direction``, at most one point each; near bounds the line moves inwards.

    Parameters
    ----------
    objective : Objective
        The function.
    x : ndarray, shape (n,)
        The point.
    direction : ndarray, shape (n,)
        Where to; shrunk in coordinates whose box is too narrow.
    t : ndarray, shape (k,)
        How far, symmetric about 0.
    """
    low, high = objective.bounds(len(x))
    reach = np.minimum(t.max() * abs(direction), (high - low) / 2)
    centre = np.clip(x, low + reach, high - reach)
    points = centre + np.outer(t / t.max(), np.copysign(reach, direction))
    return objective.values(np.clip(points, low, high).astype(x.dtype))


def noise_level(objective: Objective, x: Array, direction: Array) -> float:
    """Estimate the standard deviation of the noise of the values near `x`; rounding is the least there is.

    Parameters
    ----------
    objective : Objective
        The function: deterministic or not, the noise of rounding and of inner iterations is found too.
    x : ndarray, shape (n,)
        The point.
    direction : ndarray, shape (n,)
        Of the line, about as long as the scale of each coordinate.

    Returns
    -------
    float
        Above 0, unless the function is 0.

    Raises
    ------
    ObjectiveError
        If a value is not finite.

    References
    ----------
    Moré and Wild (2011), "Estimating computational noise", SIAM Journal on Scientific Computing 33(3).  Where no order
    of the table is accepted after `TRIES` spacings, the largest level of its three highest orders is taken, the least
    polluted by what is smooth; the paper gives up.  Where most neighbours are equal the spacing grows by 1000, up to
    1/16, and where they are evenly apart once by 30: they may be rounded.
    """
    eps = float(np.finfo(x.dtype).eps)
    spacing, wider, twice = eps**0.5, False, False
    rounding, levels = 0.0, [0.0] * 3
    for _ in range(TRIES):
        values = along(objective, x, direction, spacing * (np.arange(POINTS) - POINTS // 2))
        if not np.isfinite(values).all():
            raise ObjectiveError("the objective is not finite everywhere near x, where its noise is looked for")
        levels, changes_sign = _table(values)
        rounding = eps * float(abs(values).max())
        if np.count_nonzero(np.diff(values)) < POINTS // 2:
            spacing, wider = min(1000 * spacing, _WIDEST), True
            continue
        # Marks of a ruler are evenly apart, as the values of no noise are, but not at another spacing too.
        even = max(levels[-3:]) <= 4 * rounding
        if even and not twice:
            spacing, wider, twice = min(30 * spacing, _WIDEST), True, True
            continue
        if np.ptp(values) <= 0.1 * abs(values).max():
            for k in range(len(levels) - 2):
                three = levels[k : k + 3]
                if changes_sign[k] and max(three) <= 4 * min(three):
                    return max(levels[k], rounding)
        if wider:
            break
        spacing /= 100
    return max(*levels[-3:], rounding)


def _table(values: Array) -> tuple[list[float], list[bool]]:
    """Compute the noise level that each order of differences would mean, and whether the differences change sign."""
    levels: list[float] = []
    changes_sign: list[bool] = []
    gamma, differences = 1.0, values
    for k in range(1, len(values)):
        differences = np.diff(differences)
        gamma *= k / (2 * (2 * k - 1))  # (k!)^2 / (2k)!
        levels.append(float(np.sqrt(gamma * np.mean(differences**2))))
        changes_sign.append(bool(differences.min() * differences.max() < 0))
    return levels, changes_sign
