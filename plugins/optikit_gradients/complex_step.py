"""The complex step: a derivative without a difference, and so without cancellation."""

import numpy as np

from optikit import Array, GradientEstimator, Objective, ObjectiveError


class ComplexStep(GradientEstimator):
    r"""Complex steps: the slope to machine precision, of functions that take complex numbers.

    .. math:: g_i = \operatorname{Im} f(x + i h e_i) / h

    Costs n + 3 evaluations, at most n + 9.  Nothing is subtracted, so h is as small as 1e-20 and the result exact up to
    rounding, for functions written in analytic operations.  One that drops the imaginary part is refused.  One that
    drops some of it (``abs``, ``conj``, ``.real``) on the way is found by comparing the slope along a random diagonal
    with real differences, for two evaluations; the coordinates without any slope have a diagonal of their own, for
    another two.  Before a function is refused, each is looked at again with a shorter step.  What is lost where
    a slope is left is found if it is more than about a thousandth of the slope along the diagonal.

    References
    ----------
    Squire and Trapp (1998), "Using complex variables to estimate derivatives of real functions", SIAM Review 40(1).
    Martins, Sturdza and Alonso (2003), "The complex-step derivative approximation", ACM TOMS 29(3).
    """

    name = "complex-step"

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Evaluate a little off the real axis, coordinate by coordinate."""
        value = objective.value(x)
        if not np.isfinite(value):
            return value, np.full_like(x, np.nan)
        h = np.maximum(np.sqrt(np.finfo(x.dtype).tiny), 1e-20 * np.minimum(1, abs(x))).astype(x.dtype)
        gradient = np.empty(len(x))
        for i in range(len(x)):
            point = x.astype(np.result_type(x.dtype, np.complex64))
            point[i] += 1j * h[i]
            gradient[i] = objective.complex_values(point[None])[0].imag / float(h[i])
        # In units of x, not of max(1, |x|): a function may well end within 1e-8 of a point of that size.
        size = np.where(x == 0, abs(x[x != 0]).min(initial=1), abs(x)) * rng.uniform(0.5, 1, size=len(x))
        silent = gradient == 0
        for part in [silent | True, silent] if silent.any() and not silent.all() else [silent | True]:
            _refuse_what_is_not_analytic(objective, x, value, gradient, size * part)
        return value, gradient.astype(x.dtype)

    def cost(self, n: int) -> int:
        """Count x, a complex point a coordinate, and two real points for each of two steps along two diagonals."""
        return n + 9


def _refuse_what_is_not_analytic(objective: Objective, x: Array, value: float, gradient: Array, way: Array) -> None:
    """Compare the slope along a way with real differences."""
    eps = float(np.finfo(x.dtype).eps)
    miss = _miss(objective, x, value, gradient, eps ** (1 / 3) * way)
    # A shorter step mends a difference that was too long, and not a slope that is lost.
    if miss > 0 and _miss(objective, x, value, gradient, eps ** (1 / 2) * way) > miss / 2:
        raise ObjectiveError(
            "the slope by complex steps is not that of real differences, so the objective loses imaginary parts "
            "on the way (abs, conj, .real or a table do); pass gradient='richardson' or 'central-difference'"
        )


def _miss(objective: Objective, x: Array, value: float, gradient: Array, t: Array) -> float:
    """Estimate the slope that the gradient lacks along a step; 0 where rounding and curvature explain it."""
    low, high = objective.bounds(len(x))
    eps = float(np.finfo(x.dtype).eps)
    room = np.maximum(high - x, x - low)
    t = np.minimum(t, room / 2) * np.where(high - x >= x - low, 1, -1)
    near, far = (np.clip(x + step, low, high).astype(x.dtype) for step in (t, 2 * t))
    up, further = objective.values(np.stack([near, far]))
    if not np.isfinite([up, further]).all():
        return 0.0
    # Each difference belongs to a direction of its own, as rounding and bounds bend them.
    first, second = (
        there - value - float(gradient @ (point.astype(np.float64) - x))
        for there, point in [(up, near), (further, far)]
    )
    # Without an error of the slope the second is four times the first; with one, twice.
    slope = abs(4 * first - second) / 2
    largest = max(abs(value), abs(up), abs(further))
    expected = abs(gradient) @ abs(near - x)
    if slope <= 8 * eps**0.25 * (expected + max(abs(up - value), abs(first))) + 64 * eps * largest:
        return 0.0
    return float(slope / abs(near - x).sum())
