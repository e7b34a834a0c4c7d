"""NLopt's algorithms around another one of NLopt's: local searches from many points, and penalties for constraints.

The tolerances of the outer algorithm end the whole, those of the nested one end each of its runs: with all of them 0, a
run would go on to the limit of rounding.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from optikit import Optimizer, Part, Questions
from optikit_nlopt.bridge import Local, Nlopt, Tolerant
from optikit_nlopt.by_gradient import Lbfgs
from optikit_nlopt.by_values import Bobyqa
from optikit_nlopt.constrained import Constrained
from optikit_nlopt.everywhere import Boxed


def _local(optimizer: Optimizer[Any]) -> Local:
    if isinstance(optimizer, Local):
        return optimizer
    raise ValueError(f"must be a local optimizer of NLopt, and {optimizer.name} is none")


LocalPart = Annotated[Local, Part("optimizer"), AfterValidator(_local)]


class Nested(Nlopt):
    """An algorithm around another one."""

    ours = frozenset({"optimizer"})

    optimizer: LocalPart
    """A local algorithm of NLopt."""

    def made(self, ask: Questions) -> Any:
        """Set the nested algorithm too."""
        opt = super().made(ask)
        opt.set_local_optimizer(self.optimizer.made(ask))
        return opt


class Mlsl(Nested, Boxed):
    """MLSL: descents from many points, but not from where an earlier descent would lead to.

    Choose it for smooth functions with several minima in a box.  It knows no end but the limits of
    the run and `stopval`.

    References
    ----------
    Rinnooy Kan and Timmer (1987), "Stochastic global optimization methods", Mathematical Programming 39; Kucherenko and
    Sytsko (2005), "Application of deterministic low-discrepancy sequences in global optimization", Computational
    Optimization and Applications 30.
    """

    name = "nlopt-mlsl"
    algorithm = "G_MLSL"
    ours = frozenset({"optimizer", "low_discrepancy"})

    optimizer: LocalPart = Bobyqa(ftol_rel=1e-15, xtol_rel=1e-7)
    """What descends; with NLopt's tolerances for this purpose by default."""
    low_discrepancy: bool = True
    """Whether the points are Sobol's, NLopt's G_MLSL_LDS; otherwise they are random."""
    population: int | None = Field(default=None, ge=1)
    """Points sampled an iteration; 4 by default."""

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_LDS" * self.low_discrepancy


class Auglag(Constrained, Nested, Tolerant):
    """Augmented Lagrangian: turns constraints into penalties, for an algorithm that takes none.

    Choose it for constraints and so many parameters that SLSQP is too slow.  It fails where the nested algorithm does.

    One departure from NLopt: `xtol_rel` is 1e-6 and not 0.  With 0 it goes on until the nested algorithm reports a
    failure at the limit of its accuracy: with L-BFGS on 45 of 60 quadratics with a constraint or none (NLopt 2.11),
    where with 1e-6 one failed.

    References
    ----------
    Conn, Gould and Toint (1991), "A globally convergent augmented Lagrangian algorithm for optimization with general
    constraints and simple bounds", SIAM Journal on Numerical Analysis 28; Birgin and Martínez (2008), "Improving
    ultimate convergence of an augmented Lagrangian method", Optimization Methods and Software 23.
    """

    name = "nlopt-auglag"
    algorithm = "AUGLAG"
    ours = frozenset({"optimizer", "penalized", "constraint_tol"})

    optimizer: LocalPart = Lbfgs(ftol_rel=1e-10, xtol_rel=1e-7)
    """What minimises the function with its penalties."""
    xtol_rel: float = Field(default=1e-6, ge=0)
    """Stop when two nested runs differ in x by less than this fraction of it; NLopt's is 0, which is never."""
    penalized: Literal["all", "equalities"] = "all"
    """Which constraints become penalties; with `equalities`, NLopt's AUGLAG_EQ, the nested one takes the others."""

    @model_validator(mode="after")
    def _takes_the_others(self) -> Self:
        if self.penalized == "equalities" and not isinstance(self.optimizer, Constrained):
            raise ValueError(f"penalized is 'equalities', but {self.optimizer.name} takes no inequalities")
        return self

    def variant(self, ask: Questions) -> str:
        """Choose by the fields."""
        return self.algorithm + "_EQ" * (self.penalized == "equalities")
