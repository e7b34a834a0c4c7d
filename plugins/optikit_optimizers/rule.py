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

_BLOCK = 8192
"""Coordinates that are moved at once: what a formula leaves behind stays in the cache."""


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
    separable: ClassVar[bool] = True
    """Whether the move of a coordinate needs nothing of the others."""

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
            A new array; n may be a part of the coordinates if the rule is separable.
        """

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> RuleState:
        """Start with an empty memory."""
        return RuleState(x=x0.copy(), memory=np.zeros((self.rows, len(x0)), dtype=x0.dtype))

    @final
    def step(self, oracle: Oracle, state: RuleState) -> RuleState:
        """Ask for one gradient and make one move."""
        x, bounds = state.x, oracle.bounds if oracle.bounded else None
        value, gradient = oracle.value_and_grad(x)
        if (stop := self._stop(state, value, gradient, bounds)) is not None:
            state.stop = stop
            return state
        state.first = value if math.isnan(state.first) else state.first
        if self.schedule is not None:
            state.pace = self.schedule.advance(state.pace, value)
        rate = self.learning_rate * state.pace.factor
        state.count += 1
        if self.separable and len(x) > _BLOCK:
            for start in range(0, len(x), _BLOCK):
                part = slice(start, start + _BLOCK)
                sides = None if bounds is None else (bounds[0][part], bounds[1][part])
                self._go(Turn(x[part], gradient[part], state.count, rate), state.memory[:, part], sides)
        else:
            self._go(Turn(x, gradient, state.count, rate), state.memory, bounds)
        return state

    def _go(self, turn: Turn, memory: Array, bounds: tuple[Array, Array] | None) -> None:
        """Move x, or a part of it, in place."""
        x, move = turn.x, self.move(turn, memory)
        if self.weight_decay:
            move += turn.rate * self.weight_decay * x
        if bounds is None:
            x -= move
            return
        target = x - move
        np.clip(target, *bounds, out=x)
        if self.inertia:
            memory[0, x != target] = 0

    def _stop(self, state: RuleState, value: float, gradient: Array, bounds: tuple[Array, Array] | None) -> Stop | None:
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
        # The last, as the first weights of a network may belong to an input that is always zero.
        if bounds is None and abs(gradient.item(-1)) > self.gtol:
            return None  # as nearly always, without looking at the others
        free = gradient if bounds is None else np.where(stuck(state.x, gradient, *bounds), 0, gradient)
        if abs(free).max() <= self.gtol:
            arrived = math.isfinite(value)
            end = "." if arrived else ", but the value is inf."
            return Stop(arrived, f"No component of the gradient exceeds gtol = {self.gtol:g}{end}")
        return None


def blend(mean: Array, new: Array, keep: float) -> None:
    """Move a mean in place: keep a share of it, and take the rest from the new."""
    mean *= keep
    mean += (1 - keep) * new


def stuck(x: Array, gradient: Array, low: Array, high: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Find the coordinates at a bound out of which the way down leads."""
    return ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
