"""SciPy's local methods that search along a line: for smooth functions with a gradient, of any number of parameters."""

from typing import Any, ClassVar

from pydantic import Field

from optikit_scipy.bridge import UNLIMITED, Inside, Iterative, MinimizeByGradient, ScipyQuestions


class Wolfe(MinimizeByGradient, Iterative):
    """A method whose line search ends at the strong Wolfe conditions; it cannot stay inside bounds."""

    below: ClassVar[dict[str, str]] = {"c1": "c2"}

    c1: float = Field(default=1e-4, gt=0, lt=1)
    """Fraction of the expected descent that a step must make (Armijo's condition)."""
    c2: float = Field(default=0.9, gt=0, lt=1)
    """Fraction of the slope along the line that may be left (the curvature condition); must be above `c1`."""


class ConjugateGradients(Wolfe):
    """Nonlinear conjugate gradients after Polak and Ribière.

    Choose it where there are so many parameters that even the ten pairs of vectors of L-BFGS are too many.

    References
    ----------
    Polak and Ribière (1969), "Note sur la convergence de méthodes de directions conjuguées", RIRO 3; Nocedal and Wright
    (2006), "Numerical optimization", section 5.2.
    """

    name = "scipy-cg"
    method = "CG"

    gtol: float = Field(default=1e-5, ge=0)
    """Stop when the norm of the gradient is at most this."""
    norm: float | None = Field(default=None, ge=1)
    """Order of that norm; by default the largest absolute component counts (SciPy's inf)."""
    c2: float = Field(default=0.4, gt=0, lt=1)
    """Fraction of the slope along the line that may be left (the curvature condition); must be above `c1`."""


class Bfgs(Wolfe):
    """BFGS: a quasi-Newton method that keeps an n by n estimate of the inverse Hessian.

    Choose it for a smooth function of up to about a thousand parameters without bounds.

    References
    ----------
    Broyden (1970); Fletcher (1970); Goldfarb (1970); Shanno (1970); Nocedal and Wright (2006), "Numerical
    optimization", section 6.1.
    """

    name = "scipy-bfgs"
    method = "BFGS"

    gtol: float = Field(default=1e-5, ge=0)
    """Stop when the norm of the gradient is at most this."""
    norm: float | None = Field(default=None, ge=1)
    """Order of that norm; by default the largest absolute component counts (SciPy's inf)."""
    xrtol: float = Field(default=0.0, ge=0)
    """Stop also when a step is shorter than this fraction of x; not by default."""


class NewtonCg(Wolfe):
    """Newton-CG: Newton's method whose equations are solved by truncated conjugate gradients.

    The curvature along a direction is a difference of two gradients, so it needs no Hessian, and two to three gradients
    for each inner iteration.  Choose it where the curvature differs much between directions and gradients are cheap.

    References
    ----------
    Dembo and Steihaug (1983), "Truncated-Newton algorithms for large-scale unconstrained optimization", Mathematical
    Programming 26; Nocedal and Wright (2006), "Numerical optimization", section 7.1.
    """

    name = "scipy-newton-cg"
    method = "Newton-CG"

    xtol: float = Field(default=1e-5, gt=0)
    """Stop when a step moves the coordinates by no more than this on average."""
    eps: float = Field(default=1.4901161193847656e-08, gt=0)
    """Step of the difference of gradients, relative to the direction; not used in single precision, where it would
    vanish in rounding and no curvature be seen."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give products with the Hessian too, in single precision."""
        return {**super().asks(ask), **({"hessp": ask.product} if ask.single else {})}


class Lbfgsb(Inside, MinimizeByGradient, Iterative):
    """L-BFGS-B: quasi-Newton with a short memory, inside bounds.

    The first choice for a smooth function with a gradient, of any number of parameters, with or without bounds.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu (1995), "A limited memory algorithm for bound constrained optimization", SIAM Journal on
    Scientific Computing 16; Zhu, Byrd, Lu and Nocedal (1997), "Algorithm 778: L-BFGS-B", ACM TOMS 23; Morales and
    Nocedal (2011), ACM TOMS 38.
    """

    name = "scipy-lbfgsb"
    method = "L-BFGS-B"
    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED, "maxfun": UNLIMITED}

    maxcor: int = Field(default=10, ge=1, le=1000)
    """Pairs of steps and changes of the gradient that are remembered."""
    ftol: float = Field(default=2.220446049250313e-09, ge=0)
    """Stop when a step lowers the value by no more than this, relative to the value or to 1 if that is larger."""
    gtol: float = Field(default=1e-5, ge=0)
    """Stop when no component of the projected gradient exceeds this."""
    maxls: int = Field(default=20, ge=1, le=UNLIMITED)
    """Evaluations in one line search."""


class Tnc(Inside, MinimizeByGradient):
    """TNC: truncated Newton steps, inside bounds.

    Newton's equations are solved by conjugate gradients on differences of gradients.  Choose it with bounds where the
    curvature differs much between directions.

    References
    ----------
    Nash (1984), "Newton-type minimization via the Lanczos method", SIAM Journal on Numerical Analysis 21.
    """

    name = "scipy-tnc"
    method = "TNC"
    lifted: ClassVar[dict[str, Any]] = {"maxfun": UNLIMITED}

    maxCGit: int | None = Field(default=None, ge=0, le=UNLIMITED)
    """Products with the Hessian in one iteration, 0 for steepest descent; by default n / 2 between 1 and 50."""
    eta: float | None = Field(default=None, ge=0, lt=1)
    """How severe the line search is; 0.25 by default."""
    stepmx: float = Field(default=0.0, ge=0)
    """Longest step of the line search; 0 lets TNC choose."""
    accuracy: float = Field(default=0.0, ge=0)
    """Relative step of the differences; 0 lets TNC choose."""
    minfev: float = 0.0
    """An estimate of the lowest value."""
    ftol: float | None = Field(default=None, ge=0)
    """Stop when the value changes by no more than this; 0 by default."""
    xtol: float | None = Field(default=None, ge=0)
    """Stop when x, scaled, changes by no more than this; the root of the rounding error by default."""
    gtol: float | None = Field(default=None, ge=0)
    """Stop when the projected gradient, scaled, is at most this; a hundredth of the root of `accuracy` by default."""
    rescale: float | None = Field(default=None, ge=0)
    """Decimal logarithm of the factor that makes the value be scaled anew; 1.3 by default."""
