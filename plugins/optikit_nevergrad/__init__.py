"""Nevergrad's optimizers: of more than five hundred names the families that are its own, each with its options."""

from optikit import hookimpl
from optikit_nevergrad.chosen import Shiwa
from optikit_nevergrad.distributions import CMA, EDA, EMNA, TBPSA, DiagonalCMA
from optikit_nevergrad.one_plus_one import (
    DiscreteOnePlusOne,
    OnePlusOne,
    OptimisticNoisyOnePlusOne,
    PortfolioDiscreteOnePlusOne,
)
from optikit_nevergrad.populations import DE, ES, PSO, SQOPSO, RealSpacePSO, RecES, RotatedTwoPointsDE, TwoPointsDE

__all__ = [
    "CMA",
    "DE",
    "EDA",
    "EMNA",
    "ES",
    "PSO",
    "SQOPSO",
    "TBPSA",
    "DiagonalCMA",
    "DiscreteOnePlusOne",
    "OnePlusOne",
    "OptimisticNoisyOnePlusOne",
    "PortfolioDiscreteOnePlusOne",
    "RealSpacePSO",
    "RecES",
    "RotatedTwoPointsDE",
    "Shiwa",
    "TwoPointsDE",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        Shiwa,
        *(OnePlusOne, OptimisticNoisyOnePlusOne, DiscreteOnePlusOne, PortfolioDiscreteOnePlusOne),
        *(DE, TwoPointsDE, RotatedTwoPointsDE, PSO, RealSpacePSO, SQOPSO, ES, RecES),
        *(CMA, DiagonalCMA, TBPSA, EMNA, EDA),
    ]
