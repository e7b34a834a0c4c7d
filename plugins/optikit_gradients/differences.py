"""Difference quotients: the gradient of anything that can be evaluated.

Truncation falls with the step h and rounding grows with 1/h.  Where the user gives no `h`, the step balances them for
functions evaluated to full precision: eps^(1/2) for the forward, eps^(1/3) for the central formula, both times
max(1, |x_i|).
"""

import numpy as np
from pydantic import Field

from optikit import Array, GradientEstimator, InputError, Objective


class ForwardDifference(GradientEstimator):
    r"""Forward difference quotients: one more evaluation a coordinate.

    .. math:: g_i = (f(x + h e_i) - f(x)) / h

    Costs n + 1 evaluations; the error is of order h.  Where x + h would leave the bounds the step goes the other
    way, or only as far as the wider side allows.

    References
    ----------
    Nocedal and Wright (2006), "Numerical Optimization", 2nd edition, section 8.1.
    """

    name = "forward-difference"

    h: float | None = Field(default=None, gt=0)
    """Step; by default sqrt(eps) max(1, abs(x_i)), with the eps of the dtype of x."""

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Compare the value at `x` with that at one shifted point a coordinate."""
        low, high = objective.bounds(len(x))
        h = _step(x, self.h, 1 / 2)
        step = np.where(x + h <= high, h, np.where(x - h >= low, -h, _wider(x, low, high)))
        step = _representable(x, step, low, high)
        value = objective.value(x)
        change = objective.shifted(x, step) - value
        return value, _quotient(change, step).astype(x.dtype)


class CentralDifference(GradientEstimator):
    r"""Central difference quotients: two evaluations a coordinate, and an error of second order.

    .. math:: g_i = (f(x + h e_i) - f(x - h e_i)) / 2h

    Costs 2n + 1 evaluations.  Where one of the two points would leave the bounds, both are
    taken on the other side, at h and 2h, and the parabola through the three points gives the slope: the order stays.

    References
    ----------
    Nocedal and Wright (2006), "Numerical Optimization", 2nd edition, section 8.1.
    """

    name = "central-difference"

    h: float | None = Field(default=None, gt=0)
    """Step; by default eps^(1/3) max(1, abs(x_i)), with the eps of the dtype of x."""

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Compare the values on both sides of `x`, coordinate by coordinate."""
        low, high = objective.bounds(len(x))
        h = _step(x, self.h, 1 / 3)
        inside = (x + h <= high) & (x - h >= low)
        if inside.all():
            h = _representable(x, h, low, high)
            value = objective.value(x)
            up, down = objective.sweep(x, h)
            return value, ((up - down) / (2 * h)).astype(x.dtype)
        wider = _wider(x, low, high)
        far = np.where(inside, -h, np.where(abs(wider) >= 2 * h, np.copysign(2 * h, wider), wider))
        far = _representable(x, far, low, high)
        near = _made(x, np.where(inside, h, far / 2), low, high)
        near = np.where(near == 0, far, near)
        value = objective.value(x)
        to_near, to_far = objective.shifted(x, near) - value, objective.shifted(x, far) - value
        # The slope at 0 of the parabola through (0, 0), (near, to_near), (far, to_far); far = -near gives the above.
        # In a box of few floating-point numbers the two are one, and the chord must do.
        slope = _quotient(to_near * _quotient(far, near) - to_far * _quotient(near, far), far - near)
        return value, np.where(far == near, _quotient(to_far, far), slope).astype(x.dtype)


def _step(x: Array, h: float | None, power: float) -> Array:
    if h is not None:
        return np.full_like(x, h)
    return (np.finfo(x.dtype).eps ** power * np.maximum(1, abs(x))).astype(x.dtype)


def _wider(x: Array, low: Array, high: Array) -> Array:
    """Compute the signed distance to the bound that is further away."""
    return np.where(high - x >= x - low, high - x, low - x)


def _representable(x: Array, step: Array, low: Array, high: Array) -> Array:
    """Give the step that is really made, and refuse one that is none, except where the bounds leave no room."""
    made = _made(x, step, low, high)
    lost = (made == 0) & (low < high)
    if lost.any():
        i = int(np.argmax(lost))
        raise InputError(f"the difference step {step[i]:g} does not change x[{i}] = {x[i]:g}; give a larger h")
    return made


def _made(x: Array, step: Array, low: Array, high: Array) -> Array:
    """Round a step to the difference of two floating-point numbers inside the bounds."""
    made = np.clip(x + step, low, high) - x
    beyond = (x + made > high) | (x + made < low)
    return np.where(beyond, np.nextafter(made, 0), made).astype(x.dtype)


def _quotient(change: Array, step: Array) -> Array:
    """Divide, with zero for a step of zero: what cannot change has no slope."""
    return np.divide(change, step, out=np.zeros_like(change), where=step != 0)
