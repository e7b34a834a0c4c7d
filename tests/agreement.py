"""Whether a gradient is that of its objective: the rule of the property tests, to which planted faults are put, too.

A rule that lets a wrong gradient pass is worth nothing, and one that cries wolf is soon widened until it does.  So
every term below stands for an error that differences really have; none is a number that made the tests pass.
"""

import numpy as np
from optikit_gradients.ecnoise import noise_level

import optikit

_PIECES = 64
"""Into which the way from x - h to x + h is cut where the function has a kink."""


def wrong_coordinate(objective, x, scale=1.0):
    """Compare the exact gradient with central differences; give the first coordinate in which it is wrong, or None.

    `scale` is the size of the parameters at which the function changes its shape, the unit of the steps: a step of 1e-5
    is small for weights of 1, and beyond all bends of relu for weights of 1e-8.
    """
    value, exact = objective.value_and_grad(x)
    eps, size = float(np.finfo(x.dtype).eps), max(scale, float(abs(x).max()))
    h = eps ** (1 / 3) * size
    near, far = (
        optikit.get("gradient", "central-difference", h=step).value_and_grad(objective, x, None)[1].astype(float)
        for step in (h, 2 * h)
    )
    largest = abs(value) + h * abs(near).max()
    # A value is rounded by eps of what it is computed from, which may be larger than itself: this noise is measured, in
    # directions that are nobody's, as along (1, 1, ...) a softmax does not change; in two, as steps of rounding are
    # seldom of equal length, but may be.
    directions = size * np.random.default_rng(0).uniform(-1, 1, size=(2, len(x)))
    noise = max(noise_level(objective, x, direction) for direction in directions)
    rounding = (16 * eps * largest + 2 * noise) / h
    # Steps are rounded by eps of x, and h is eps^(1/3) of it; truncation shows as a difference between the steps.
    tolerance = 16 * eps ** (2 / 3) * (abs(exact) + abs(exact).max()) + rounding + 4 * abs(near - far)
    suspects = np.flatnonzero(~(abs(near - exact) <= tolerance))
    # A kink within h looks like a fault.  But kink or not, the changes of the function between x - h and x + h are the
    # integrals of its slope (the fundamental theorem of calculus), and the slope at x is one of the slopes.
    for i in suspects:
        values, slopes = _along(objective, x, i, h)
        mean = (slopes[:-1] + slopes[1:]) / 2
        missing = np.diff(values) / (2 * h) - mean / _PIECES
        # The two worst pieces do not count: with huge weights a unit goes all the way up within one of them.
        missing = missing[np.argsort(abs(missing))[:-2]]
        on_average = abs(missing.sum()) <= tolerance[i] + np.ptp(slopes) * 4 / _PIECES
        one_of_them = slopes.min() - tolerance[i] <= exact[i] <= slopes.max() + tolerance[i]
        if not (on_average and one_of_them):
            return int(i)
    return None


def _along(objective, x, i, h):
    """Compute the values and exact slopes along coordinate i at points from x - h to x + h."""
    values, slopes = [], []
    for t in np.linspace(-h, h, _PIECES + 1):
        moved = x.copy()
        moved[i] += t
        value, gradient = objective.value_and_grad(moved)
        values.append(value)
        slopes.append(float(gradient[i]))
    return np.array(values), np.array(slopes)
