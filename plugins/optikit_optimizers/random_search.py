"""The search that knows nothing: the baseline that every other optimizer has to beat."""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State


@dataclass(kw_only=True, slots=True)
class RandomSearchState(State):
    """The best point so far, and what was found there."""

    rng: np.random.Generator
    fun: float = math.inf


class RandomSearch(Optimizer[RandomSearchState]):
    """Draw points from the problem's initial distribution and keep the best.

    That distribution is the model's own for a model, and uniform in the box for a function, which needs finite bounds.
    The start point is not evaluated.

    References
    ----------
    Brooks (1958), "A discussion of random methods for seeking maxima", Operations Research 6.
    """

    name = "random-search"

    samples: int = Field(default=1, ge=1)
    """Points drawn a step, evaluated in one batch."""

    def init(self, x0: Array, rng: np.random.Generator) -> RandomSearchState:
        """Begin with the start point, of unknown value."""
        return RandomSearchState(x=x0, rng=rng)

    def step(self, oracle: Oracle, state: RandomSearchState) -> RandomSearchState:
        """Draw a batch of points; go to the best of them if it beats all before."""
        xs = np.stack([oracle.draw(state.rng) for _ in range(self.samples)])
        values = oracle.values(xs)
        best = int(values.argmin())
        if values[best] < state.fun:
            state.x, state.fun = xs[best], float(values[best])
        return state
