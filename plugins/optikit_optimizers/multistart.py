"""Multistart: a local optimizer from many points, since each finds only the minimum of its own valley."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, Optimizer, Oracle, Part, Solver, State, Stop


@dataclass(kw_only=True, slots=True)
class Start:
    """One that runs."""

    inner: State
    count: int = 0
    """Steps until now."""


@dataclass(kw_only=True, slots=True)
class MultistartState(State):
    """The best point of all starts that have ended is x."""

    running: list[Start]
    rng: np.random.Generator
    begun: int = 1
    """Starts until now."""
    fun: float = math.inf
    """The value at x."""
    excess: float = math.inf
    """By how much x violates the constraints, if there are any, beyond the tolerance."""


_Found = tuple[float, float]
"""The excess and the value at the point where a start ended, in the order by which points are compared."""


class Multistart(Optimizer[MultistartState]):
    """Multistart: runs an optimizer from the start point, then from points drawn at random, and keeps the best.

    The points are drawn from the problem's initial distribution: uniform in the box for a function, which needs finite
    bounds then, and the model's own for a model.  A start ends when its optimizer stops, or after `max_steps`; then its
    point is evaluated once.

    With `together` above 1 a step is one step of each of so many starts, which are asked as one batch what they all ask
    for at the same time, difference quotients included: that many workers have something to do.

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
    together: int = Field(default=1, ge=1)
    """Starts that run side by side.  The numbers depend on it, and never on how many workers there are."""
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
        return MultistartState(x=x0, running=[Start(inner=self.optimizer.init(x0.copy(), inner))], rng=own)

    def step(self, oracle: Oracle, state: MultistartState) -> MultistartState:
        """Make a step of each start that runs, and of others in the place of those that have ended."""
        if state.begun < self.starts:
            oracle.draws(state.rng, 0)  # refused before anything is evaluated, where there is no other start to draw
        others = min(self.together - len(state.running), self.starts - state.begun)
        calls = [partial(self._go, oracle, start) for start in state.running]
        calls += [partial(self._begin, oracle, state.rng)] * others
        running, x, fun, excess = list[Start](), state.x, state.fun, state.excess
        for start, found in oracle.side_by_side(calls):
            if found is None:
                running.append(start)
            elif found < (excess, fun) or not math.isfinite(fun):
                x, (excess, fun) = np.array(start.inner.x), found
        begun, stop = state.begun + others, None
        if not running and begun == self.starts:
            stop = Stop(math.isfinite(fun), f"All {self.starts:,} starts are done.")
        return MultistartState(x=x, running=running, rng=state.rng, begun=begun, fun=fun, excess=excess, stop=stop)

    def _begin(self, oracle: Oracle, rng: np.random.Generator) -> tuple[Start, _Found | None]:
        """Draw a start, and make its first step."""
        # Here, so that the start before has asked: whether it honours bounds is seen before they are read for this one.
        return self._go(oracle, self._at(oracle.draw(rng), rng))

    def _at(self, x: Array, rng: np.random.Generator) -> Start:
        return Start(inner=self.optimizer.init(x, np.random.default_rng(int(rng.integers(2**63)))))

    def _go(self, oracle: Oracle, start: Start) -> tuple[Start, _Found | None]:
        """Make a step of a start, and say what it has found if that was the last one."""
        inner, count = self.optimizer.step(oracle, start.inner), start.count + 1
        start = Start(inner=inner, count=count)
        if inner.stop is None and count != self.max_steps:
            return start, None
        value = oracle.value(inner.x)
        # Read behind the first question, as it is the inner optimizer that honours them, or does not.
        constraints = oracle.constraints
        return start, (0.0 if constraints is None else constraints.excess(inner.x), value)

    def moved(self, state: MultistartState, x: Array) -> MultistartState:
        """Take a start that runs there; what was found before counts no more."""
        running, begun = state.running, state.begun
        if running:
            here = Start(inner=self.optimizer.moved(running[0].inner, x))
        else:
            here, begun = self._at(x.copy(), state.rng), begun + 1
        return MultistartState(x=x.copy(), running=[here, *running[1:]], rng=state.rng, begun=begun)
