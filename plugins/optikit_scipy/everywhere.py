"""SciPy's global methods: they look for the lowest of many minima, all but one of them in a box."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Lt
from pydantic import Field

from optikit import Array
from optikit_scipy.bridge import UNLIMITED, Iterative, ScipyQuestions, ScipySolver, seeded

Strategy = Literal[
    "best1bin", "best1exp", "best2bin", "best2exp", "rand1bin", "rand1exp", "rand2bin", "rand2exp", "randtobest1bin",
    "randtobest1exp", "currenttobest1bin", "currenttobest1exp",
]  # fmt: skip
"""How differential evolution makes trial points: base, number of differences, kind of recombination."""

Weight = Annotated[float, Ge(0), Lt(2)]


class DifferentialEvolution(Iterative):
    """Differential evolution: a population that moves by the differences between its members.

    The robust choice for rough functions of up to a few dozen parameters in a box.  It ends when the values of the
    population agree, and polishes the best by L-BFGS-B with SciPy's differences of values, all of them counted.
    The start point is one of the population.

    References
    ----------
    Storn and Price (1997), "Differential evolution - a simple and efficient heuristic for global optimization over
    continuous spaces", Journal of Global Optimization 11.
    """

    name = "scipy-differential-evolution"

    strategy: Strategy = "best1bin"
    """How trial points are made."""
    popsize: int = Field(default=15, ge=1)
    """Members of the population for each parameter; at least five members in all."""
    tol: float = Field(default=0.01, ge=0)
    """Stop when the values of the population differ by no more than this fraction of their mean."""
    atol: float = Field(default=0.0, ge=0)
    """Stop when the values of the population differ by no more than this."""
    mutation: tuple[Weight, Weight] = (0.5, 1.0)
    """Weight of the differences, drawn anew from this range for each generation."""
    recombination: float = Field(default=0.7, ge=0, le=1)
    """Chance of each coordinate to come from the mutant."""
    polish: bool = True
    """Whether L-BFGS-B improves the best member in the end."""
    initial: Literal["latinhypercube", "sobol", "halton", "random"] = "latinhypercube"
    """How the first population is drawn; SciPy's `init`, a name that every optimizer has for something else."""
    updating: Literal["immediate", "deferred"] = "immediate"
    """Whether a better member is used at once, or with the next generation, which is then evaluated in one batch."""

    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Evolve."""
        evolve, batches = optimize.differential_evolution, self.updating == "deferred"
        questions = {"func": ask.columns if batches else ask.value, "vectorized": batches}
        options = self.options()
        questions["init"] = options.pop("initial")
        low, high = ask.box
        # SciPy scales x0 to the box, and refuses one at a bound that rounding puts outside.
        margin = np.minimum(1e-15 * np.maximum(abs(low), abs(high)), (high - low) / 2)
        x0 = np.clip(x0, low + margin, high - margin)
        return evolve(bounds=optimize.Bounds(low, high), x0=x0, **questions, **options, **seeded(evolve, rng))


class DualAnnealing(Iterative):
    """Generalised simulated annealing with wide jumps, and L-BFGS-B from where it improves.

    Choose it for functions with very many minima in a box.  It knows no end: it anneals anew until a limit of the run
    is reached, or `maxiter`.

    References
    ----------
    Tsallis and Stariolo (1996), "Generalized simulated annealing", Physica A 233; Xiang, Sun, Fan and Gong (1997),
    "Generalized simulated annealing algorithm and its application to the Thomson model", Physics Letters A 233.
    """

    name = "scipy-dual-annealing"
    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED, "maxfun": UNLIMITED}

    initial_temp: float = Field(default=5230.0, gt=0.01, le=5e4)
    """First temperature; higher ones jump further."""
    restart_temp_ratio: float = Field(default=2e-5, gt=0, lt=1)
    """Fraction of the first temperature at which it anneals anew."""
    visit: float = Field(default=2.62, gt=1, le=3)
    """How heavy the tail of the jumps is."""
    accept: float = Field(default=-5.0, gt=-1e4, le=-5)
    """The lower, the fewer steps upwards are taken."""
    no_local_search: bool = False
    """Whether to leave L-BFGS-B out, which leaves the classical generalised annealing."""

    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Anneal."""
        anneal = optimize.dual_annealing
        return anneal(ask.value, bounds=optimize.Bounds(*ask.wide_box), x0=x0, **self.options(), **seeded(anneal, rng))


class Shgo(ScipySolver):
    """Simplicial homology: samples the box, finds the valleys by topology, and descends into each by SLSQP.

    Deterministic; choose it for up to about ten parameters, where all minima are wanted to have been seen.  The start
    point is not used.

    References
    ----------
    Endres, Sandrock and Focke (2018), "A simplicial homology algorithm for Lipschitz optimisation", Journal of Global
    Optimization 72.
    """

    name = "scipy-shgo"

    n: int = Field(default=100, ge=1)
    """Points sampled an iteration."""
    iters: int = Field(default=1, ge=1)
    """Iterations; after them it has converged."""
    sampling_method: Literal["simplicial", "halton", "sobol"] = "simplicial"
    """How the box is sampled; `simplicial` has a guarantee of convergence, the others are faster."""
    minimize_every_iter: bool = True
    """Whether it descends into the valleys at each iteration, or only after the last."""
    local_iter: int | None = Field(default=None, ge=1)
    """Valleys to descend into, best first; all by default."""

    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Sample and descend."""
        options = self.model_dump(include={"minimize_every_iter", "local_iter"}, exclude_none=True)
        arguments = self.model_dump(include={"n", "iters", "sampling_method"})
        return optimize.shgo(ask.value_on_a_descent, optimize.Bounds(*ask.box), options=options, **arguments)


class Direct(Iterative):
    """DIRECT: divides the box into ever smaller boxes, the promising ones first.

    Deterministic; choose it for up to about ten parameters.  The start point is not used.

    References
    ----------
    Jones, Perttunen and Stuckman (1993), "Lipschitzian optimization without the Lipschitz constant", Journal of
    Optimization Theory and Applications 79; Gablonsky and Kelley (2001), "A locally-biased form of the DIRECT
    algorithm", Journal of Global Optimization 21.
    """

    name = "scipy-direct"

    eps: float = Field(default=1e-4, ge=0)
    """Improvement, relative to the best value, that makes a box promising; larger values search more widely."""
    maxfun: int | None = Field(default=None, ge=1, le=10**8)
    """Evaluations for which memory is set aside, and which end the search; by default 10,000 (n + 1), not 1000 n as in
    SciPy."""
    locally_biased: bool = True
    """Whether the locally biased form is used, which is better where there are few minima."""
    f_min: float | None = None
    """The lowest value, if it is known: the search stops near it."""
    f_min_rtol: float = Field(default=1e-4, ge=0, le=1)
    """How near, relative to `f_min`."""
    vol_tol: float = Field(default=1e-16, ge=0, le=1)
    """Stop when the box with the best point has no more than this fraction of the volume."""
    len_tol: float = Field(default=1e-6, ge=0, le=1)
    """Stop when the box with the best point has no more than this fraction of the half diagonal; of the half
    longest side, if locally biased."""

    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Divide."""
        # SciPy sets aside memory for both limits; an iteration asks at least once.
        maxfun = self.maxfun or 10_000 * (len(x0) + 1)
        options = {**self.options(), "maxfun": maxfun, "maxiter": self.maxiter or maxfun}
        return optimize.direct(ask.value, optimize.Bounds(*ask.wide_box), **options)


class BasinHopping(ScipySolver):
    """Basin hopping: jumps at random, descends by L-BFGS-B, and accepts by Metropolis' rule.

    Choose it for smooth functions with many minima; it needs a gradient, and no box.  It knows no end: it hops until a
    limit of the run is reached, or `niter`, or `niter_success`.

    References
    ----------
    Wales and Doye (1997), "Global optimization by basin-hopping and the lowest energy structures of Lennard-Jones
    clusters containing up to 110 atoms", Journal of Physical Chemistry A 101.
    """

    name = "scipy-basinhopping"
    lifted: ClassVar[dict[str, Any]] = {"niter": UNLIMITED}

    niter: int | None = Field(default=None, ge=0, le=UNLIMITED)
    """Hops; by default only the limits of the run count, not SciPy's 100."""
    T: float = Field(default=1.0, ge=0)
    """Temperature of Metropolis' rule: about the difference in value between neighbouring minima."""
    stepsize: float = Field(default=0.5, gt=0)
    """First length of the jumps, in units of x: about the distance between neighbouring minima."""
    interval: int = Field(default=50, ge=1)
    """Hops between changes of the length."""
    niter_success: int | None = Field(default=None, ge=1)
    """Stop when the best point has stayed the same for so many hops; not by default."""
    target_accept_rate: float = Field(default=0.5, gt=0, lt=1)
    """Fraction of hops to be accepted, to which the length is adapted."""
    stepwise_factor: float = Field(default=0.9, gt=0, lt=1)
    """Factor by which the length changes."""

    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Hop."""
        local = {"method": "L-BFGS-B", "jac": True, "bounds": ask.sides}
        local["options"] = {"maxiter": UNLIMITED, "maxfun": UNLIMITED}
        hop = optimize.basinhopping
        return hop(ask.value_and_grad, x0, minimizer_kwargs=local, **self.options(), **seeded(hop, rng))
