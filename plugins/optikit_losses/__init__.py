"""The built-in losses."""

from optikit import hookimpl
from optikit_losses.cross_entropy import CrossEntropy
from optikit_losses.mean_squared_error import MeanSquaredError

__all__ = ["CrossEntropy", "MeanSquaredError"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the losses."""
    return [CrossEntropy, MeanSquaredError]
