"""The built-in gradient estimators."""

from optikit import hookimpl
from optikit_gradients.analytic import Analytic
from optikit_gradients.differences import CentralDifference, ForwardDifference

__all__ = ["Analytic", "CentralDifference", "ForwardDifference"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the estimators."""
    return [Analytic, CentralDifference, ForwardDifference]
