"""A rule that looks at where the optimizer asks, and at no value, so that minibatches do not mind it."""

from dataclasses import dataclass
from typing import final

import numpy as np
from pydantic import Field

from optikit import Answer, Array, Stopping, StoppingState


@dataclass(kw_only=True, slots=True)
class Place(StoppingState):
    """Where the optimizer was when it last moved."""

    x: Array | None = None
    since: int = 0
    """Answers since then."""


class StepTolerance(Stopping[Place]):
    r"""Ends a run that has asked nothing but points next to each other for some answers.

    .. math:: |x_i - x_{\text{before},i}| \le \text{absolute} + \text{relative} \, |x_{\text{before},i}|
        \quad \text{for all } i

    An answer is a step of an update rule, a generation of a population, and an evaluation of a search or a solver.
    """

    name = "xtol"

    relative: float = Field(default=1e-8, ge=0, lt=1)
    """How far a parameter must go to count as moved, relative to its size."""
    absolute: float = Field(default=1e-8, ge=0)
    """The same in the unit of the parameters, or of their scales."""
    patience: int = Field(default=50, ge=1)
    """Answers without a move that are waited for."""

    @final
    def begin(self) -> Place:
        """Know nothing yet."""
        return Place()

    @final
    def look(self, state: Place, answer: Answer) -> Place:
        """Compare with the point before."""
        x = state.x
        if x is None or (abs(answer.points - x) > self.absolute + self.relative * abs(x)).any():
            return Place(x=np.array(answer.points[-1]))
        state.since += 1
        if state.since >= self.patience:
            far = float(abs(answer.points - x).max())
            state.said = f"It has moved by no more than its tolerance in {state.since:,} answers, now by {far:.3g}."
        return state
