"""A gradient rule: one gradient a step, and one move.

What such rules share, whoever wrote them, is when to stop and how to stay inside bounds: at the gradient's end, at a
start without a value, where the loss explodes, and by clipping.  So a rule of another library is its move.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar, final

import numpy as np
from pydantic import Field

from optikit.bounds import Bounds, stuck
from optikit.optimizer import Optimizer, State
from optikit.oracle import Oracle
from optikit.stop import Stop, StopReason
from optikit.types import Array


@dataclass(kw_only=True, slots=True)
class GradientRuleState(State):
    """Where a rule is; rules that remember more derive from it."""

    first: float = math.nan
    """The first value seen."""


R = TypeVar("R", bound=GradientRuleState)


class GradientRule(Optimizer[R]):
    """Moves by one gradient a step; authors write `init` and `move`.

    It stops when no component of the gradient exceeds `gtol` (a component that points out of the box at a bound does
    not count), and when the loss has risen a thousandfold, which no convergent run does.  With bounds, x is clipped to
    them after every move.
    """

    rate: ClassVar[str] = "learning_rate"
    """The field with the learning rate, which is named where the loss explodes."""

    gtol: float = Field(default=1e-8, ge=0)
    """Stop when the largest absolute component of the gradient is at most this."""

    @abstractmethod
    def move(self, state: R, value: float, gradient: Array) -> Array:
        """Go one step, and update all that is remembered.

        Parameters
        ----------
        state : GradientRuleState
            To be updated in place, apart from `x`, which may be written to, too.
        value : float
            The value at ``state.x``; may be infinite.
        gradient : ndarray, shape (n,)
            Its gradient; the rule's own.

        Returns
        -------
        ndarray, shape (n,)
            Where to go, in the dtype of x; what is outside the bounds is clipped.
        """

    @final
    def step(self, oracle: Oracle, state: R) -> R:
        """Ask for one gradient, and stop or move."""
        bounds = oracle.bounds if oracle.bounded else None
        value, gradient = oracle.value_and_grad(state.x)
        if math.isnan(state.first):
            state.first = value
        state.stop = self._stop(state, value, gradient, bounds)
        if state.stop is None:
            x = self.move(state, value, gradient)
            state.x = x if bounds is None else self.clip(state, x, bounds)
        return state

    def clip(self, state: R, x: Array, bounds: Bounds) -> Array:
        """Bring the point that a move led to inside the bounds; who has a momentum may take it back there."""
        return np.clip(x, *bounds)

    def _stop(self, state: R, value: float, gradient: Array, bounds: Bounds | None) -> Stop | None:
        """Say whether it has arrived, or never will."""
        if not math.isfinite(state.first):
            return Stop(False, "The value at the start is not finite; start where it is.")
        # One unit is added for losses that start near zero.
        if value - state.first > 1000 * (abs(state.first) + 1):
            said = f"The loss rose from {state.first:.4g} to {value:.4g}: it diverges"
            remedy = f"a {self.rate} below {getattr(self, self.rate):g} may help"
            return Stop(False, f"{said}; {remedy}.", StopReason.DIVERGED)
        # The last, as the first weights of a network may belong to an input that is always zero.
        if bounds is None and abs(gradient.item(-1)) > self.gtol:
            return None  # as nearly always, without looking at the others
        free = gradient if bounds is None else np.where(stuck(state.x, gradient, bounds), 0, gradient)
        if abs(free).max() <= self.gtol:
            arrived = math.isfinite(value)
            end = "." if arrived else ", but the value is inf."
            return Stop(arrived, f"No component of the gradient exceeds gtol = {self.gtol:g}{end}")
        return None
