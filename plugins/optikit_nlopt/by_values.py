"""NLopt's local algorithms that need values only: for few parameters, and functions without a usable gradient."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, Questions
from optikit_nlopt.bridge import Local, Tolerant
from optikit_nlopt.constrained import Constrained


class ByValues(Tolerant):
    """A local algorithm without gradients."""

    initial_step: float | None = Field(default=None, gt=0)
    """First step, in units of x; NLopt guesses it from bounds and start point by default."""


class Bobyqa(Local, ByValues):
    """BOBYQA: a trust region around a quadratic model through 2n + 1 points, inside bounds.

    The first choice for a smooth function without gradient of up to about a hundred parameters.

    References
    ----------
    Powell (2009), "The BOBYQA algorithm for bound constrained optimization without derivatives", report NA2009/06,
    University of Cambridge.
    """

    name = "nlopt-bobyqa"
    algorithm = "LN_BOBYQA"


class Newuoa(ByValues):
    """NEWUOA: a trust region around a quadratic model; the predecessor of BOBYQA.

    Mostly of use to compare with.  It takes no bounds: NLopt's own variant with bounds, NEWUOA_BOUND, is left out, as
    it may go on forever near the limit of rounding, where it asks nothing, so that no limit of the run can end it
    (NLopt 2.11).  It needs two parameters or more.

    References
    ----------
    Powell (2006), "The NEWUOA software for unconstrained optimization without derivatives", Large-Scale Nonlinear
    Optimization.
    """

    name = "nlopt-newuoa"
    algorithm = "LN_NEWUOA"

    def sides(self, ask: Questions) -> tuple[Array, Array]:
        """Read no bounds, so that the oracle refuses them."""
        return np.full_like(ask.x0, -np.inf), np.full_like(ask.x0, np.inf)


class Cobyla(Constrained, Local, ByValues):
    """COBYLA: a trust region around a linear model through n + 1 points, inside bounds and constraints.

    Choose it for constraints without gradients, of any kind; equalities become pairs of inequalities.  NLopt's version
    stays inside bounds, unlike SciPy's.

    One departure from NLopt: `xtol_rel` is 1e-8 and not 0, and it or `xtol_abs` has to be above 0.  With neither, on
    smooth functions, the radius shrinks to 0 in a loop that asks nothing, so no limit of the run can end it; `ftol_rel`
    and `ftol_abs` do not help (NLopt 2.11).  The smallest value would do; 1e-8 is where the values of a smooth function
    do not tell points apart any more.

    References
    ----------
    Powell (1994), "A direct search optimization method that models the objective and constraint functions by linear
    interpolation", Advances in Optimization and Numerical Analysis.
    """

    name = "nlopt-cobyla"
    algorithm = "LN_COBYLA"

    xtol_rel: float = Field(default=1e-8, ge=0)
    """Stop when a step changes x by less than this fraction of it, in the sum of absolute values; NLopt's is 0."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not (self.xtol_rel or self.xtol_abs):
            raise ValueError(
                "xtol_rel and xtol_abs are both 0, and NLopt's COBYLA may then go on forever without asking; set one, "
                "such as xtol_rel=1e-8"
            )
        return self


class Praxis(Local, ByValues):
    """PRAXIS: line searches along principal axes, which it finds by the way.

    Choose it for a smooth function without bounds; those are emulated by a transformation of x.

    References
    ----------
    Brent (1972), "Algorithms for minimization without derivatives".
    """

    name = "nlopt-praxis"
    algorithm = "LN_PRAXIS"

    t0_tol: float = Field(default=0.0, ge=0)
    """Accuracy of x that is added to the one of rounding."""


class NelderMead(Local, ByValues):
    """Nelder-Mead: a simplex of n + 1 points that reflects, stretches and shrinks its way down, inside bounds.

    Choose it for up to about ten parameters where values are rough or noisy; Sbplx is mostly better.  What would be
    outside is put on the bound, which may flatten the simplex.

    References
    ----------
    Nelder and Mead (1965), "A simplex method for function minimization", The Computer Journal 7; Box (1965), "A new
    method of constrained optimization and a comparison with other methods", The Computer Journal 8.
    """

    name = "nlopt-neldermead"
    algorithm = "LN_NELDERMEAD"


class Sbplx(Local, ByValues):
    """Sbplx: Nelder-Mead on a sequence of subspaces, inside bounds.

    Choose it where values are rough or noisy, also for more parameters than Nelder-Mead can deal with.

    References
    ----------
    Rowan (1990), "Functional stability analysis of numerical algorithms", thesis, University of Texas at Austin; NLopt
    has its own implementation.
    """

    name = "nlopt-sbplx"
    algorithm = "LN_SBPLX"
