"""CMA-ES, a generation a step: it can be paused anywhere, and needs no library."""

import math
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State, Stop


@dataclass(kw_only=True, slots=True)
class CovarianceState(State):
    """The normal distribution, and the paths by which it learns; the arrays are empty before the first step."""

    rng: np.random.Generator
    mean: Array
    fun: float = math.inf
    """The lowest value, at `x`."""
    sigma: float = math.nan
    unit: Array = field(default_factory=lambda: np.empty(0))
    """Lengths of coordinates: steps are measured in them."""
    covariance: Array = field(default_factory=lambda: np.empty((0, 0)))
    axes: Array = field(default_factory=lambda: np.empty((0, 0)))
    """The principal axes of the covariance, in columns."""
    lengths: Array = field(default_factory=lambda: np.empty(0))
    """Standard deviations along them."""
    path_sigma: Array = field(default_factory=lambda: np.empty(0))
    path: Array = field(default_factory=lambda: np.empty(0))
    generation: int = 0
    spread: float = math.inf
    """By how much the values of the last generation differ."""
    lowest: list[float] = field(default_factory=list[float])
    """The lowest values of the last generations."""


class CovarianceAdaptation(Optimizer[CovarianceState]):
    r"""CMA-ES: draws a population from a normal distribution, whose covariance learns the shape of the valley.

    .. math:: x_k = m + \sigma \, N(0, C)

    The mean m moves to the weighted mean of the better half; C learns from the way that the mean has gone, from the
    steps of the better half, and with negative weights from those of the worse half; the size :math:`\sigma` grows as
    long as the mean goes on in one direction.  The choice for rough, ill-conditioned or noisy functions of about 3 to
    100 parameters without a usable gradient.

    Points outside the bounds are clipped, and it learns from what they have become.  A larger `population` looks wider
    and is slower.  It stops when values or steps no longer differ, and when the covariance has degenerated.

    References
    ----------
    Hansen and Ostermeier (2001), "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9; Hansen (2016), "The CMA evolution strategy: a tutorial", arXiv 1604.00772, whose constants these are.
    """

    name = "covariance-adaptation"

    size: float = Field(default=0.2, gt=0, le=1)
    """First standard deviation, in units of the side of the box, or of max(1, abs(x)) where a bound is missing."""
    population: int | None = Field(default=None, ge=4)
    """Points of a generation; 4 + 3 log(n) if not given."""
    ftol: float = Field(default=1e-12, ge=0)
    """Stop when the values of a generation, and the lowest of the last ones, differ by no more than this."""
    xtol: float = Field(default=1e-12, ge=0)
    """Stop when standard deviations are below this, in the units of `size`."""

    def init(self, x0: Array, rng: np.random.Generator) -> CovarianceState:
        """Begin around the start point."""
        return CovarianceState(x=x0, mean=np.array(x0, dtype=np.float64), rng=rng)

    def moved(self, state: CovarianceState, x: Array) -> CovarianceState:
        """Go on around another point, with the shape that has been learnt."""
        state.x, state.mean, state.fun, state.lowest = x.copy(), np.array(x, dtype=np.float64), math.inf, []
        return state

    def step(self, oracle: Oracle, state: CovarianceState) -> CovarianceState:
        """Ask for one generation, and learn from it."""
        low, high = oracle.bounds
        if not len(state.path):
            self._begin(oracle, state)
        n, count = len(state.x), self._count(state)
        drawn: Array = (state.rng.standard_normal((count, n)) * state.lengths) @ state.axes.T
        xs = np.clip((state.mean + state.sigma * state.unit * drawn).astype(state.x.dtype), low, high)
        values = oracle.values(xs)
        order = np.argsort(values, kind="stable")
        if values[order[0]] <= state.fun:
            state.x, state.fun = xs[order[0]].copy(), float(values[order[0]])
        if math.isfinite(values[order[0]]):
            # Where the bounds leave no room, what was drawn counts, so that the covariance does not go flat.
            steps = np.where(low < high, (xs - state.mean) / (state.sigma * state.unit), drawn)
            self._learn(state, steps[order])
        state.lowest = [*state.lowest, float(values[order[0]])][-(120 + 30 * n // count) :]
        state.spread = float(values.max() - values.min()) if np.isfinite(values).all() else math.inf
        state.stop = self._stopped(state)
        return state

    def _count(self, state: CovarianceState) -> int:
        return self.population or 4 + int(3 * math.log(len(state.x)))

    def _begin(self, oracle: Oracle, state: CovarianceState) -> None:
        low, high = oracle.bounds
        n, side = len(state.x), (high - low).astype(np.float64)
        state.unit = np.where(np.isfinite(side), np.maximum(side, 1e-300), np.maximum(abs(state.mean), 1))
        state.sigma, state.covariance, state.axes, state.lengths = self.size, np.eye(n), np.eye(n), np.ones(n)
        state.path_sigma, state.path = np.zeros(n), np.zeros(n)

    def _learn(self, state: CovarianceState, ys: Array) -> None:
        """Learn from the steps of a generation, (count, n), the best first."""
        count, n = ys.shape
        raw = math.log((count + 1) / 2) - np.log(np.arange(1.0, count + 1))
        good = raw > 0
        weights = raw / raw[good].sum()
        mass = 1 / float((weights[good] ** 2).sum())
        worse = raw[~good]
        mass_worse = float(worse.sum() ** 2 / (worse**2).sum())
        c_sigma, c_path = (mass + 2) / (n + mass + 5), (4 + mass / n) / (n + 4 + 2 * mass / n)
        damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + c_sigma
        c_one = 2 / ((n + 1.3) ** 2 + mass)
        c_mu = min(1 - c_one, 2 * (0.25 + mass + 1 / mass - 2) / ((n + 2) ** 2 + mass))
        most = min(1 + c_one / c_mu, 1 + 2 * mass_worse / (mass + 2), (1 - c_one - c_mu) / (n * c_mu))
        weights[~good] = worse * (most / -float(worse.sum()))
        step = weights[good] @ ys[good]
        state.mean = state.mean + state.sigma * state.unit * step
        white = (state.axes / state.lengths) @ (state.axes.T @ step)
        state.path_sigma = (1 - c_sigma) * state.path_sigma + math.sqrt(c_sigma * (2 - c_sigma) * mass) * white
        state.generation += 1
        length = float(np.linalg.norm(state.path_sigma))
        usual = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        slow = length / math.sqrt(1 - (1 - c_sigma) ** (2 * state.generation)) < (1.4 + 2 / (n + 1)) * usual
        state.path = (1 - c_path) * state.path + slow * math.sqrt(c_path * (2 - c_path) * mass) * step
        lost = (1 - slow) * c_one * c_path * (2 - c_path)
        # Negative weights are scaled by the length of their steps, so that the covariance stays positive definite.
        sizes = (((ys[~good] @ state.axes) / state.lengths) ** 2).sum(1)
        scaled = weights.copy()
        scaled[~good] *= n / np.maximum(sizes, 1e-12)
        kept = 1 + lost - c_one - c_mu * float(weights.sum())
        state.covariance = kept * state.covariance + c_one * np.outer(state.path, state.path)
        state.covariance += c_mu * (ys.T * scaled) @ ys
        state.sigma *= math.exp(min(1.0, (c_sigma / damping) * (length / usual - 1)))
        if state.generation % max(1, int(1 / (10 * n * (c_one + c_mu)))) == 0:
            state.covariance = (state.covariance + state.covariance.T) / 2
            squares, state.axes = np.linalg.eigh(state.covariance)
            state.lengths = np.sqrt(np.maximum(squares, squares.max() * 1e-16))

    def _stopped(self, state: CovarianceState) -> Stop | None:
        """Say why there is nothing more to expect."""
        n, count = len(state.x), self._count(state)
        recent = state.lowest[-(10 + 30 * n // count) :]
        known = len(recent) == 10 + 30 * n // count and math.isfinite(max(recent))
        if known and max(max(recent) - min(recent), state.spread) <= self.ftol:
            return Stop(True, f"The values of the last generations differ by no more than ftol = {self.ftol:g}.")
        if state.sigma * state.lengths.max() <= self.xtol:
            return Stop(True, f"No standard deviation exceeds xtol = {self.xtol:g}.")
        if state.lengths.max() > 1e7 * state.lengths.min():
            return Stop(False, "The covariance has degenerated: its condition exceeds 1e14.")
        history = state.lowest
        if len(history) == 120 + 30 * n // count and median(history[-20:]) >= median(history[:20]):
            return Stop(False, f"The lowest values of the last {len(history)} generations have not become lower.")
        return None
