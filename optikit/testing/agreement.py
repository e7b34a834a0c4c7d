"""Whether an exact gradient is that of its objective: the rule to which models, losses and planted faults are put.

A rule that lets a wrong gradient pass is worth nothing, and one that cries wolf is soon widened until it does.  So
every term of the tolerance stands for an error that differences really have; none is a number that made tests pass.
"""

import numpy as np

from optikit.objective import Objective
from optikit.types import Array

_PIECES = 64
"""Into which the way from x - h to x + h is cut where the function has a kink."""
_TABLE = 9
"""Values of which the noise is estimated."""


def wrong_coordinate(objective: Objective, x: Array, scale: float = 1.0, terms: float = 0.0) -> int | None:
    """Compare the exact gradient of an objective with central differences.

    Parameters
    ----------
    objective : Objective
        With a gradient of its own, and no bounds.
    x : ndarray, shape (n,)
        The point.
    scale : float
        The size of the parameters at which the function changes its shape, the unit of the steps: a step of 1e-5 is
        small for weights of 1, and beyond all bends of relu for weights of 1e-8.
    terms : float
        The size of the numbers that the value is made of, where it may be that they nearly cancel.

    Returns
    -------
    int or None
        The first coordinate in which the gradient is wrong.
    """
    value, exact = objective.value_and_grad(x)
    eps, size = float(np.finfo(x.dtype).eps), max(scale, float(abs(x).max()))
    h = eps ** (1 / 3) * size
    near, far = (_central(objective, x, step) for step in (h, 2 * h))
    largest = max(abs(value) + h * abs(near).max(), terms)
    # A value is rounded by eps of what it is computed from, which may be larger than itself: this noise is measured, in
    # directions that are nobody's, as along (1, 1, ...) a softmax does not change; in two, as steps of rounding are
    # seldom of equal length, but may be.
    directions = size * np.random.default_rng(0).uniform(-1, 1, size=(2, len(x)))
    noise = max(_noise(objective, x, direction) for direction in directions)
    rounding = (16 * eps * largest + 2 * noise) / h
    # Steps are rounded by eps of x, and h is eps^(1/3) of it; truncation shows as a difference between the steps.
    tolerance = 16 * eps ** (2 / 3) * (abs(exact) + abs(exact).max()) + rounding + 4 * abs(near - far)
    suspects = np.flatnonzero(~(abs(near - exact) <= tolerance))
    # A kink within h looks like a fault.  But kink or not, the changes of the function between x - h and x + h are the
    # integrals of its slope (the fundamental theorem of calculus), and the slope at x is one of the slopes.
    for i in suspects.tolist():
        values, slopes = _along(objective, x, i, h)
        mean = (slopes[:-1] + slopes[1:]) / 2
        missing = np.diff(values) / (2 * h) - mean / _PIECES
        # The two worst pieces do not count: with huge weights a unit goes all the way up within one of them.
        missing = missing[np.argsort(abs(missing))[:-2]]
        on_average = abs(missing.sum()) <= tolerance[i] + np.ptp(slopes) * 4 / _PIECES
        one_of_them = slopes.min() - tolerance[i] <= exact[i] <= slopes.max() + tolerance[i]
        if not (on_average and one_of_them):
            return i
    return None


def _central(objective: Objective, x: Array, h: float) -> Array:
    """Compute the central differences; the step is the one that is left after rounding."""
    steps = (x + np.asarray(h, dtype=x.dtype)) - x
    up, down = objective.sweep(x, steps)
    return ((up - down) / (2 * steps)).astype(np.float64)


def _noise(objective: Objective, x: Array, direction: Array) -> float:
    """Estimate the standard deviation of the noise of the values: high differences of what is smooth vanish."""
    spacing = float(np.finfo(x.dtype).eps) ** 0.5
    points = x + np.outer(spacing * (np.arange(_TABLE) - _TABLE // 2), direction)
    differences, factor, levels = objective.values(points.astype(x.dtype)), 1.0, list[float]()
    for k in range(1, _TABLE):
        differences = np.diff(differences)
        # The variance of a k-th difference of white noise is (2k)! / (k!)² times its own.
        factor *= k / (2 * (2 * k - 1))
        levels.append(float(np.sqrt(factor * np.mean(differences**2))))
    return max(levels[-3:])


def _along(objective: Objective, x: Array, i: int, h: float) -> tuple[Array, Array]:
    """Compute the values and exact slopes along coordinate i at points from x - h to x + h."""
    values, slopes = list[float](), list[float]()
    for t in np.linspace(-h, h, _PIECES + 1):
        moved = x.copy()
        moved[i] += t
        value, gradient = objective.value_and_grad(moved)
        values.append(value)
        slopes.append(float(gradient[i]))
    return np.array(values), np.array(slopes)
