"""A schedule that looks at the values."""

import math
from typing import final

from pydantic import Field

from optikit import Pace, Schedule


class ReduceOnPlateau(Schedule):
    """The learning rate falls by a factor whenever the value has not become lower for some steps.

    With minibatches the value is that of the minibatch of the step, so `patience` should be some epochs long.
    """

    name = "reduce-on-plateau"

    decay: float = Field(default=0.1, gt=0, lt=1)
    """What it falls by."""
    patience: int = Field(default=10, ge=1)
    """Steps without progress that are waited for."""
    progress: float = Field(default=1e-4, ge=0, lt=1)
    """How much lower a value must be to count, relative to the best one."""
    floor: float = Field(default=0.0, ge=0, le=1)
    """The lowest factor."""

    @final
    def advance(self, pace: Pace, value: float) -> Pace:
        """Compare with the best value."""
        step, margin = pace.step + 1, self.progress * abs(pace.best) if math.isfinite(pace.best) else 0.0
        if value < pace.best - margin:
            return Pace(step=step, factor=pace.factor, best=value)
        if pace.waited + 1 < self.patience:
            return Pace(step=step, factor=pace.factor, best=pace.best, waited=pace.waited + 1)
        return Pace(step=step, factor=max(self.decay * pace.factor, self.floor), best=pace.best)
