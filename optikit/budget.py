"""A budget: how much a run may spend."""

from typing import Annotated, Any, cast

import numpy as np
from pydantic import BeforeValidator, Field

from optikit.described import Described


def _whole(value: object) -> object:
    """Take 1e5 for 100000, as people write it, and NumPy's integers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return int(cast("np.integer[Any]", value)) if isinstance(value, np.integer) else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=1)]


class Budget(Described):
    """Limits of a run; the first one that is reached ends it."""

    max_evals: Count | None = None
    """Evaluations of the objective, difference quotients included; never exceeded."""
    max_grads: Count | None = None
    """Gradients that the optimizer is given, as `njev` counts them: one each, exact or made of differences.  Who asks
    for one more ends the run before anything is evaluated for it.  No limit to an optimizer that asks for none."""
    max_steps: Count | None = None
    """Steps of the optimizer, between which the run can end; so a solver that owns its loop takes no such limit."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Wall-clock seconds; no evaluation begins after them."""
    target: float | None = None
    """A value that is good enough: the run ends, with success, at the first evaluation at or below it, with constraints
    at a feasible point.  Values of minibatches do not count, so it needs an objective that is the same at every
    step."""

    @property
    def finite(self) -> bool:
        """Whether it ends every run: a target may never be reached, no gradient asked for, and a minibatch is none."""
        return bool(self.model_dump(exclude_none=True, exclude={"target", "max_grads", "batch_size"}))


class TrainingBudget(Budget):
    """Limits of a training."""

    epochs: Count | None = None
    """How often every sample is used."""
    batch_size: Count | None = None
    """Rows in the minibatch of a step; all by default."""
