"""NLopt's global algorithms: they look for the lowest of many minima, all of them in a box."""

from pydantic import Field

from optikit import Array, Questions
from optikit_nlopt.bridge import Nlopt, Tolerant
from optikit_nlopt.constrained import Constrained


class Boxed(Nlopt):
    """An algorithm that searches a box."""

    def sides(self, ask: Questions) -> tuple[Array, Array]:
        """Give the box, or end the run."""
        return ask.box


class Direct(Boxed, Tolerant):
    """DIRECT: divides the box into ever smaller boxes, the promising ones first.

    Deterministic; choose it for up to about ten parameters.  The start point is not used.

    References
    ----------
    Jones, Perttunen and Stuckman (1993), "Lipschitzian optimization without the Lipschitz constant", Journal of
    Optimization Theory and Applications 79.
    """

    name = "nlopt-direct"
    algorithm = "GN_DIRECT"
    ours = frozenset({"scaled"})

    scaled: bool = True
    """Whether the box is scaled to a cube first; without, it is NLopt's GN_DIRECT_NOSCAL."""
    magic_eps: float = Field(default=0.0, ge=0)
    """Improvement, relative to the best value, that makes a box promising (Jones' epsilon)."""

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_NOSCAL" * (not self.scaled)


class DirectL(Direct):
    """DIRECT-L: DIRECT with a bias to the neighbourhood of the best point.

    Choose it before DIRECT, above all where there are few minima.  The start point is not used.

    References
    ----------
    Gablonsky and Kelley (2001), "A locally-biased form of the DIRECT algorithm", Journal of Global Optimization 21.
    """

    name = "nlopt-direct-l"
    algorithm = "GN_DIRECT_L"
    ours = frozenset({"scaled", "randomized"})

    randomized: bool = False
    """Whether chance decides which side is divided, of sides of about the same length: NLopt's GN_DIRECT_L_RAND."""

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_RAND" * self.randomized + "_NOSCAL" * (not self.scaled)


class OrigDirect(Constrained, Boxed):
    """DIRECT by Gablonsky's code, inside inequality constraints too.

    Deterministic; choose it before `nlopt-direct` where there are constraints.  The start point is not used.

    References
    ----------
    Jones, Perttunen and Stuckman (1993), "Lipschitzian optimization without the Lipschitz constant", Journal of
    Optimization Theory and Applications 79; Gablonsky (2001), "Modifications of the DIRECT algorithm", thesis, North
    Carolina State University.
    """

    name = "nlopt-orig-direct"
    algorithm = "GN_ORIG_DIRECT"
    equalities = False

    xtol_rel: float = Field(default=0.0, ge=0)
    """Stop when the box of the best point has no more than this fraction of the length of a side; 0 is never."""
    magic_eps: float = Field(default=0.0, ge=0)
    """Improvement, relative to the best value, that makes a box promising (Jones' epsilon)."""
    magic_eps_abs: float = Field(default=0.0, ge=0)
    """The same, absolute."""
    sigma_reltol: float | None = Field(default=None, gt=0, le=1)
    """Stop when the half diagonal of the box of the best point is at most this fraction; never by default."""
    fglobal_reltol: float = Field(default=0.0, ge=0)
    """How near to `stopval` is near enough, relative to it."""


class OrigDirectL(OrigDirect):
    """DIRECT-L by Gablonsky's code, inside inequality constraints too.

    Deterministic; choose it before `nlopt-orig-direct` where there are few minima.  The start point is not used.

    References
    ----------
    Gablonsky and Kelley (2001), "A locally-biased form of the DIRECT algorithm", Journal of Global Optimization 21.
    """

    name = "nlopt-orig-direct-l"
    algorithm = "GN_ORIG_DIRECT_L"


class Crs2Lm(Boxed, Tolerant):
    """Controlled random search: a population in which the worst is replaced by random reflections.

    A random relative of Nelder-Mead.  Choose it for rough functions of up to a few dozen parameters.  The start point
    is one of the population.

    References
    ----------
    Price (1983), "Global optimization by controlled random search", Journal of Optimization Theory and Applications 40;
    Kaelo and Ali (2006), "Some variants of the controlled random search algorithm for global optimization", the same
    journal, 130.
    """

    name = "nlopt-crs2-lm"
    algorithm = "GN_CRS2_LM"

    population: int | None = Field(default=None, ge=2)
    """Points kept, n + 1 at least; 10 (n + 1) by default."""


class Isres(Constrained, Boxed, Tolerant):
    """ISRES: an evolution strategy that ranks by value and by violation, inside constraints of any kind.

    Choose it for rough functions with nonlinear constraints.

    References
    ----------
    Runarsson and Yao (2005), "Search biases in constrained evolutionary optimization", IEEE Transactions on Systems,
    Man, and Cybernetics C 35.
    """

    name = "nlopt-isres"
    algorithm = "GN_ISRES"

    population: int | None = Field(default=None, ge=1)
    """Points of a generation; 20 (n + 1) by default."""


class Esch(Boxed):
    """ESCH: an evolutionary algorithm with recombination and Cauchy mutations.

    Choose it for rough functions, to compare with.  It knows no end but the limits of the run and `stopval`.

    References
    ----------
    da Silva Santos, Gonçalves and Hernandez-Figueroa (2010), "Designing novel photonic devices by bio-inspired
    computing", IEEE Photonics Technology Letters 22.
    """

    name = "nlopt-esch"
    algorithm = "GN_ESCH"

    population: int | None = Field(default=None, ge=1)
    """Parents; 40 by default, with half as many again for offspring."""


class Stogo(Boxed):
    """StoGO: branch and bound over boxes, with descents by BFGS in them.

    Choose it for smooth functions of up to about ten parameters with a gradient.  It knows no end but the limits of the
    run and `stopval`.

    References
    ----------
    Madsen, Zertchaninov and Žilinskas (1998), "Global optimization using branch-and-bound", unpublished; Gudmundsson
    (1998), "Parallel global optimization", thesis, Technical University of Denmark.
    """

    name = "nlopt-stogo"
    algorithm = "GD_STOGO"
    ours = frozenset({"randomized"})

    randomized: bool = False
    """Whether descents start at random points too: NLopt's GD_STOGO_RAND."""
    population: int | None = Field(default=None, ge=1)
    """If randomized: random points in each box; 2n by default."""

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_RAND" * self.randomized


class Ags(Constrained, Boxed):
    """AGS: searches along a space-filling curve, inside inequality constraints too.

    Deterministic; for functions with a Lipschitz constant of up to five parameters; more than ten are refused.  It does
    not evaluate where a constraint is violated, and knows no end but the limits of the run and `stopval`.

    References
    ----------
    Sergeyev and Markin (1995), "An algorithm for solving global optimization problems with nonlinear constraints",
    Journal of Global Optimization 7; Strongin and Sergeyev (2000), "Global optimization with non-convex constraints".
    """

    name = "nlopt-ags"
    algorithm = "GN_AGS"
    equalities = False
    one_by_one = True
