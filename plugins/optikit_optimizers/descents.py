"""Descents: a direction from the last gradients, and a line search along it."""

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, final

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State, Stop, stuck
from optikit_optimizers.line_search import Place, Way, along, armijo, strong_wolfe


@dataclass(kw_only=True, slots=True)
class DescentState(State):
    """Where it is, and how it came there; the arrays are empty before the first step."""

    gradient: Array = field(default_factory=lambda: np.empty(0))
    before: Array = field(default_factory=lambda: np.empty(0))
    """The gradient before."""
    direction: Array = field(default_factory=lambda: np.empty(0))
    """The last."""
    value: float = math.nan
    slope: float = math.nan
    """Along the last direction, at its beginning."""
    t: float = math.nan
    """Length of the last step, in units of the last direction."""


D = TypeVar("D", bound=DescentState)


class Descent(Optimizer[D], Generic[D]):
    """A direction and a line search, for functions that do not change from step to step.

    With bounds the way is clipped to them, and coordinates that lean on a bound are left out of the direction; where
    the way bends at a bound, the line search asks for decrease only.  It stops when no component of the gradient
    exceeds `gtol` (one that points out of the box at a bound does not count), or when no lower value is found along the
    gradient itself.
    """

    gtol: float = Field(default=1e-6, ge=0)
    """Stop when the largest absolute component of the gradient is at most this."""

    @abstractmethod
    def begin(self, x0: Array) -> D:
        """Give the first state."""

    @abstractmethod
    def direct(self, state: D, gradient: Array) -> Array:
        """Give the next direction from the gradient, which is 0 in coordinates that cannot move; nothing is changed."""

    @abstractmethod
    def search(self, way: Way, start: Place, t: float) -> Place | None:
        """Go along it, first by t."""

    def first(self, state: D, direction: Array, slope: float) -> float:
        """Guess the step: as much decrease to first order as last time; at first a length of 1, or of the gradient."""
        if not math.isnan(state.t):
            return float(np.clip(1.01 * state.t * state.slope / slope, 1e-3 * state.t, 1e3 * state.t))
        return min(1.0, 1 / float(np.linalg.norm(direction)))

    def learn(self, state: D, step: Array, change: Array) -> None:
        """Take a step, and what it did to the gradient, into the memory, for those who have more than one."""

    def moved(self, state: D, x: Array) -> D:
        """Begin anew: gradient and direction are those of another point."""
        return self.begin(x.copy())

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> D:
        """Know nothing yet."""
        return self.begin(x0)

    @final
    def step(self, oracle: Oracle, state: D) -> D:
        """Choose a direction and search along it; if that fails, along the gradient."""
        x, value, gradient = state.x, state.value, state.gradient
        low, high = oracle.bounds
        if not len(gradient):
            value, gradient = oracle.value_and_grad(x)
            state.value, state.gradient = value, gradient
            if not math.isfinite(value):
                state.stop = Stop(False, "The value at the start is not finite; start where it is.")
                return state
        free = ~stuck(x, gradient, (low, high))
        if not abs(gradient[free]).max(initial=0) > self.gtol:
            state.stop = Stop(True, f"No component of the gradient exceeds gtol = {self.gtol:g}.")
            return state
        bounded, boxed = oracle.bounded, bool(np.isfinite(low).all() and np.isfinite(high).all())
        # Cut off at the box, no coordinate with a large slope hides the others.
        steepest = np.clip(x - gradient, low, high) - x if bounded else -gradient
        directions = [steepest]
        if len(state.direction):
            directions.insert(0, np.where(free, self.direct(state, np.where(free, gradient, 0)), 0))
        for direction in directions:
            slope = float(gradient @ direction)
            if not slope < 0:
                continue
            start = Place(0.0, x, value, gradient, slope)
            way, t = along(oracle, x, direction), self.first(state, direction, slope)
            if boxed and math.isnan(state.t):
                t = 1.0  # the box says how far is far
            # Where the way bends at a bound only the decrease can be asked for.
            straight = x + t * direction
            bends = bounded and not np.array_equal(np.clip(straight, low, high), straight)
            place = armijo(way, start, t) if bends else self.search(way, start, t)
            if place is not None:
                self.learn(state, place.x - x, place.gradient - gradient)
                state.x, state.value, state.gradient, state.t = place.x, place.value, place.gradient, place.t
                state.before, state.direction, state.slope = gradient, direction, slope
                return state
        largest = abs(gradient[free]).max()
        message = f"No lower value was found along the gradient, whose largest component is {largest:.2g}"
        state.stop = Stop(False, f"{message}: rounding or noise hides it, or the gradient is wrong.")
        return state


class _Memoryless(Descent[DescentState]):
    """Remembers the last step only."""

    def begin(self, x0: Array) -> DescentState:
        """Know nothing yet."""
        return DescentState(x=x0)


class LineSearchDescent(_Memoryless):
    """Gradient descent that finds its step length by a line search, so that no learning rate need be chosen.

    References
    ----------
    Cauchy (1847); the line searches are in `optikit_optimizers.line_search`.
    """

    name = "line-search-descent"

    condition: Literal["armijo", "strong-wolfe"] = "armijo"
    """What a step must fulfil: enough decrease, or also a slope that is small; always the first where the way
    bends at a bound."""

    def direct(self, state: DescentState, gradient: Array) -> Array:
        """Go against the gradient."""
        return -gradient

    def search(self, way: Way, start: Place, t: float) -> Place | None:
        """Search as was chosen; backtracking begins a little further, so that steps can grow."""
        return armijo(way, start, 2 * t) if self.condition == "armijo" else strong_wolfe(way, start, t, 0.9)


class ConjugateGradients(_Memoryless):
    r"""Nonlinear conjugate gradients: each direction keeps something of the last, so that valleys are followed.

    .. math:: d \leftarrow -g + \max\left(0, \frac{g^T (g - g')}{g'^T g'}\right) d'

    Polak and Ribière's formula, restarted where it is negative.  Needs a few vectors of memory only, and a smooth
    function.

    References
    ----------
    Polak and Ribière (1969); Nocedal and Wright (2006), "Numerical optimization", chapter 5.
    """

    name = "conjugate-gradients"

    curvature: float = Field(default=0.1, gt=1e-4, lt=0.5)
    """How much of the slope a line search may leave; less makes better directions and dearer searches."""

    def direct(self, state: DescentState, gradient: Array) -> Array:
        """Mix the last direction in."""
        before = state.before
        share = max(0.0, float(gradient @ (gradient - before)) / float(before @ before))
        return share * state.direction - gradient

    def search(self, way: Way, start: Place, t: float) -> Place | None:
        """Search for a small slope, on which conjugacy rests."""
        return strong_wolfe(way, start, t, self.curvature)
