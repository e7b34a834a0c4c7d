"""Difference quotients: the gradient of anything that can be evaluated.

Truncation falls with the step h and rounding grows with 1/h.  Where the user gives no `h`, the step balances them for
functions evaluated to full precision: eps^(1/2) for the forward, eps^(1/3) for the central formula, both times
max(1, |x_i|).
"""

import numpy as np
from pydantic import Field

from optikit import Array, GradientEstimator, InputError, Objective


class ForwardDifference(GradientEstimator):
    r"""Forward difference, :math:`(f(x + h e_i) - f(x)) / h`.

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
        return value, ((objective.shifted(x, step) - value) / step).astype(x.dtype)


class CentralDifference(GradientEstimator):
    r"""Central difference, :math:`(f(x + h e_i) - f(x - h e_i)) / 2h`.

    Costs 2n + 1 evaluations; the error is of order h².  Where one of the two points would leave the bounds, both are
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
        value = objective.value(x)
        inside = (x + h <= high) & (x - h >= low)
        if inside.all():
            h = _representable(x, h, low, high)
            up, down = objective.sweep(x, h)
            return value, ((up - down) / (2 * h)).astype(x.dtype)
        wider = _wider(x, low, high)
        one_sided = np.where(abs(wider) >= 2 * h, np.copysign(h, wider), wider / 2)
        near = np.where(inside, h, _representable(x, one_sided, low, high))
        far = np.where(inside, -h, _representable(x, 2 * one_sided, low, high))
        to_near, to_far = objective.shifted(x, near) - value, objective.shifted(x, far) - value
        # The slope at 0 of the parabola through (0, 0), (near, to_near), (far, to_far); far = -near gives the above.
        return value, ((to_near * far / near - to_far * near / far) / (far - near)).astype(x.dtype)


def _step(x: Array, h: float | None, power: float) -> Array:
    if h is not None:
        return np.full_like(x, h)
    return (np.finfo(x.dtype).eps ** power * np.maximum(1, abs(x))).astype(x.dtype)


def _wider(x: Array, low: Array, high: Array) -> Array:
    """Compute the signed distance to the bound that is further away."""
    return np.where(high - x >= x - low, high - x, low - x)


def _representable(x: Array, step: Array, low: Array, high: Array) -> Array:
    """Round the step to one that is really made: the difference of two numbers inside the bounds."""
    step = np.clip(x + step, low, high) - x
    beyond = (x + step > high) | (x + step < low)
    step = np.where(beyond, np.nextafter(step, 0), step).astype(x.dtype)
    if not step.all():
        i = int(np.argmin(abs(step)))
        raise InputError(f"the difference step does not change x[{i}] = {x[i]:g}; give a larger h, or wider bounds")
    return step
