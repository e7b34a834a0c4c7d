"""A budget: how much a run may spend."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    """Take 1e5 for 100000, as people write it, but no true or false."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=1)]


class Budget(BaseModel):
    """Limits of a run; the first one that is reached ends it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    max_evals: Count | None = None
    """Evaluations of the objective, difference quotients included; never exceeded."""
    max_steps: Count | None = None
    """Steps of the optimizer."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Wall-clock seconds; no evaluation begins after them."""
