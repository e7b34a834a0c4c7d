"""Difference quotients: the gradient of anything that can be evaluated.

Truncation falls with the step h and rounding grows with 1/h.  Where the user gives no `h`, the step balances them for
functions evaluated to full precision: eps^(1/2) for the one-sided, eps^(1/3) for the central formula, both times
max(1, |x_i|).
"""

import numpy as np
from pydantic import Field

from optikit import Array, GradientEstimator, Objective
from optikit_gradients import steps


def one_sided(objective: Objective, x: Array, h: Array) -> tuple[float, Array]:
    """Compare the value at `x` with that at one shifted point a coordinate.

    Where x + h would leave the bounds the step goes the other way, or only as far as the wider side allows.
    """
    step = one_sided_step(objective, x, h)
    value = objective.value(x)
    change = steps.minus(objective.shifted(x, step), value)
    return value, steps.quotient(change, step).astype(x.dtype)


def one_sided_step(objective: Objective, x: Array, h: Array) -> Array:
    """Give the steps of the one-sided formula."""
    low, high = objective.bounds(len(x))
    fits, fits_back = ((low <= x + step) & (x + step <= high) for step in (h, -h))
    step = np.where(fits, h, np.where(fits_back, -h, steps.wider(x, low, high)))
    return steps.representable(objective, x, step)


def central(objective: Objective, x: Array, h: Array) -> tuple[float, Array]:
    """Compare the values on both sides of `x`, coordinate by coordinate."""
    low, high = objective.bounds(len(x))
    inside = (x + h <= high) & (x - h >= low)
    if inside.all():
        h = steps.representable(objective, x, h)
        value = objective.value(x)
        up, down = objective.sweep(x, h)
        return value, (steps.minus(up, down) / (2 * h)).astype(x.dtype)
    near, far = central_steps(objective, x, h)
    value = objective.value(x)
    to_near, to_far = (steps.minus(objective.shifted(x, step), value) for step in (near, far))
    # The slope at 0 of the parabola through (0, 0), (near, to_near), (far, to_far); far = -near gives the above.
    # In a box of few floating-point numbers the two are one, and the chord must do.
    weighted = steps.minus(to_near * steps.quotient(far, near), to_far * steps.quotient(near, far))
    slope = steps.quotient(weighted, far - near)
    return value, np.where(far == near, steps.quotient(to_far, far), slope).astype(x.dtype)


def central_steps(objective: Objective, x: Array, h: Array) -> tuple[Array, Array]:
    """Give both steps of the central formula: opposite ones, or near a bound two to one side."""
    low, high = objective.bounds(len(x))
    inside, wider = (x + h <= high) & (x - h >= low), steps.wider(x, low, high)
    far = np.where(inside, -h, np.where(abs(wider) >= 2 * h, np.copysign(2 * h, wider), wider))
    far = steps.representable(objective, x, far)
    near = steps.made(x, np.where(inside, h, far / 2), low, high)
    return np.where(near == 0, far, near), far


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
        """Compare the value at `x` with that at one point above a coordinate."""
        return one_sided(objective, x, steps.scaled(x, self.h, 1 / 2))

    def cost(self, n: int) -> int:
        """Count x, and a shifted point a coordinate."""
        return 1 + n


class BackwardDifference(GradientEstimator):
    r"""Backward difference quotients: forward ones with the shifted point below.

    .. math:: g_i = (f(x) - f(x - h e_i)) / h

    Costs n + 1 evaluations; the error is of order h.  Where x - h would leave the bounds the step goes the other
    way, or only as far as the wider side allows.

    References
    ----------
    Nocedal and Wright (2006), "Numerical Optimization", 2nd edition, section 8.1.
    """

    name = "backward-difference"

    h: float | None = Field(default=None, gt=0)
    """Step; by default sqrt(eps) max(1, abs(x_i)), with the eps of the dtype of x."""

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Compare the value at `x` with that at one point below a coordinate."""
        return one_sided(objective, x, -steps.scaled(x, self.h, 1 / 2))

    def cost(self, n: int) -> int:
        """Count x, and a shifted point a coordinate."""
        return 1 + n


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
        return central(objective, x, steps.scaled(x, self.h, 1 / 3))

    def cost(self, n: int) -> int:
        """Count x, and two shifted points a coordinate."""
        return 1 + 2 * n
