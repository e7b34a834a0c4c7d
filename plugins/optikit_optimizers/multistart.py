"""Multistart: a local optimizer from many points, since each finds only the minimum of its own valley."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, Optimizer, Oracle, Part, Solver, State, Stop


@dataclass(kw_only=True, slots=True)
class MultistartState(State):
    """The best point of all starts is x."""

    inner: State
    rng: np.random.Generator
    fun: float = math.inf
    """The value there."""
    excess: float = math.inf
    """By how much it violates the constraints, if there are any, beyond the tolerance."""
    start: int = 1
    """Which start it is."""
    count: int = 0
    """Steps since then."""


class Multistart(Optimizer[MultistartState]):
    """Multistart: runs an optimizer from the start point, then from points drawn at random, and keeps the best.

    The points are drawn from the problem's initial distribution: uniform in the box for a function, which needs finite
    bounds then, and the model's own for a model.  A start ends when its optimizer stops, or after `max_steps`; then its
    point is evaluated once.

    References
    ----------
    Rinnooy Kan and Timmer (1987), "Stochastic global optimization methods I", Mathematical Programming 39; here without
    clustering.
    """

    name = "multistart"

    optimizer: Annotated[Optimizer[Any], Part("optimizer")]
    """What goes down from each start."""
    starts: int = Field(default=10, ge=1)
    """How many."""
    max_steps: int | None = Field(default=None, ge=1)
    """Most steps of each; as many as the optimizer likes if not given.  Not for a solver that owns its loop, as that
    is one long step."""

    @model_validator(mode="after")
    def _counts_steps(self) -> Self:
        if self.max_steps is not None and isinstance(self.optimizer, Solver):
            raise ValueError(
                f"max_steps is {self.max_steps}, but {self.optimizer.name} does everything in one step; leave it out, "
                f"and end each start by the options of {self.optimizer.name}"
            )
        return self

    def init(self, x0: Array, rng: np.random.Generator) -> MultistartState:
        """Begin at the start point."""
        own, inner = rng.spawn(2)
        return MultistartState(x=x0, inner=self.optimizer.init(x0.copy(), inner), rng=own)

    def step(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """Make a step of the start that runs; where it ends, draw another."""
        if state.count == 0 and state.start < self.starts:
            oracle.draws(state.rng, 0)  # refused before anything is evaluated, where there is no other start to draw
        inner, x, fun, excess = self.optimizer.step(oracle, state.inner), state.x, state.fun, state.excess
        start, count, stop = state.start, state.count + 1, None
        if inner.stop is not None or count == self.max_steps:
            value = oracle.value(inner.x)
            # Read behind the first question, as it is the inner optimizer that honours them, or does not.
            constraints = oracle.constraints
            beyond = 0.0 if constraints is None else constraints.excess(inner.x)
            if (beyond, value) < (excess, fun) or not math.isfinite(fun):
                x, fun, excess = np.array(inner.x), value, beyond
            if start == self.starts:
                stop = Stop(math.isfinite(fun), f"All {self.starts:,} starts are done.")
            else:
                start, count = start + 1, 0
                point = oracle.draw(state.rng)
                inner = self.optimizer.init(point, np.random.default_rng(int(state.rng.integers(2**63))))
        return MultistartState(
            x=x, inner=inner, rng=state.rng, fun=fun, excess=excess, start=start, count=count, stop=stop
        )

    def moved(self, state: MultistartState, x: Array) -> MultistartState:
        """Take the start that runs there; what was found before counts no more."""
        inner = self.optimizer.moved(state.inner, x)
        return MultistartState(x=x.copy(), inner=inner, rng=state.rng, start=state.start)
