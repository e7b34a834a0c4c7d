"""The built-in gradient estimators."""

from optikit import hookimpl
from optikit_gradients.analytic import Analytic
from optikit_gradients.by_autograd import Autograd
from optikit_gradients.by_jax import Jax
from optikit_gradients.by_torch import Torch
from optikit_gradients.clipped import Clipped
from optikit_gradients.complex_step import ComplexStep
from optikit_gradients.differences import BackwardDifference, CentralDifference, ForwardDifference
from optikit_gradients.gaussian_smoothing import GaussianSmoothing
from optikit_gradients.noise_aware import NoiseAware
from optikit_gradients.random_coordinates import RandomCoordinates
from optikit_gradients.richardson import Richardson
from optikit_gradients.spsa import Spsa

__all__ = [
    "Analytic",
    "Autograd",
    "BackwardDifference",
    "CentralDifference",
    "Clipped",
    "ComplexStep",
    "ForwardDifference",
    "GaussianSmoothing",
    "Jax",
    "NoiseAware",
    "RandomCoordinates",
    "Richardson",
    "Spsa",
    "Torch",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the estimators."""
    return [
        Analytic,
        Autograd,
        Clipped,
        BackwardDifference,
        CentralDifference,
        ComplexStep,
        ForwardDifference,
        GaussianSmoothing,
        Jax,
        NoiseAware,
        RandomCoordinates,
        Richardson,
        Spsa,
        Torch,
    ]
