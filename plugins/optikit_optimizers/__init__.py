"""The built-in optimizers."""

from optikit import hookimpl
from optikit_optimizers.adagrad import Adadelta, Adagrad, RMSProp
from optikit_optimizers.adam import Adam, AdamW, AMSGrad, NAdam
from optikit_optimizers.adaptive_random_search import AdaptiveRandomSearch
from optikit_optimizers.auto import Auto
from optikit_optimizers.averaging import Averaging
from optikit_optimizers.barzilai_borwein import BarzilaiBorwein
from optikit_optimizers.bfgs import Bfgs
from optikit_optimizers.covariance_adaptation import CovarianceAdaptation
from optikit_optimizers.descents import ConjugateGradients, LineSearchDescent
from optikit_optimizers.differential_evolution import DifferentialEvolution
from optikit_optimizers.gradient_descent import GradientDescent
from optikit_optimizers.lbfgs import Lbfgs
from optikit_optimizers.lookahead import Lookahead
from optikit_optimizers.multistart import Multistart
from optikit_optimizers.nelder_mead import NelderMead
from optikit_optimizers.one_plus_one_es import OnePlusOneES
from optikit_optimizers.random_search import RandomSearch
from optikit_optimizers.signs import Lion, Rprop
from optikit_optimizers.simulated_annealing import SimulatedAnnealing

__all__ = [
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "AdaptiveRandomSearch",
    "Auto",
    "Averaging",
    "BarzilaiBorwein",
    "Bfgs",
    "ConjugateGradients",
    "CovarianceAdaptation",
    "DifferentialEvolution",
    "GradientDescent",
    "Lbfgs",
    "LineSearchDescent",
    "Lion",
    "Lookahead",
    "Multistart",
    "NAdam",
    "NelderMead",
    "OnePlusOneES",
    "RMSProp",
    "RandomSearch",
    "Rprop",
    "SimulatedAnnealing",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        *(Lbfgs, ConjugateGradients, LineSearchDescent, Bfgs),
        *(GradientDescent, Adagrad, RMSProp, Adadelta, Adam, AdamW, AMSGrad, NAdam, Lion, Rprop, BarzilaiBorwein),
        *(
            RandomSearch,
            AdaptiveRandomSearch,
            OnePlusOneES,
            SimulatedAnnealing,
            NelderMead,
            CovarianceAdaptation,
            DifferentialEvolution,
        ),
        *(Auto, Averaging, Lookahead, Multistart),
    ]
