"""Antithetic pairs: two points on a random line through x, so that what is even about x cancels.

A pair lies about a centre: `x` itself, or, where that would leave the bounds, a point moved inwards by no more than the
perturbation.  So the estimate is one of the slope at the centre, of which a linear function makes no difference.
"""

from collections.abc import Callable

import numpy as np

from optikit import Array, Estimate, InputError, Objective, ObjectiveError
from optikit_gradients import steps


def reach(objective: Objective, x: Array, h: float | None, share: float) -> Array:
    """Give the scale of the perturbation of each coordinate, at most a `share` of the width of its box.

    Raises
    ------
    InputError
        If a perturbation would be lost in rounding where the bounds leave room.
    """
    low, high = objective.bounds(len(x))
    scale = np.minimum(steps.scaled(x, h, 1 / 3), share * (high - low)).astype(x.dtype)
    lost = (x + scale == x) & (x - scale == x) & (low < high)
    if lost.any():
        i = int(np.argmax(lost))
        raise InputError(
            f"the perturbation {scale[i]:g} does not change {objective.label(i)} = {x[i]:g}; give a larger h"
        )
    return scale


def mean_over_pairs(
    objective: Objective, x: Array, pairs: int, draw: Callable[[], Array], weigh: Callable[[Array], Array]
) -> Estimate:
    """Average the estimates of some pairs.

    Parameters
    ----------
    objective : Objective
        The function.
    x : ndarray, shape (n,)
        The point.
    pairs : int
        How many.
    draw : callable
        Gives a perturbation v, shape (n,).
    weigh : callable
        Takes the perturbation that was really made, gives the weights w of the coordinates: the estimate is
        w (f(x + v) - f(x - v)) / 2.

    Returns
    -------
    Estimate
        The value is the mean over all points, near that at `x`.  The error is the standard error of the mean, NaN for a
        single pair.
    """
    low, high = objective.bounds(len(x))
    value, gradient, spread = 0.0, np.zeros(len(x)), np.zeros(len(x))
    for made in range(1, pairs + 1):
        v = draw()
        centre = np.clip(x, low + abs(v), high - abs(v))
        points = np.clip(np.stack([centre + v, centre - v]), low, high).astype(x.dtype)
        up, down = objective.values(points)
        if not np.isfinite(up - down if np.isfinite(up) else up):
            raise ObjectiveError(f"the objective is {up:g} and {down:g} at a pair of points; lower h or set bounds")
        value += (up + down) / 2 / pairs
        # Welford's update of mean and sum of squares.
        change = weigh((points[0].astype(np.float64) - points[1]) / 2) * (up - down) / 2 - gradient
        gradient += change / made
        spread += change**2 * (made - 1) / made
    error = np.sqrt(spread / (pairs * (pairs - 1))) if pairs > 1 else np.full(len(x), np.nan)
    return Estimate(value, gradient.astype(x.dtype), error)
