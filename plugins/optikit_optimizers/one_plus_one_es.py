"""The (1+1)-ES: one parent, one child, and the better of them goes on."""

import math

import numpy as np
from pydantic import Field

from optikit import Array, Oracle
from optikit_optimizers.local_search import LocalSearch, LocalState, loose, moved


class OnePlusOneES(LocalSearch[LocalState]):
    r"""(1+1) evolution strategy with the one-fifth rule: one normal move a step, kept if it is no worse.

    .. math:: y = x + \sigma u z, \quad z \sim N(0, I), \qquad \sigma \leftarrow \alpha \sigma

    if :math:`f(y) < f(x)`, and otherwise :math:`\sigma \leftarrow \alpha^{-p / (1 - p)} \sigma`, with u the side of the
    box, or max(1, abs(x)) where a bound is missing.  The size :math:`\sigma` stays where a fraction p = `success_rate`
    of the moves is a success, on the average: Rechenberg's rule in the smooth form of Kern et al.

    Moves are clipped to the bounds, so a minimum on the boundary is reached exactly, and a coordinate at a bound moves
    with probability 1/n only, so the search is not stuck in a corner.  Here this differs from the papers, which have no
    bounds; and a move to an equal value is made, but is no success, so that moves do not grow on a plateau.
    The search is local and slow on narrow valleys: evaluations grow with the condition number.  With minibatches, whose
    values do not compare, it is of little use.

    References
    ----------
    Rechenberg (1973), "Evolutionsstrategie", Frommann-Holzboog; Kern, Müller, Hansen, Büche, Ocenasek and Koumoutsakos
    (2004), "Learning probability distributions in continuous evolutionary algorithms - a comparative review",
    Natural Computing 3.
    """

    name = "one-plus-one-es"

    growth: float = Field(default=1.5, gt=1, le=10)
    r"""Factor :math:`\alpha` by which a success makes moves larger."""
    success_rate: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of successes that keeps the size of moves; one fifth is near the best on many functions."""

    def init(self, x0: Array, rng: np.random.Generator) -> LocalState:
        """Begin with the start point, of unknown value."""
        return LocalState(x=x0, rng=rng, size=np.full(len(x0), self.size))

    def step(self, oracle: Oracle, state: LocalState) -> LocalState:
        """Ask for one child; the first step asks for the start point."""
        bounds = oracle.bounds
        if math.isnan(state.fun):
            state.fun = oracle.value(state.x)
            return state
        move = state.size * state.rng.standard_normal(len(state.x)) * loose(bounds, state.x, state.rng)
        child = moved(bounds, state.x, move)
        value = oracle.value(child)
        success = value < state.fun
        if value <= state.fun:
            state.x, state.fun = child, value
        rate = self.success_rate
        return self.resized(bounds, state, self.growth if success else self.growth ** (-rate / (1 - rate)))
