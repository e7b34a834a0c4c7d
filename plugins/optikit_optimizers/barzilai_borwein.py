"""Barzilai and Borwein's gradient descent, which finds its step length from the step before."""

from typing import ClassVar

from pydantic import Field

from optikit import Array
from optikit_optimizers.rule import Turn, UpdateRule

_LONGEST = 1e10


class BarzilaiBorwein(UpdateRule):
    r"""Gradient descent whose step length makes the last change of the gradient a secant equation.

    .. math:: \eta = \frac{s^T s}{s^T y} \text{ or } \frac{s^T y}{y^T y} \text{ in turns}, \qquad
              s = x - x', \; y = g - g'

    The loss does not fall in every step.  Where the curvature along the step is not positive, and in the first step,
    the length is `learning_rate`.  There is no line search: far from a minimum of a function that is not convex it may
    wander off.

    References
    ----------
    Barzilai and Borwein (1988), "Two-point step size gradient methods", IMA Journal of Numerical Analysis 8;
    alternating as in Dai and Fletcher (2005), "Projected Barzilai-Borwein methods", Numerische Mathematik 100.
    """

    name = "barzilai-borwein"
    rows: ClassVar[int] = 2
    separable: ClassVar[bool] = False

    learning_rate: float = Field(default=1e-3, gt=0)
    """Step length of the first step and where there is no curvature; a schedule multiplies all lengths."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Compute the length from the differences."""
        length = self.learning_rate
        if turn.number > 1:
            s, y = turn.x - memory[0], turn.gradient - memory[1]
            curvature = float(s @ y)
            if curvature > 0:
                odd = float(s @ s) / curvature
                length = min(odd if turn.number % 2 else curvature / float(y @ y), _LONGEST)
        memory[0], memory[1] = turn.x, turn.gradient
        return turn.rate / self.learning_rate * length * turn.gradient
