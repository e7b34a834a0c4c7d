"""Random search that learns its step: long steps where they help, shorter ones where nothing does."""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Oracle
from optikit_optimizers.local_search import LocalSearch, LocalState, loose, moved


@dataclass(kw_only=True, slots=True)
class AdaptiveState(LocalState):
    """Also the steps since the last improvement."""

    failures: int = 0


class AdaptiveRandomSearch(LocalSearch[AdaptiveState]):
    """Adaptive step size random search: a step and a longer one in random directions, from the best point.

    Every step asks at two points, in directions uniform on the sphere: one at a distance of the present size, one
    `growth` times farther.  The better one is gone to if it improves on the best point, and if it is the farther one,
    its size is the new size.  After `patience` steps without an improvement the size is multiplied by `shrink`.
    Sizes are in units of the side of the box, or of max(1, abs(x)) where a bound is missing.

    Points outside the bounds are clipped to them, and a coordinate at a bound moves with probability 1/n only, so that
    the search is not stuck in a corner.  The original has no bounds, and now and then tries a step that is very much
    longer; here it does not.  The search is local: it finds one minimum.  With minibatches, whose values do not
    compare, it is of little use.

    References
    ----------
    Schumer and Steiglitz (1968), "Adaptive step size random search", IEEE Transactions on Automatic Control 13.
    """

    name = "adaptive-random-search"

    growth: float = Field(default=1.5, gt=1, le=10)
    """How many times farther the second point is."""
    shrink: float = Field(default=0.7, gt=0, lt=1)
    """Factor for the size after too many failures."""
    patience: int = Field(default=2, ge=1)
    """Steps without an improvement before the size shrinks."""

    def init(self, x0: Array, rng: np.random.Generator) -> AdaptiveState:
        """Begin with the start point, of unknown value."""
        return AdaptiveState(x=x0, rng=rng, size=np.full(len(x0), self.size))

    def step(self, oracle: Oracle, state: AdaptiveState) -> AdaptiveState:
        """Ask for a near and a far point in one batch; the first step asks for the start point."""
        bounds = oracle.bounds
        if math.isnan(state.fun):
            state.fun = oracle.value(state.x)
            return state
        near, far = (u / np.linalg.norm(u) for u in state.rng.standard_normal((2, len(state.x))))
        points = [
            moved(bounds, state.x, move * loose(bounds, state.x, state.rng))
            for move in (state.size * near, self.growth * state.size * far)
        ]
        values = oracle.values(np.stack(points))
        best = int(values.argmin())
        state.failures = 0 if values[best] < state.fun else state.failures + 1
        if values[best] <= state.fun:
            state.x, state.fun = points[best], float(values[best])
        if state.failures == 0:
            return self.resized(bounds, state, self.growth if best else 1.0)
        if state.failures < self.patience:
            return state
        state.failures = 0
        return self.resized(bounds, state, self.shrink)
