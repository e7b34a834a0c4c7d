"""Optuna's samplers: for functions that take long, and for few evaluations."""

from optikit import hookimpl
from optikit_optuna.samplers import CMAES, QMC, TPE, Random

__all__ = ["CMAES", "QMC", "TPE", "Random"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [Random, TPE, CMAES, QMC]
