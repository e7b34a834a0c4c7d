"""The built-in optimizers."""

from optikit import hookimpl
from optikit_optimizers.gradient_descent import GradientDescent
from optikit_optimizers.random_search import RandomSearch

__all__ = ["GradientDescent", "RandomSearch"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [GradientDescent, RandomSearch]
