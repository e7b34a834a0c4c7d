"""SciPy's local methods that model the function in a region, and its methods for constraints."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_scipy.bridge import Inside, Iterative, MinimizeByGradient, ScipyQuestions
from optikit_scipy.constrained import between, signed


class Slsqp(Inside, MinimizeByGradient, Iterative):
    """SLSQP: a sequence of quadratic programs, solved as least squares, inside bounds and constraints.

    Choose it first where there are constraints, and for up to a few hundred parameters: it converges in few
    evaluations, and its own work grows as n³.

    References
    ----------
    Kraft (1988), "A software package for sequential quadratic programming", DFVLR-FB 88-28.
    """

    name = "scipy-slsqp"
    method = "SLSQP"

    ftol: float = Field(default=1e-6, gt=0)
    """Stop when the value, or what the model expects to gain, changes by no more than this; with constraints, when the
    sum of their violations is below it, too."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Ask for gradients where a line search has ended, if they are dear; and give the constraints, too."""
        apart = {} if ask.oracle.gradient_cost == 1 else {"fun": ask.on_a_line, "jac": ask.slope}
        return {**super().asks(ask), **apart, **signed(ask, equalities=True)}


class TrustConstr(Inside, MinimizeByGradient, Iterative):
    """Trust region with an interior point for bounds and constraints, and a BFGS estimate of the Hessian.

    Choose it where L-BFGS-B and SLSQP fail: it is slower, and more robust.  An interior point cannot begin at a bound,
    where SciPy ends at once as converged; so a start at a bound, or near one, is moved inside by a hundredth (of the
    bound or 1, and at most of the box), as in IPOPT.

    References
    ----------
    Byrd, Hribar and Nocedal (1999), "An interior point algorithm for large-scale nonlinear programming", SIAM Journal
    on Optimization 9; Lalee, Nocedal and Plantenga (1998), SIAM Journal on Optimization 8; for the start, Wächter and
    Biegler (2006), "On the implementation of an interior-point filter line-search algorithm", Mathematical Programming
    106, section 3.6.
    """

    name = "scipy-trust-constr"
    method = "trust-constr"

    xtol: float = Field(default=1e-8, ge=0)
    """Stop when the radius of the trust region is below this."""
    gtol: float = Field(default=1e-8, ge=0)
    """Stop when no component of the gradient of the Lagrangian exceeds this."""
    barrier_tol: float = Field(default=1e-8, gt=0)
    """With bounds, stop only when the barrier is below this."""
    initial_constr_penalty: float = Field(default=1.0, gt=0)
    """First weight of the constraints."""
    initial_tr_radius: float = Field(default=1.0, gt=0)
    """First radius of the trust region, in units of x."""
    initial_barrier_parameter: float = Field(default=0.1, gt=0)
    """First height of the barrier at the bounds."""
    initial_barrier_tolerance: float = Field(default=0.1, gt=0)
    """How exactly the first barrier problem is solved."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give the constraints, too; start inside, and answer +inf outside the bounds, where older versions ask.

        It cannot bear a NaN in a constraint: where there is one it gets +inf for the value, and so goes elsewhere.
        """
        given, constraints = super().asks(ask), ask.constraints

        def answer(x: Array) -> tuple[float, Array]:
            if not ask.contains(x):
                return np.inf, np.zeros_like(x)
            value, gradient = ask.value_and_grad(x)
            if constraints is not None and np.isnan(constraints.values(ask.clipped(x))).any():
                value = np.inf
            ask.started(value)
            return value, gradient if np.isfinite(value) else np.zeros_like(x)

        low, high = ask.bounds
        size = np.maximum(1, abs(np.where(np.isfinite([low, high]), [low, high], 0)))
        below, above = 0.01 * np.minimum(size, high - low)
        start = np.clip(ask.x0, low + below, high - above)
        return {**given, **between(ask, nan=0.0), "fun": answer, "x0": start}


class TrustRegion(MinimizeByGradient, Iterative):
    """A method that minimises a quadratic model in a ball; it cannot stay inside bounds.

    The curvature comes from differences of gradients, each of them counted.
    """

    below: ClassVar[dict[str, str]] = {"initial_trust_radius": "max_trust_radius"}

    initial_trust_radius: float = Field(default=1.0, gt=0)
    """First radius of the trust region, in units of x."""
    max_trust_radius: float = Field(default=1000.0, gt=0)
    """Largest radius of the trust region."""
    eta: float = Field(default=0.15, ge=0, lt=0.25)
    """Fraction of the expected descent that a step must make to be accepted."""
    gtol: float = Field(default=1e-4, ge=0)
    """Stop when the Euclidean norm of the gradient is below this."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give the Hessian too: n gradients each."""
        return {**super().asks(ask), "hess": ask.hessian}


class Dogleg(TrustRegion):
    """Dogleg: a bent path from steepest descent to Newton's step, cut off at the trust region.

    Only where the Hessian is positive definite all the way; a Hessian costs n gradients.  Mostly of use to compare
    with.

    References
    ----------
    Powell (1970), "A new algorithm for unconstrained optimization", Nonlinear Programming; Nocedal and Wright (2006),
    "Numerical optimization", section 4.1.
    """

    name = "scipy-dogleg"
    method = "dogleg"


class TrustExact(TrustRegion):
    """Trust region whose subproblem is solved almost exactly, by factorising the Hessian.

    Choose it for up to about a hundred parameters where the curvature changes sign; a Hessian costs n gradients.

    References
    ----------
    Moré and Sorensen (1983), "Computing a trust region step", SIAM Journal on Scientific and Statistical Computing 4;
    Conn, Gould and Toint (2000), "Trust-region methods".
    """

    name = "scipy-trust-exact"
    method = "trust-exact"


class TrustNcg(TrustRegion):
    """Trust region whose subproblem is solved by truncated conjugate gradients.

    Choose it for many parameters where the curvature changes sign; an inner iteration costs one gradient.

    References
    ----------
    Steihaug (1983), "The conjugate gradient method and trust regions in large scale optimization", SIAM Journal on
    Numerical Analysis 20; Nocedal and Wright (2006), "Numerical optimization", section 7.1.
    """

    name = "scipy-trust-ncg"
    method = "trust-ncg"

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give products with the Hessian instead: one gradient each."""
        return {**super().asks(ask), "hess": None, "hessp": ask.product}


class TrustKrylov(TrustNcg):
    """Trust region whose subproblem is solved in a Krylov space, by the Lanczos method.

    As trust-ncg, with fewer outer and more inner iterations; better on hard indefinite problems.

    References
    ----------
    Gould, Lucidi, Roma and Toint (1999), "Solving the trust-region subproblem using the Lanczos method", SIAM Journal
    on Optimization 9; Lenders, Kirches and Potschka (2018), "trlib", Optimization Methods and Software 33.
    """

    name = "scipy-trust-krylov"
    method = "trust-krylov"

    inexact: bool = True
    """Whether the subproblem is solved only as exactly as the gradient is small."""
