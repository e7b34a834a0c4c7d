"""SciPy's optimizers: all methods of ``scipy.optimize.minimize``, and its global ones."""

from optikit import hookimpl
from optikit_scipy.by_values import Cobyla, Cobyqa, NelderMead, Powell
from optikit_scipy.everywhere import BasinHopping, DifferentialEvolution, Direct, DualAnnealing, Shgo
from optikit_scipy.line_searches import Bfgs, ConjugateGradients, Lbfgsb, NewtonCg, Tnc
from optikit_scipy.trust_regions import Dogleg, Slsqp, TrustConstr, TrustExact, TrustKrylov, TrustNcg

__all__ = [
    "BasinHopping",
    "Bfgs",
    "Cobyla",
    "Cobyqa",
    "ConjugateGradients",
    "DifferentialEvolution",
    "Direct",
    "Dogleg",
    "DualAnnealing",
    "Lbfgsb",
    "NelderMead",
    "NewtonCg",
    "Powell",
    "Shgo",
    "Slsqp",
    "Tnc",
    "TrustConstr",
    "TrustExact",
    "TrustKrylov",
    "TrustNcg",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        *(NelderMead, Powell, Cobyla, Cobyqa),
        *(ConjugateGradients, Bfgs, NewtonCg, Lbfgsb, Tnc),
        *(Slsqp, TrustConstr, Dogleg, TrustExact, TrustNcg, TrustKrylov),
        *(DifferentialEvolution, DualAnnealing, Shgo, Direct, BasinHopping),
    ]
