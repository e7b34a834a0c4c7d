"""Line searches: how far to go along a direction, by looking.

Along the direction the function is f(t) = f(x + t d), its slope that of the gradient.  With bounds the way bends along
them, x(t) is clipped, and only the decrease can be asked for.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optikit import Array, Oracle

DECREASE = 1e-4
"""Share of the decrease that the slope promises (c1 of the Wolfe conditions)."""
_MOST = 30
"""Points tried along one direction."""


class Place(NamedTuple):
    """A point on the way."""

    t: float
    x: Array
    value: float
    gradient: Array
    slope: float
    """Along the way, which ends for a coordinate at its bound; NaN where the gradient is not finite."""


Way = Callable[[float], Place]


def along(oracle: Oracle, x: Array, direction: Array) -> Way:
    """Give the function along a direction, clipped to the bounds."""
    low, high = oracle.bounds

    def place(t: float) -> Place:
        point = np.clip(x + t * direction, low, high).astype(x.dtype)
        value, gradient = oracle.value_and_grad(point)
        if not math.isfinite(value):
            return Place(t, point, value, gradient, math.nan)
        moving = (low < point) & (point < high)
        return Place(t, point, value, gradient, float(gradient @ (direction * moving)))

    return place


def armijo(way: Way, start: Place, t: float) -> Place | None:
    """Halve the step until the value falls by a share of what the slope promises; lengthen one that is far too short.

    Parameters
    ----------
    way : callable
        The function along the direction.
    start : Place
        Where t is 0; its slope is negative.
    t : float
        First step to try.

    Returns
    -------
    Place or None
        None if no such step is found: the direction leads down by no more than rounding.

    References
    ----------
    Armijo (1966), "Minimization of functions having Lipschitz continuous first partial derivatives", Pacific Journal of
    Mathematics 16; along a bent way Bertsekas (1976).
    """
    for tried in range(_MOST):
        place = way(t)
        if place.value < start.value and place.value <= start.value + DECREASE * _promised(start, place):
            return _further(way, start, place, _MOST - tried)
        t *= _shorter(start, place) if math.isfinite(place.value) else 0.1
    return None


def _further(way: Way, start: Place, place: Place, left: int) -> Place:
    """Go on as long as the way leads down almost as steeply as at its start: the step was far too short."""
    while left and place.slope < 0.9 * start.slope:
        further, left = way(4 * place.t), left - 1
        if not further.value < place.value or np.array_equal(further.x, place.x):
            break
        place = further
    return place


def strong_wolfe(way: Way, start: Place, t: float, curvature: float) -> Place | None:
    """Find a step with enough decrease, and a slope that is small on either side.

    Parameters
    ----------
    way : callable
        The function along the direction.
    start : Place
        Where t is 0; its slope is negative.
    t : float
        First step to try.
    curvature : float
        How much of the first slope may be left (c2 of the Wolfe conditions).

    Returns
    -------
    Place or None
        None if no such step is found.

    References
    ----------
    Nocedal and Wright (2006), "Numerical optimization", algorithms 3.5 and 3.6, with cubic interpolation.
    """
    before, left = start, _MOST
    while left:
        place, left = way(t), left - 1
        if not _low_enough(start, place) or (before is not start and place.value >= before.value):
            return _zoom(way, start, before, place, curvature, left)
        if abs(place.slope) <= -curvature * start.slope:
            return place
        if place.slope >= 0:
            return _zoom(way, start, place, before, curvature, left)
        before, t = place, 4 * t
    return None


def _zoom(way: Way, start: Place, low: Place, high: Place, curvature: float, left: int) -> Place | None:
    """Shrink an interval around such a step; `low` is its end with enough decrease and the lower value."""
    for _ in range(left):
        place = way(_between(low, high))
        if not _low_enough(start, place) or place.value >= low.value:
            high = place
        else:
            if abs(place.slope) <= -curvature * start.slope:
                return place
            if place.slope * (high.t - low.t) >= 0:
                high = low
            low = place
        if abs(high.t - low.t) <= 1e-12 * max(abs(high.t), abs(low.t)):
            break
    # Rounding may hide the step that was looked for; a lower value is worth having.
    return low if low is not start else None


def _low_enough(start: Place, place: Place) -> bool:
    return math.isfinite(place.value) and place.value <= start.value + DECREASE * place.t * start.slope


def _promised(start: Place, place: Place) -> float:
    """Compute what the first slope promises for the way really gone."""
    return float(start.gradient @ (place.x - start.x))


def _shorter(start: Place, place: Place) -> float:
    """Compute the minimum of the parabola through both values and the first slope, as a share of the step."""
    fall = start.slope * place.t
    bend = place.value - start.value - fall
    return float(np.clip(-fall / (2 * bend), 0.1, 0.5)) if bend > 0 else 0.5


def _between(low: Place, high: Place) -> float:
    """Compute the minimum of the cubic through both ends, well inside of them."""
    width, middle = high.t - low.t, (low.t + high.t) / 2
    if not all(map(math.isfinite, (high.value, high.slope, low.slope))):
        return low.t + 0.1 * width
    d = low.slope + high.slope - 3 * (high.value - low.value) / width
    root = d * d - low.slope * high.slope
    if root < 0:
        return middle
    root = math.copysign(math.sqrt(root), width)
    bottom = high.slope - low.slope + 2 * root
    t = high.t - width * (high.slope + root - d) / bottom if bottom else middle
    inside = abs(t - middle) <= 0.4 * abs(width)
    return t if math.isfinite(t) and inside else (low.t + 0.1 * width if abs(t - low.t) < abs(t - high.t) else middle)
