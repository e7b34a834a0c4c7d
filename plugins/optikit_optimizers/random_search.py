"""The search that knows nothing: the baseline that every other optimizer has to beat."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State
from optikit_optimizers.space_filling import Sobol, latin_hypercube, take_sobol


@dataclass(kw_only=True, slots=True)
class RandomSearchState(State):
    """The best point so far, and what was found there."""

    rng: np.random.Generator
    fun: float = math.inf
    sobol: Sobol | None = None
    """Where the sequence has got to, if points are drawn from one."""


class RandomSearch(Optimizer[RandomSearchState]):
    """Draw points from the problem's initial distribution, or space-filling in the box, and keep the best.

    The initial distribution is the model's own for a model, and uniform in the box for a function, which needs finite
    bounds.  The start point is not evaluated.

    References
    ----------
    Brooks (1958), "A discussion of random methods for seeking maxima", Operations Research 6; Sobol (1967), with the
    scrambling of Matoušek (1998); McKay, Beckman and Conover (1979), "A comparison of three methods for selecting
    values of input variables", Technometrics 21.
    """

    name = "random-search"

    samples: int = Field(default=1, ge=1)
    """Points drawn a step, evaluated in one batch."""
    draw: Literal["initial", "sobol", "latin-hypercube"] = "initial"
    """Where points come from: the problem's initial distribution; one scrambled Sobol sequence, through all steps; or a
    Latin hypercube of `samples` points, a new one every step (one of a single point is just a random point).  The last
    two fill a finite box evenly and need SciPy, which optikit[scipy] installs."""

    def init(self, x0: Array, rng: np.random.Generator) -> RandomSearchState:
        """Begin with the start point, of unknown value."""
        sobol = Sobol(seed=int(rng.integers(2**63))) if self.draw == "sobol" else None
        return RandomSearchState(x=x0, rng=rng, sobol=sobol)

    def step(self, oracle: Oracle, state: RandomSearchState) -> RandomSearchState:
        """Draw a batch of points; go to the best of them if it beats all before."""
        xs = self._points(oracle, state)
        values = oracle.values(xs)
        best = int(values.argmin())
        if values[best] < state.fun:
            state.x, state.fun = xs[best], float(values[best])
        return state

    def moved(self, state: RandomSearchState, x: Array) -> RandomSearchState:
        """Draw on; the value there is unknown."""
        state.x, state.fun = x.copy(), math.inf
        return state

    def _points(self, oracle: Oracle, state: RandomSearchState) -> Array:
        if self.draw == "initial":
            return oracle.draws(state.rng, self.samples)
        low, high = oracle.box
        n = len(state.x)
        u = take_sobol(state.sobol, self.samples, n) if state.sobol else latin_hypercube(self.samples, n, state.rng)
        # Not low + u * (high - low), whose difference may overflow; rounding may leave the box by the last place.
        return np.clip((low * (1 - u) + high * u).astype(state.x.dtype), low, high)
