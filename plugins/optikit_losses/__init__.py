"""The built-in losses."""

from optikit import hookimpl
from optikit_losses.binary_cross_entropy import BinaryCrossEntropy
from optikit_losses.cross_entropy import CrossEntropy
from optikit_losses.focal import Focal
from optikit_losses.hinge import Hinge, SquaredHinge
from optikit_losses.huber import Huber
from optikit_losses.kullback_leibler import KullbackLeibler
from optikit_losses.log_cosh import LogCosh
from optikit_losses.mean_absolute_error import MeanAbsoluteError
from optikit_losses.mean_squared_error import MeanSquaredError

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Focal",
    "Hinge",
    "Huber",
    "KullbackLeibler",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SquaredHinge",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the losses."""
    return [
        BinaryCrossEntropy,
        CrossEntropy,
        Focal,
        Hinge,
        Huber,
        KullbackLeibler,
        LogCosh,
        MeanAbsoluteError,
        MeanSquaredError,
        SquaredHinge,
    ]
