"""NLopt's local algorithms for smooth functions with a gradient, of any number of parameters."""

from pydantic import Field

from optikit import Questions
from optikit_nlopt.bridge import Local
from optikit_nlopt.constrained import Constrained


class Luksan(Local):
    """An algorithm of Lukšan's library with a limited memory, inside bounds."""

    vector_storage: int | None = Field(default=None, ge=1, le=10**6)
    """Steps that are remembered; by default as many as 10 MiB hold, and 10 at least."""
    tolg: float = Field(default=1e-8, gt=0)
    """Stop when the gradient, less what bounds hold, is below this."""


class Lbfgs(Luksan):
    """L-BFGS: quasi-Newton with a limited memory, inside bounds.

    The first choice for a smooth function with a gradient.

    References
    ----------
    Nocedal (1980), "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35; Liu and
    Nocedal (1989), "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45.
    """

    name = "nlopt-lbfgs"
    algorithm = "LD_LBFGS"


class Var1(Luksan):
    """Shifted limited-memory variable metric of rank 1, inside bounds.

    A relative of L-BFGS: choose it to compare with.

    References
    ----------
    Vlček and Lukšan (2006), "Shifted limited-memory variable metric methods for large-scale unconstrained
    minimization", Journal of Computational and Applied Mathematics 186.
    """

    name = "nlopt-var1"
    algorithm = "LD_VAR1"


class Var2(Luksan):
    """Shifted limited-memory variable metric of rank 2, inside bounds.

    A relative of L-BFGS: choose it to compare with.

    References
    ----------
    Vlček and Lukšan (2006), "Shifted limited-memory variable metric methods for large-scale unconstrained
    minimization", Journal of Computational and Applied Mathematics 186.
    """

    name = "nlopt-var2"
    algorithm = "LD_VAR2"


class Tnewton(Luksan):
    """Truncated Newton: Newton's equations by conjugate gradients on differences of gradients, inside bounds.

    Choose it where the curvature differs much between directions.  NLopt's LD_TNEWTON_PRECOND_RESTART, or without its
    suffixes.

    References
    ----------
    Dembo and Steihaug (1983), "Truncated-Newton algorithms for large-scale unconstrained optimization", Mathematical
    Programming 26.
    """

    name = "nlopt-tnewton"
    algorithm = "LD_TNEWTON"
    ours = frozenset({"precond", "restart"})

    precond: bool = True
    """Whether the equations are preconditioned by L-BFGS."""
    restart: bool = True
    """Whether a bad direction is replaced by steepest descent."""

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_PRECOND" * self.precond + "_RESTART" * self.restart


class Slsqp(Constrained, Local):
    """SLSQP: a sequence of quadratic programs, solved as least squares, inside bounds and constraints.

    The first choice for smooth constraints with up to a few hundred parameters: it converges in few evaluations, and
    its own work grows as n³.

    References
    ----------
    Kraft (1988), "A software package for sequential quadratic programming", DFVLR-FB 88-28; Kraft (1994), "Algorithm
    733: TOMP", ACM TOMS 20.
    """

    name = "nlopt-slsqp"
    algorithm = "LD_SLSQP"


class Conservative(Constrained, Local):
    """Minimises separable convex approximations that lie above the function, found by trying."""

    equalities = False

    initial_step: float | None = Field(default=None, gt=0)
    """Largest first step, in units of x; not limited by default."""
    inner_maxeval: int = Field(default=0, ge=0)
    """Trials of one approximation; 0 is no limit."""
    rho_init: float = Field(default=1.0, gt=0)
    """A rough upper bound of the second derivative; it is adapted."""
    dual_ftol_rel: float = Field(default=1e-14, ge=0)
    """Relative accuracy of the dual problem, which asks nothing; larger values save time with many parameters."""
    dual_ftol_abs: float = Field(default=0.0, ge=0)
    """Absolute accuracy of the dual problem."""
    dual_xtol_rel: float = Field(default=0.0, ge=0)
    """Relative accuracy of the multipliers."""
    dual_xtol_abs: float = Field(default=0.0, ge=0)
    """Absolute accuracy of the multipliers."""
    dual_maxeval: int = Field(default=100_000, ge=1)
    """Iterations of the dual problem."""


class Mma(Conservative):
    """MMA: moving asymptotes, inside bounds and inequality constraints.

    Choose it for very many parameters and inequalities, as in topology optimization; CCSAQ is mostly as good.  It is
    slow where parameters depend much on each other, as its approximations are separable.

    References
    ----------
    Svanberg (2002), "A class of globally convergent optimization methods based on conservative convex separable
    approximations", SIAM Journal on Optimization 12.
    """

    name = "nlopt-mma"
    algorithm = "LD_MMA"


class Ccsaq(Conservative):
    """CCSAQ: conservative separable quadratic approximations, inside bounds and inequality constraints.

    Choose it for very many parameters and inequalities, before MMA; it is slow where parameters depend much on each
    other.

    References
    ----------
    Svanberg (2002), "A class of globally convergent optimization methods based on conservative convex separable
    approximations", SIAM Journal on Optimization 12.
    """

    name = "nlopt-ccsaq"
    algorithm = "LD_CCSAQ"
