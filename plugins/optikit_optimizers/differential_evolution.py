"""Differential evolution, a generation a step: differences of the population say how far to move, and in which way."""

from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State, Stop


@dataclass(kw_only=True, slots=True)
class DifferentialState(State):
    """The population; the arrays are empty before the first step."""

    rng: np.random.Generator
    points: Array = field(default_factory=lambda: np.empty((0, 0)))
    values: Array = field(default_factory=lambda: np.empty(0))


class DifferentialEvolution(Optimizer[DifferentialState]):
    r"""Differential evolution, best/1/bin: each point is crossed with one beside the best, and the better one stays.

    .. math:: v = x_{best} + F (x_a - x_b), \qquad u_i = v_i \text{ with probability } CR, \text{ otherwise } x_i

    with F drawn anew for each generation.  It searches a box, from a Latin hypercube that holds the start point, too;
    what would leave the box is drawn anew.  The choice for rough functions with few parameters, and many evaluations.

    References
    ----------
    Storn and Price (1997), "Differential evolution - a simple and efficient heuristic for global optimization over
    continuous spaces", Journal of Global Optimization 11.
    """

    name = "differential-evolution"

    population: int = Field(default=15, ge=2)
    """Points for each parameter; at least 5 in all."""
    weight: tuple[float, float] = (0.5, 1.0)
    """From where F is drawn."""
    crossover: float = Field(default=0.7, ge=0, le=1)
    """The probability CR."""
    tol: float = Field(default=1e-8, ge=0)
    """Stop when the values of the population spread by no more than this share of their mean, or of 1e-8."""

    def init(self, x0: Array, rng: np.random.Generator) -> DifferentialState:
        """Begin at the start point."""
        return DifferentialState(x=x0, rng=rng)

    def moved(self, state: DifferentialState, x: Array) -> DifferentialState:
        """Begin anew there."""
        return DifferentialState(x=x.copy(), rng=state.rng)

    def step(self, oracle: Oracle, state: DifferentialState) -> DifferentialState:
        """Ask for one generation."""
        low, high = oracle.box
        n, rng = len(state.x), state.rng
        count = max(5, self.population * n)
        if not len(state.values):
            cells = np.stack([rng.permutation(count) for _ in range(n)], axis=1)
            points = low + (high - low) * ((cells + rng.random((count, n))) / count)
            points = np.clip(points.astype(state.x.dtype), low, high)
            points[0] = state.x
            state.points, state.values = points, oracle.values(points)
        else:
            a, b = rng.integers(count, size=(2, count))
            best = state.points[int(state.values.argmin())]
            trial = best + rng.uniform(*self.weight) * (state.points[a] - state.points[b])
            taken = rng.random((count, n)) < self.crossover
            taken[np.arange(count), rng.integers(n, size=count)] = True
            fresh = low + (high - low) * rng.random((count, n))
            trial = np.where((trial < low) | (trial > high), fresh, trial)
            trial = np.clip(np.where(taken, trial, state.points).astype(state.x.dtype), low, high)
            values = oracle.values(trial)
            better = values <= state.values
            state.points = np.where(better[:, None], trial, state.points)
            state.values = np.where(better, values, state.values)
        state.x = state.points[int(state.values.argmin())].copy()
        if not np.isfinite(state.values).all():
            return state
        spread = float(np.ptp(state.values))
        if spread <= self.tol * max(abs(float(np.mean(state.values))), 1e-8):
            state.stop = Stop(True, f"The values of the population differ by no more than {spread:.1g}.")
        return state
