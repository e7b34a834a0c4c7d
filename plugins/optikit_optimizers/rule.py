"""An update rule: one gradient a step, one move, and some memory of the gradients before.

All rules share what is not their idea: the schedule of the learning rate, weight decay, bounds, and when to stop.  So a
rule is its memory and one formula.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, NamedTuple, final

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, Pace, Part, Schedule, State, Stop, StopReason


@dataclass(kw_only=True, slots=True)
class RuleState(State):
    """Where a rule is, and what it remembers."""

    memory: Array
    """One row for each quantity that the rule keeps a coordinate, shape (rows, n); the rule's own, written in place."""
    count: int = 0
    """Moves made."""
    first: float = math.nan
    """The first value seen."""
    pace: Pace = field(default_factory=Pace)


class Turn(NamedTuple):
    """What a move is made of."""

    x: Array
    gradient: Array
    """Not to be written to, as `x`."""
    number: int
    """Which move it is, the first being 1."""
    rate: float
    """The learning rate of this step."""


class UpdateRule(Optimizer[RuleState]):
    """A move from one gradient and the memory of those before.

    It stops when no component of the gradient exceeds `gtol` (a component that points out of the box at a bound does
    not count), and when the loss has risen a thousandfold, which no convergent run does.  With bounds, x is clipped to
    them after every move, and what is clipped loses its momentum.
    """

    rows: ClassVar[int]
    """How many numbers are remembered a coordinate; zeros before the first move."""
    inertia: ClassVar[bool] = False
    """Whether the first of them is a momentum."""

    learning_rate: float = Field(default=0.01, gt=0)
    """Step length per unit of the direction."""
    schedule: Annotated[Schedule, Part("schedule")] | None = None
    """How the learning rate changes from step to step; constant if not given."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient (decoupled).  To make a
    penalty part of what is minimised, give `l2` to the problem instead."""
    gtol: float = Field(default=1e-8, ge=0)
    """Stop when the largest absolute component of the gradient is at most this."""

    @abstractmethod
    def move(self, turn: Turn, memory: Array) -> Array:
        """Compute what is subtracted from x.

        Parameters
        ----------
        turn : Turn
            Gradient, learning rate and count of the move.
        memory : ndarray, shape (rows, n)
            To be updated in place.

        Returns
        -------
        ndarray, shape (n,)
            A new array.
        """

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> RuleState:
        """Start with an empty memory."""
        return RuleState(x=x0, memory=np.zeros((self.rows, len(x0)), dtype=x0.dtype))

    @final
    def step(self, oracle: Oracle, state: RuleState) -> RuleState:
        """Ask for one gradient and make one move."""
        x, bounds = state.x, oracle.bounds if oracle.bounded else None
        value, gradient = oracle.value_and_grad(x)
        free = gradient if bounds is None else np.where(_stuck(x, gradient, *bounds), 0, gradient)
        if (stop := self._stop(state, value, free)) is not None:
            state.stop = stop
            return state
        state.first = value if math.isnan(state.first) else state.first
        if self.schedule is not None:
            state.pace = self.schedule.advance(state.pace, value)
        rate = self.learning_rate * state.pace.factor
        state.count += 1
        move = self.move(Turn(x, gradient, state.count, rate), state.memory)
        if self.weight_decay:
            move += rate * self.weight_decay * x
        state.x = target = x - move
        if bounds is not None:
            state.x = np.clip(target, *bounds)
            if self.inertia:
                state.memory[0, state.x != target] = 0
        return state

    def _stop(self, state: RuleState, value: float, free: Array) -> Stop | None:
        """Say whether it has arrived, or never will."""
        if math.isnan(state.first) and not math.isfinite(value):
            return Stop(False, "The value at the start is not finite; start where it is.")
        # One unit is added for losses that start near zero.
        if value - state.first > 1000 * (abs(state.first) + 1):
            message = (
                f"The loss rose from {state.first:.4g} to {value:.4g}: it diverges; "
                f"a learning_rate below {self.learning_rate:g} may help."
            )
            return Stop(False, message, StopReason.DIVERGED)
        if abs(free).max() <= self.gtol:
            arrived = math.isfinite(value)
            end = "." if arrived else ", but the value is inf."
            return Stop(arrived, f"No component of the gradient exceeds gtol = {self.gtol:g}{end}")
        return None


def _stuck(x: Array, gradient: Array, low: Array, high: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Find the coordinates at a bound out of which the way down leads."""
    return ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
