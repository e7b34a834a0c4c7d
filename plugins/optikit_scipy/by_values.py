"""SciPy's local methods that need values only: for few parameters, and functions without a usable gradient."""

from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from optikit import InputError
from optikit_scipy.bridge import UNLIMITED, Inside, Iterative, Minimize, ScipyQuestions
from optikit_scipy.constrained import between, signed


class NelderMead(Inside, Iterative):
    """Nelder-Mead: a simplex of n + 1 points that reflects, stretches and shrinks its way down.

    Choose it for up to about ten parameters where values are rough or noisy; it may come to rest where there is no
    minimum.  It stops when both `xatol` and `fatol` are met.

    At a lower bound SciPy would begin with a simplex without extent, and end there as converged; here what the first
    simplex has below a bound is reflected into the box, as SciPy does with what it has above one.

    References
    ----------
    Nelder and Mead (1965), "A simplex method for function minimization", The Computer Journal 7; Gao and Han (2012),
    "Implementing the Nelder-Mead simplex algorithm with adaptive parameters", Computational Optimization and
    Applications 51.
    """

    name = "scipy-nelder-mead"
    method = "Nelder-Mead"
    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED, "maxfev": UNLIMITED}

    xatol: float = Field(default=1e-4, ge=0)
    """Stop when no coordinate of the simplex is further from the best point, and `fatol` is met."""
    fatol: float = Field(default=1e-4, ge=0)
    """Stop when no value of the simplex differs more from the best value, and `xatol` is met."""
    adaptive: bool = False
    """Whether the coefficients depend on n; better from about ten parameters on."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give a first simplex too, where SciPy's own would be flat."""
        (low, high), x0 = ask.bounds, ask.x0
        # As SciPy makes it: each coordinate of the start point moved by 5 %.
        simplex = x0 + np.vstack([np.zeros_like(x0), np.diag(np.where(x0 == 0, 0.00025, 0.05 * x0))])
        if not (simplex < low).any():
            return super().asks(ask)
        simplex = np.where(simplex < low, 2 * low - simplex, simplex)
        simplex = np.clip(np.where(simplex > high, 2 * high - simplex, simplex), low, high)
        return {**super().asks(ask), "options": {**self.options(), "initial_simplex": simplex}}


class Powell(Inside, Iterative):
    """Powell's method: line searches along directions that become conjugate.

    Choose it for a smooth or slightly noisy function without gradient; with bounds, it searches inside them.

    References
    ----------
    Powell (1964), "An efficient method for finding the minimum of a function of several variables without calculating
    derivatives", The Computer Journal 7.
    """

    name = "scipy-powell"
    method = "Powell"
    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED, "maxfev": UNLIMITED}

    xtol: float = Field(default=1e-4, gt=0)
    """Relative accuracy of x in the line searches."""
    ftol: float = Field(default=1e-4, gt=0)
    """Stop when an iteration lowers the value by no more than this fraction."""


class Cobyla(Minimize, Iterative):
    """COBYLA: a trust region around a linear model through n + 1 points, inside constraints.

    Choose it where values are noisy, or for its constraints.  It asks outside bounds on its way, so it takes none.

    References
    ----------
    Powell (1994), "A direct search optimization method that models the objective and constraint functions by linear
    interpolation", Advances in Optimization and Numerical Analysis.
    """

    name = "scipy-cobyla"
    method = "COBYLA"
    below: ClassVar[dict[str, str]] = {"tol": "rhobeg"}

    rhobeg: float = Field(default=1.0, gt=0)
    """First radius of the trust region, in units of x."""
    tol: float = Field(default=1e-4, gt=0)
    """Last radius of the trust region: about the accuracy of x."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give the constraints, too."""
        if _scipy() < (1, 16):
            _alone(ask, self.name)
        given = super().asks(ask)
        if ask.constraints is not None:
            given["options"] = {**self.options(), "catol": ask.constraints.tolerance}
        return {**given, **signed(ask, equalities=False)}


class Cobyqa(Inside, Iterative):
    """COBYQA: a trust region around a quadratic model through 2n + 1 points, inside bounds and constraints.

    The successor of COBYLA, BOBYQA and LINCOA: choose it first for a smooth function without gradient of up to about a
    hundred parameters, with or without constraints.  Needs scipy 1.14 or newer.

    References
    ----------
    Ragonneau (2022), "Model-based derivative-free optimization methods and software", thesis, The Hong Kong Polytechnic
    University.
    """

    name = "scipy-cobyqa"
    method = "COBYQA"
    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED, "maxfev": UNLIMITED}
    below: ClassVar[dict[str, str]] = {"final_tr_radius": "initial_tr_radius"}

    initial_tr_radius: float = Field(default=1.0, gt=0)
    """First radius of the trust region, in units of x; about a tenth of the way to go."""
    final_tr_radius: float = Field(default=1e-6, gt=0)
    """Last radius of the trust region: about the accuracy of x."""
    f_target: float | None = None
    """Stop at a value of at most this; none by default."""
    scale: bool = False
    """Whether x is scaled to the bounds, which must be finite then."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give the constraints, too; refuse an older SciPy."""
        if _scipy() < (1, 14):
            raise InputError(
                f"scipy-cobyqa needs scipy 1.14 or newer, and {version('scipy')} is installed; "
                "run `python -m pip install --upgrade scipy`"
            )
        _alone(ask, self.name)
        given = super().asks(ask)
        if ask.constraints is not None:
            given["options"] = {**self.options(), "feasibility_tol": ask.constraints.tolerance}
        return {**given, **between(ask)}


def _scipy() -> tuple[int, ...]:
    """Give the version of SciPy that is installed."""
    return tuple(map(int, version("scipy").split(".")[:2]))


def _alone(ask: ScipyQuestions, name: str) -> None:
    """Refuse to go side by side: SciPy holds a lock until the first has ended, and the next would wait for ever."""
    if ask.oracle.beside:
        raise InputError(f"{name} cannot go side by side, as SciPy lets one at a time be at work; leave out `together`")
