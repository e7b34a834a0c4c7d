"""CMA-ES, asked and told: pycma makes the points of a generation, and the oracle evaluates them in one batch."""

import warnings
from importlib import import_module
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, InputError, Oracle, Questions, Solver, Stop

ARRIVED = {"tolfun", "tolfunhist", "tolfunrel", "tolx", "tolxstagnation", "ftarget"}
"""Pycma's reasons to end that mean success."""


class CmaEs(Solver):
    """CMA-ES: a population drawn from a normal distribution, whose covariance learns the shape of the valley.

    The first choice for rough, ill-conditioned or noisy functions of about 3 to 100 parameters without a usable
    gradient.  Bounds are kept by a smooth transformation of x (pycma's BoundTransform).  It ends by pycma's tolerances.

    Deviations from pycma: ``maxiter`` is not limited, as the run has limits; ``sigma0`` has a default; parameters whose
    bounds are equal are left out of the search; the standard deviation of a single parameter has no limits, by which
    pycma 4.5 would raise; all randomness is the run's, and NumPy's global generator stays as it is.

    References
    ----------
    Hansen and Ostermeier (2001), "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9; Hansen (2016), "The CMA evolution strategy: a tutorial", arXiv 1604.00772.
    """

    name = "cma-es"
    requires = "cma"

    sigma0: float | None = Field(default=None, gt=0)
    """First standard deviation in each coordinate, in units of x; by default a quarter of the distance of its bounds,
    or 1 without bounds."""
    popsize: int | None = Field(default=None, ge=2)
    """Points of a generation; 4 + 3 log(n) by default.  More make the search wider and slower."""
    CMA_active: bool = True
    """Whether bad points count too, against their directions."""
    CMA_cmean: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of the mean."""
    CMA_diagonal: bool = False
    """Whether the covariance is diagonal: faster for many parameters that depend little on each other."""
    CMA_elitist: bool = False
    """Whether the best point stays in the population."""
    CMA_mu: int | None = Field(default=None, ge=1)
    """Points that the mean is made of; half of `popsize` by default, and at most `popsize`."""
    CMA_rankmu: float = Field(default=1.0, ge=0)
    """Factor of the learning rate of the rank-mu update of the covariance."""
    CMA_rankone: float = Field(default=1.0, ge=0)
    """Factor of the learning rate of the rank-one update of the covariance."""
    CSA_dampfac: float = Field(default=1.0, gt=0)
    """Factor of the damping of the step size; 0.3 is near the best on a sphere."""
    maxiter: int | None = Field(default=None, ge=1)
    """Generations; by default only the limits of the run count."""
    minstd: float = Field(default=0.0, ge=0)
    """Smallest standard deviation of a coordinate."""
    maxstd: float | None = Field(default=None, gt=0)
    """Largest standard deviation of a coordinate; a third of the distance of its bounds by default."""
    ftarget: float | None = None
    """Stop at a value of at most this; never by default."""
    tolfun: float = Field(default=1e-11, ge=0)
    """Stop when the values of a generation and of the last ones differ by no more than this."""
    tolfunhist: float = Field(default=1e-12, ge=0)
    """Stop when the best values of the last generations differ by no more than this."""
    tolfunrel: float = Field(default=0.0, ge=0)
    """The same as `tolfun`, relative to what has been gained since the first generation."""
    tolx: float = Field(default=1e-11, ge=0)
    """Stop when no coordinate would change by more than this."""
    tolfacupx: float = Field(default=1e3, gt=1)
    """Stop when the step size has grown by this factor: `sigma0` was far too small."""
    tolupsigma: float = Field(default=1e20, gt=1)
    """Stop when the step size has grown by this factor over the longest axis of the covariance."""
    tolconditioncov: float = Field(default=1e14, gt=1)
    """Stop when the condition of the covariance is above this."""
    tolflatfitness: int = Field(default=1, ge=1)
    """Generations of equal values that are allowed."""
    tolstagnation: int | None = Field(default=None, ge=1)
    """Stop when so many generations have brought nothing; 100 + 100 n^1.5 / popsize by default."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.popsize is not None and self.CMA_mu is not None and self.CMA_mu > self.popsize:
            raise ValueError(f"CMA_mu is {self.CMA_mu}, but must be at most popsize, {self.popsize}")
        return self

    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Evolve."""
        ask = Questions(oracle, x0)
        low, high = ask.bounds
        free = low < high
        if not free.any():
            ask.value(ask.x0)
            return ask.x0, Stop(True, "The bounds leave one point.")
        if free.sum() == 1 and (self.minstd > 0 or self.maxstd is not None):
            raise InputError(f"{self.name} has no minstd and no maxstd for a single parameter; leave them out")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"cma\.|optikit_cma\.|numpy\.")  # of pictures that it cannot draw
            strategy = self._made(ask, low[free], high[free], ask.x0[free], rng)
            while not (reasons := strategy.stop()):
                drawn = strategy.ask()
                points = np.tile(ask.x0, (len(drawn), 1))
                points[:, free] = drawn
                strategy.tell(drawn, np.minimum(ask.values(points), ask.LARGE).tolist())
        best = ask.x0.copy()
        if (found := strategy.result.xbest) is not None:
            best[free] = found
        success = bool(ARRIVED & reasons.keys()) and strategy.result.fbest < ask.LARGE
        return best, Stop(success, f"pycma has stopped by {', '.join(reasons)}.")

    def _made(self, ask: Questions, low: Array, high: Array, x0: Array, rng: np.random.Generator) -> Any:
        def draw(*shape: int) -> Array:
            return rng.standard_normal(shape)

        options = self.model_dump(exclude_none=True, exclude={"sigma0"})
        options |= {
            "bounds": [low, high] if ask.bounded else [None, None],
            "randn": draw,
            "seed": np.nan,  # or pycma seeds NumPy's global generator
            "verbose": -10,
            "verb_disp": 0,
            "verb_log": 0,
            "maxiter": self.maxiter or np.inf,
        }
        if len(x0) == 1:
            options["maxstd"] = np.inf
        if self.sigma0 is None:
            width = high - low
            options["CMA_stds"] = np.where(np.isfinite(width), width / 4, 1.0)
        return import_module("cma").CMAEvolutionStrategy(x0, self.sigma0 or 1.0, options)
