"""BFGS with the whole matrix: a quasi-Newton method that makes its own differences where there is no gradient."""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State, Stop, stuck

Found: TypeAlias = tuple[Array, float, Array]
"""A point, the value, and the gradient, which is empty where it is not known yet."""

_DECREASE = 1e-4
"""Share of the decrease that the slope promises which a step has to bring (c1 of Armijo's condition)."""
_HALVINGS = 25
"""Steps that a line search tries."""


@dataclass(kw_only=True, slots=True)
class BfgsState(State):
    """Where it is, and what it has learnt of the curvature; the arrays are empty before the first step."""

    value: float = math.nan
    gradient: Array = field(default_factory=lambda: np.empty(0))
    hessian: Array = field(default_factory=lambda: np.empty((0, 0)))
    """Symmetric and positive definite, (n, n)."""
    central: bool = False
    """Whether differences are taken on both sides by now."""
    steps: int = 0
    """Since the matrix was last made anew."""


class Bfgs(Optimizer[BfgsState]):
    r"""BFGS with the whole matrix and projected bounds, on exact gradients or on differences of its own.

    .. math:: d = -B^{-1} g, \qquad B \leftarrow B - \frac{B s s^T B}{s^T B s} + \frac{y y^T}{y^T s}

    with s the last step and y what it did to the gradient g, damped where the curvature along s is not positive.  Each
    step is followed by backtracking.  Coordinates that lean on a bound are left out, and the way bends at the others.

    If the problem has no gradient and the user has chosen no estimator, each gradient is made of n values, asked as one
    batch: forward differences, and when these lead down no more, central ones.  It needs n by n numbers.

    References
    ----------
    Broyden, Fletcher, Goldfarb and Shanno (1970); damping after Powell (1978), "A fast algorithm for nonlinearly
    constrained optimization calculations", Lecture Notes in Mathematics 630; bounds after Bertsekas (1982), "Projected
    Newton methods for optimization problems with simple constraints", SIAM Journal on Control and Optimization 20.
    """

    name = "bfgs"

    gtol: float = Field(default=0.0, ge=0)
    """Stop when no component of the gradient exceeds this; one that points out of the box at a bound does not count."""
    xtol: float = Field(default=1e-14, ge=0)
    """Stop when a step changes no coordinate by more than this share of the side of the box, or of max(1, abs(x))."""

    def init(self, x0: Array, rng: np.random.Generator) -> BfgsState:
        """Know nothing yet."""
        return BfgsState(x=x0)

    def moved(self, state: BfgsState, x: Array) -> BfgsState:
        """Begin anew: the curvature is that of another place."""
        return BfgsState(x=x.copy())

    def step(self, oracle: Oracle, state: BfgsState) -> BfgsState:
        """Choose a direction and go along it as far as it leads down."""
        x, bounds = state.x, oracle.bounds
        if not len(state.gradient):
            state.value, state.gradient = self._slope(oracle, x, math.nan, state.central)
            state.hessian, state.steps = np.eye(len(x)), 0
            if not math.isfinite(state.value):
                state.stop = Stop(False, "The value at the start is not finite; start where it is.")
                return state
        gradient = state.gradient
        free = ~stuck(x, gradient, bounds)
        if not abs(gradient[free]).max(initial=0) > self.gtol:
            state.stop = Stop(True, f"No component of the gradient exceeds gtol = {self.gtol:g}.")
            return state
        direction = np.zeros_like(x)
        direction[free] = _solved(state.hessian[np.ix_(free, free)], -gradient[free])
        found = self._search(oracle, state, direction)
        if found is None:
            return self._sharper(oracle, state)
        x, value, gradient = found
        if not len(gradient):
            value, gradient = self._slope(oracle, x, value, state.central)
        small = abs(x - state.x) <= self.xtol * _unit(bounds, x)
        self._learn(state, x - state.x, gradient - state.gradient)
        state.x, state.value, state.gradient = x, value, gradient
        return self._sharper(oracle, state) if small.all() else state

    def _search(self, oracle: Oracle, state: BfgsState, direction: Array) -> Found | None:
        """Backtrack until the value is low enough; where the whole step is better than promised, go farther."""
        (low, high), x = oracle.bounds, state.x
        reach = _unit((low, high), x)
        if state.steps == 0:
            # Nothing is known of how far is far: a tenth of the box, or of the size of x.
            direction = direction * min(1.0, 0.1 / float((abs(direction) / reach).max()))
        t = 1.0
        for tried in range(_HALVINGS):
            y = np.clip(x + t * direction, low, high)
            promised = float(state.gradient @ (y - x))
            if np.array_equal(y, x) or promised >= 0:
                return None
            value, gradient = _asked(oracle, y)
            if value < state.value and value <= state.value + _DECREASE * promised:
                while tried == 0 and value <= state.value + 0.7 * promised:
                    t *= 3
                    z = np.clip(x + t * direction, low, high)
                    if np.array_equal(y, z):
                        break
                    further, slopes = _asked(oracle, z)
                    if not further < value:
                        break
                    y, value, gradient, promised = z, further, slopes, float(state.gradient @ (z - x))
                return y, value, gradient
            bend = value - state.value - promised
            t *= float(np.clip(-promised / (2 * bend), 0.1, 0.5)) if math.isfinite(value) and bend > 0 else 0.1
        return None

    def _learn(self, state: BfgsState, s: Array, y: Array) -> None:
        """Take a step, and what it did to the gradient, into the matrix."""
        if not (np.isfinite(y).all() and y.any()):
            return
        if state.steps == 0 and (bend := float(s @ y)) > 0:
            # A tenth: a matrix that is too large in some directions is corrected far more slowly than one too small.
            state.hessian = state.hessian * (0.1 * bend / float(s @ s))
        image = state.hessian @ s
        along, bend = float(s @ image), float(s @ y)
        if bend < 0.2 * along:
            share = 0.8 * along / (along - bend)
            y = share * y + (1 - share) * image
            bend = float(s @ y)
        if along > 0 and bend > 0:
            state.hessian = state.hessian - np.outer(image, image) / along + np.outer(y, y) / bend
        state.steps += 1

    def _sharper(self, oracle: Oracle, state: BfgsState) -> BfgsState:
        """Forget the curvature; if there is none, take central differences; if that is done, stop."""
        if state.steps:
            state.hessian, state.steps = np.eye(len(state.x)), 0
        elif not state.central and not oracle.differentiable:
            state.central = True
            state.value, state.gradient = self._slope(oracle, state.x, state.value, central=True)
        else:
            state.stop = Stop(True, "No lower value was found along the gradient.")
        return state

    def _slope(self, oracle: Oracle, x: Array, value: float, central: bool) -> tuple[float, Array]:
        """Ask for the gradient, or make it of values; `value` is NaN where it is not known."""
        if oracle.differentiable:
            return oracle.value_and_grad(x)
        n, (low, high), eps = len(x), oracle.bounds, np.finfo(x.dtype).eps
        h = eps ** (1 / 3 if central else 1 / 2) * np.maximum(abs(x), 1)
        up, down = np.minimum(x + h, high).astype(x.dtype), np.maximum(x - h, low).astype(x.dtype)
        if not central:
            up = np.where(high - x >= h, up, down)  # one side is enough, and the box has the other
            down = x
        sides = [up, down] if central else [up]
        points = np.repeat(x[None], n * len(sides), axis=0)
        for number, side in enumerate(sides):
            points[number * n + np.arange(n), np.arange(n)] = side
        asked = np.concatenate([x[None], points]) if math.isnan(value) else points
        values = oracle.values(asked)
        if math.isnan(value):
            value, values = float(values[0]), values[1:]
        other = values[n:] if central else value
        with np.errstate(invalid="ignore", divide="ignore"):
            gradient = np.where(up == down, 0, (values[:n] - other) / (up - down))
        return value, np.where(np.isfinite(gradient), gradient, 0).astype(x.dtype)


def _asked(oracle: Oracle, x: Array) -> tuple[float, Array]:
    """Ask for the value, and for the gradient, too, if it comes with it at no cost."""
    return oracle.value_and_grad(x) if oracle.differentiable else (oracle.value(x), np.empty(0))


def _solved(matrix: Array, right: Array) -> Array:
    """Solve with a positive definite matrix; with the identity, if rounding has made it something else."""
    try:
        np.linalg.cholesky(matrix)
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return right


def _unit(bounds: tuple[Array, Array], x: Array) -> Array:
    side = bounds[1] - bounds[0]
    return np.where(np.isfinite(side), np.maximum(side, np.finfo(x.dtype).tiny), np.maximum(abs(x), 1))
