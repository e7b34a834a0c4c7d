"""Simulated annealing: go uphill too, but less and less."""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Oracle
from optikit_optimizers.local_search import LocalSearch, LocalState, moved


@dataclass(kw_only=True, slots=True)
class AnnealingState(LocalState):
    """Also the temperature, infinite until the first values are known."""

    temperature: float


class SimulatedAnnealing(LocalSearch[AnnealingState]):
    r"""Simulated annealing in continuous variables: normal moves, one coordinate at a time, and geometric cooling.

    A move changes one coordinate.  From x to y it is made with probability

    .. math:: \min(1, \exp(-(f(y) - f(x)) / T))

    (Metropolis).  A step is one temperature: `moves` moves of every coordinate, taken in turn, from the best point so
    far.  Then T is multiplied by `cooling`, and every coordinate's size of moves is adapted as Corana et al. do:
    multiplied by up to 3 where more than 60 % of its moves were made, divided by up to 3 where fewer than 40 % were.
    So moves shrink as it gets cold, and the end is a local search.  Sizes are in units of the side of the box, or of
    max(1, abs(x)) where a bound is missing; moves are clipped to the bounds.

    Without a `temperature` the first step makes every move, as if it were infinitely hot, and takes the first
    temperature from the values that it saw: a rise from the lowest to the median of them would be made with
    probability 1/2.  So a small `size` also begins cold, and searches only nearby.

    Corana et al. draw moves uniformly, and adapt their sizes many times at one temperature.  On a plateau this search
    wanders until the budget ends.  With minibatches, whose values do not compare, it is of little use.

    References
    ----------
    Kirkpatrick, Gelatt and Vecchi (1983), "Optimization by simulated annealing", Science 220; Corana, Marchesi, Martini
    and Ridella (1987), "Minimizing multimodal functions of continuous variables with the simulated annealing
    algorithm", ACM Transactions on Mathematical Software 13.
    """

    name = "simulated-annealing"

    temperature: float | None = Field(default=None, gt=0)
    """First temperature, in units of the objective; from the first values if not given."""
    cooling: float = Field(default=0.9, gt=0, lt=1)
    """Factor for the temperature after each step; nearer to 1 is slower and surer."""
    moves: int = Field(default=10, ge=1)
    """Moves of every coordinate at one temperature."""

    def init(self, x0: Array, rng: np.random.Generator) -> AnnealingState:
        """Begin with the start point, of unknown value."""
        return AnnealingState(x=x0, rng=rng, size=np.full(len(x0), self.size), temperature=self.temperature or math.inf)

    def step(self, oracle: Oracle, state: AnnealingState) -> AnnealingState:
        """Make all moves of one temperature; the first step asks for the start point before."""
        bounds, rng = oracle.bounds, state.rng
        if math.isnan(state.fun):
            state.fun = oracle.value(state.x)
        x, fun, seen, made = state.x, state.fun, [state.fun], np.zeros(len(state.x))
        for i in list(range(len(x))) * self.moves:
            move = np.zeros(len(x))
            move[i] = state.size[i] * rng.standard_normal()
            target = moved(bounds, x, move)
            value = oracle.value(target)
            seen.append(value)
            # exp(-rise / T) is the probability that T times an exponential random number is at least the rise.
            if value <= fun or value - fun <= state.temperature * rng.exponential():
                made[i] += target[i] != x[i]  # a move that clipping undid is none
                x, fun = target, value
            if value <= state.fun:
                state.x, state.fun = target, value
        if math.isinf(state.temperature):
            state.temperature = _first_temperature(np.array(seen))
            return state
        state.temperature *= self.cooling
        return self.resized(bounds, state, _factor(made / self.moves))


def _first_temperature(values: Array) -> float:
    """Make a rise from the lowest to the median value as likely as not; infinite where there is no rise."""
    values = values[np.isfinite(values)]
    rise = float(np.median(values) - values.min()) if len(values) else 0.0
    return rise / math.log(2) or math.inf


def _factor(made: Array) -> Array:
    """Give the factors for the sizes of moves, of which these shares were made: Corana's rule with its constants."""
    more, less = np.maximum(made - 0.6, 0) / 0.4, np.maximum(0.4 - made, 0) / 0.4
    return (1 + 2 * more) / (1 + 2 * less)
