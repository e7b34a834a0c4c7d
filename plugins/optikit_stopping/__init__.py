"""The built-in stopping rules."""

from optikit import hookimpl
from optikit_stopping.points import StepTolerance
from optikit_stopping.values import Patience, ValueTolerance

__all__ = ["Patience", "StepTolerance", "ValueTolerance"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the rules."""
    return [Patience, StepTolerance, ValueTolerance]
