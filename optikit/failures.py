"""What to do about evaluations that fail: the objective raises, hangs, or gives something that is no finite number."""

import math
from typing import Any, Literal, TypeAlias, cast

from pydantic import Field, ValidationError

from optikit.component import explain
from optikit.described import Described
from optikit.errors import InputError

Action: TypeAlias = Literal["raise", "skip", "penalise"]
"""``raise`` ends the run with an error.  ``skip`` tells the optimizer +inf: there is no value here.  ``penalise`` tells
it a finite value that is worse than all before, for optimizers that reckon with values; where a gradient was asked for,
or no value is known yet, it is told +inf all the same."""


class Failures(Described):
    """What an optimizer is told of an evaluation that failed; it counts as an evaluation."""

    error: Action = "raise"
    """If the objective raises, returns what is no real number, or hangs."""
    nan: Action = "skip"
    """If it returns NaN."""
    inf: Action = "skip"
    """If it returns +inf."""
    minus_inf: Action = "raise"
    """If it returns -inf, which nothing can beat."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds after which an evaluation has failed; its worker is ended.  Only workers can be ended, so this needs
    `workers`."""
    retries: int = Field(default=2, ge=0)
    """How often an evaluation is tried again whose worker has died: that may not have been the fault of the point."""

    def action(self, value: float, *, failed: bool) -> Action:
        """Say what happens to an answer that is no finite number, or of an evaluation that raised or hung."""
        if failed:
            return self.error
        if math.isnan(value):
            return self.nan
        return self.inf if value > 0 else self.minus_inf

    @staticmethod
    def penalty(worst: float) -> float:
        """Give what ``penalise`` tells in place of a value: `worst` is the highest until then, -inf if none is."""
        return worst + max(1.0, abs(worst)) if worst > -math.inf else math.inf


def returned(value: float) -> str:
    """Say what was returned that is no finite number."""
    return f"returned {'NaN' if math.isnan(value) else '+inf' if value > 0 else '-inf'}"


def read_failures(given: Any) -> Failures:
    """Read what users pass as `on_error`: an action for `error`, or all of it.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(given, Failures):
        return given
    try:
        return Failures(**cast("dict[str, Any]", given)) if isinstance(given, dict) else Failures(error=given)
    except (TypeError, ValidationError) as error:
        said = explain(error)[0][1] if isinstance(error, ValidationError) else "must have names"
        raise InputError(
            f"on_error is {given!r}, which {said}; pass 'raise', 'skip' or 'penalise', "
            "or a table of them, such as {'nan': 'penalise'}"
        ) from None
