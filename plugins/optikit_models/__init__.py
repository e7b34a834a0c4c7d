"""The built-in models."""

from optikit import hookimpl
from optikit_models.cnn import CNN
from optikit_models.linear import Linear
from optikit_models.mlp import MLP

__all__ = ["CNN", "MLP", "Linear"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the models."""
    return [Linear, MLP, CNN]
