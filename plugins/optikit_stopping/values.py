"""Rules that look at the lowest value until now."""

import math
from dataclasses import dataclass
from typing import final

from pydantic import Field

from optikit import Answer, Stopping, StoppingState


@dataclass(kw_only=True, slots=True)
class Progress(StoppingState):
    """The last value that counted as progress, and when."""

    best: float = math.inf
    since: int = 0
    """Answers, or evaluations, since then, or at its time."""


class ValueTolerance(Stopping[Progress]):
    r"""Ends a run whose best value has hardly fallen for some answers.

    .. math:: f_\text{before} - f \le \text{absolute} + \text{relative} \, |f_\text{before}|

    An answer is a step of an update rule, and an evaluation of a search or a solver.
    """

    name = "ftol"

    relative: float = Field(default=1e-8, ge=0, lt=1)
    """How much it must fall to count as progress, relative to the best value before."""
    absolute: float = Field(default=1e-12, ge=0)
    """The same in the unit of the value; for minima at zero."""
    patience: int = Field(default=50, ge=1)
    """Answers without progress that are waited for."""

    @final
    def begin(self) -> Progress:
        """Know nothing yet."""
        return Progress()

    @final
    def look(self, state: Progress, answer: Answer) -> Progress:
        """Compare with the value before."""
        best = answer.best
        margin = self.absolute + self.relative * abs(state.best) if math.isfinite(state.best) else 0.0
        if best < state.best - margin:
            return Progress(best=best)
        state.since += 1
        if state.since >= self.patience:
            found = math.isfinite(best)
            said = f"The best value has fallen by {state.best - best:.3g} only" if found else "No value was found"
            state.said = f"{said} in {state.since:,} answers."
        return state


class Patience(Stopping[Progress]):
    """Ends a run that has found nothing better for so many evaluations, difference quotients included."""

    name = "patience"

    evaluations: int = Field(default=1000, ge=1)
    """Evaluations since the best point that are waited for."""

    @final
    def begin(self) -> Progress:
        """Know nothing yet."""
        return Progress()

    @final
    def look(self, state: Progress, answer: Answer) -> Progress:
        """Look when the best value has fallen the last time."""
        if answer.best < state.best:
            return Progress(best=answer.best, since=answer.nfev)
        if answer.nfev - state.since >= self.evaluations:
            state.said = f"Nothing better was found in {answer.nfev - state.since:,} evaluations."
        return state
