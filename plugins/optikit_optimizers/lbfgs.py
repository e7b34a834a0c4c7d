"""L-BFGS: the curvature of the function, as far as the last few steps have shown it."""

from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_optimizers.descents import Descent, DescentState
from optikit_optimizers.line_search import Place, Way, strong_wolfe


@dataclass(kw_only=True, slots=True)
class LbfgsState(DescentState):
    """Steps and what they did to the gradient, the oldest first."""

    steps: list[Array] = field(default_factory=list[Array])
    changes: list[Array] = field(default_factory=list[Array])


class Lbfgs(Descent[LbfgsState]):
    r"""Limited-memory BFGS, with projected bounds: the first choice for a smooth function with a gradient.

    .. math:: d = -H g, \qquad H \text{ from the last } m \text{ pairs } s = x - x', \; y = g - g'

    H is the inverse Hessian that agrees with these pairs and is otherwise :math:`s^T y / y^T y` times the identity; it
    is never written out.  With bounds the same is done in the space of the coordinates that do not lean on one.

    References
    ----------
    Nocedal (1980), "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35; Liu and
    Nocedal (1989), "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45;
    bounds after Bertsekas (1982), "Projected Newton methods for optimization problems with simple constraints", SIAM
    Journal on Control and Optimization 20.
    """

    name = "lbfgs"

    memory: int = Field(default=20, ge=1)
    """Pairs m that are remembered."""
    curvature: float = Field(default=0.9, gt=1e-4, lt=1)
    """How much of the slope a line search may leave."""

    def begin(self, x0: Array) -> LbfgsState:
        """Know nothing yet."""
        return LbfgsState(x=x0)

    def direct(self, state: LbfgsState, gradient: Array) -> Array:
        """Multiply the gradient by the inverse Hessian, by Nocedal's two loops."""
        free, direction = gradient != 0, -gradient
        pairs = [(s * free, y * free) for s, y in zip(state.steps, state.changes, strict=True)]
        used: list[tuple[Array, Array, float, float]] = []
        for s, y in reversed(pairs):
            bend = float(s @ y)
            # A pair along which the slope did not grow says nothing about a minimum.
            if bend > _FLAT * float(np.linalg.norm(s) * np.linalg.norm(y)):
                share = float(s @ direction) / bend
                used.append((s, y, bend, share))
                direction = direction - share * y
        if not used:
            return direction
        _, y, bend, _ = used[0]
        direction *= bend / float(y @ y)
        for s, y, bend, share in reversed(used):
            direction += (share - float(y @ direction) / bend) * s
        return direction

    def search(self, way: Way, start: Place, t: float) -> Place | None:
        """Try the whole step first."""
        return strong_wolfe(way, start, t, self.curvature)

    def first(self, state: LbfgsState, direction: Array, slope: float) -> float:
        """Take the whole step, once there is a memory."""
        return 1.0 if state.steps else super().first(state, direction, slope)

    def learn(self, state: LbfgsState, step: Array, change: Array) -> None:
        """Keep the pair, and forget the oldest."""
        state.steps = [*state.steps, step][-self.memory :]
        state.changes = [*state.changes, change][-self.memory :]


_FLAT = 1e-10
"""Cosine of the angle between step and change of the gradient below which rounding decides."""
