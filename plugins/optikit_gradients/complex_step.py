"""The complex step: a derivative without a difference, and so without cancellation."""

import numpy as np

from optikit import Array, GradientEstimator, Objective, ObjectiveError


class ComplexStep(GradientEstimator):
    r"""Complex steps: the slope to machine precision, of functions that take complex numbers.

    .. math:: g_i = \operatorname{Im} f(x + i h e_i) / h

    Costs n + 3 evaluations.  Nothing is subtracted, so h is as small as 1e-20 and the result exact up to rounding,
    for functions written in analytic operations.  One that drops the imaginary part is refused; one that
    drops some of it (``abs``, ``conj``, ``.real``) on the way is found by comparing the slope along a random diagonal
    with real differences, which the last two evaluations are for.

    References
    ----------
    Squire and Trapp (1998), "Using complex variables to estimate derivatives of real functions", SIAM Review 40(1).
    Martins, Sturdza and Alonso (2003), "The complex-step derivative approximation", ACM TOMS 29(3).
    """

    name = "complex-step"

    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Evaluate a little off the real axis, coordinate by coordinate."""
        value = objective.value(x)
        h = np.maximum(np.sqrt(np.finfo(x.dtype).tiny), 1e-20 * np.minimum(1, abs(x))).astype(x.dtype)
        gradient = np.empty(len(x))
        for i in range(len(x)):
            point = x.astype(np.result_type(x.dtype, np.complex64))
            point[i] += 1j * h[i]
            gradient[i] = objective.complex_values(point[None])[0].imag / float(h[i])
        self._refuse_what_is_not_analytic(objective, x, value, gradient, rng)
        return value, gradient.astype(x.dtype)

    def cost(self, n: int) -> int:
        """Count x, a complex point a coordinate, and two real points."""
        return n + 3

    def _refuse_what_is_not_analytic(
        self, objective: Objective, x: Array, value: float, gradient: Array, rng: np.random.Generator
    ) -> None:
        low, high = objective.bounds(len(x))
        eps = float(np.finfo(x.dtype).eps)
        # In units of x, not of max(1, |x|): a function may well end within 1e-8 of a point of that size.
        size = np.where(x == 0, abs(x[x != 0]).min(initial=1), abs(x))
        t = eps ** (1 / 3) * size * rng.uniform(0.5, 1, size=len(x))
        room = np.maximum(high - x, x - low)
        t = np.minimum(t, room / 2) * np.where(high - x >= x - low, 1, -1)
        near, far = (np.clip(x + step, low, high).astype(x.dtype) for step in (t, 2 * t))
        up, further = objective.values(np.stack([near, far]))
        if not np.isfinite([value, up, further]).all():
            return
        # Each difference belongs to a direction of its own, as rounding and bounds bend them.
        misses = [
            other - value - float(gradient @ (point.astype(np.float64) - x))
            for other, point in ((up, near), (further, far))
        ]
        # Without an error of the slope the second is four times the first; with one, twice.
        slope = abs(4 * misses[0] - misses[1]) / 2
        largest = max(abs(value), abs(up), abs(further))
        expected = abs(gradient) @ abs(near - x)
        if slope > 8 * eps**0.25 * (expected + max(abs(up - value), abs(misses[0]))) + 64 * eps * largest:
            raise ObjectiveError(
                "the slope by complex steps is not that of real differences, so the objective loses imaginary parts "
                "on the way (abs, conj, .real or a table do); pass gradient='richardson' or 'central-difference'"
            )
