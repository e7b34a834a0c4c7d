"""An update rule: one gradient a step, one move, and some memory of the gradients before.

What is not its idea, all rules share: the schedule of the learning rate and weight decay here, bounds and when to stop
with the rules of other libraries.  So a rule is its memory and one formula.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, NamedTuple, final

import numpy as np
from pydantic import Field

from optikit import Array, Bounds, GradientRule, GradientRuleState, Pace, Part, Schedule

_BLOCK = 8192
"""Coordinates that are moved at once: what a formula leaves behind stays in the cache."""


@dataclass(kw_only=True, slots=True)
class RuleState(GradientRuleState):
    """Where a rule is, and what it remembers."""

    memory: Array
    """One row for each quantity that the rule keeps a coordinate, shape (rows, n); the rule's own, written in place."""
    count: int = 0
    """Moves made."""
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


class UpdateRule(GradientRule[RuleState]):
    """A move from one gradient and the memory of those before; authors write `formula`.

    It stops as every `GradientRule` does.  What is clipped to the bounds loses its momentum.
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

    @abstractmethod
    def formula(self, turn: Turn, memory: Array) -> Array:
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
    def move(self, state: RuleState, value: float, gradient: Array) -> Array:
        """Apply the formula, to a part of the coordinates at a time where they are many."""
        if self.schedule is not None:
            state.pace = self.schedule.advance(state.pace, value)
        x, rate = state.x, self.learning_rate * state.pace.factor
        state.count += 1
        if self.separable and len(x) > _BLOCK:
            for start in range(0, len(x), _BLOCK):
                part = slice(start, start + _BLOCK)
                self._go(Turn(x[part], gradient[part], state.count, rate), state.memory[:, part])
        else:
            self._go(Turn(x, gradient, state.count, rate), state.memory)
        return x

    def _go(self, turn: Turn, memory: Array) -> None:
        """Move x, or a part of it, in place."""
        x, move = turn.x, self.formula(turn, memory)
        if self.weight_decay:
            move += turn.rate * self.weight_decay * x
        x -= move

    @final
    def clip(self, state: RuleState, x: Array, bounds: Bounds) -> Array:
        """Take the momentum from coordinates that are clipped."""
        inside = super().clip(state, x, bounds)
        if self.inertia:
            state.memory[0, inside != x] = 0
        return inside


def blend(mean: Array, new: Array, keep: float) -> None:
    """Move a mean in place: keep a share of it, and take the rest from the new."""
    mean *= keep
    mean += (1 - keep) * new
