"""The built-in schedules of learning rates."""

from optikit import hookimpl
from optikit_schedules.plateau import ReduceOnPlateau
from optikit_schedules.timed import Constant, Cosine, Exponential, OneCycle, StepDecay
from optikit_schedules.warm_up import WarmUp

__all__ = ["Constant", "Cosine", "Exponential", "OneCycle", "ReduceOnPlateau", "StepDecay", "WarmUp"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the schedules."""
    return [Constant, Cosine, Exponential, OneCycle, ReduceOnPlateau, StepDecay, WarmUp]
