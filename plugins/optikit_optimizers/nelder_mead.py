"""Nelder-Mead, an iteration a step: a simplex that reflects, stretches and shrinks its way down."""

from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from optikit import Array, Bounds, Optimizer, Oracle, State, Stop


@dataclass(kw_only=True, slots=True)
class SimplexState(State):
    """The corners in the order of their values; the arrays are empty before the first step."""

    points: Array = field(default_factory=lambda: np.empty((0, 0)))
    values: Array = field(default_factory=lambda: np.empty(0))


class NelderMead(Optimizer[SimplexState]):
    """Nelder-Mead: n + 1 points, the worst of which is reflected at the others, for rough functions of few parameters.

    The coefficients depend on the number of parameters, so that the simplex keeps its volume in many dimensions.  With
    a large first simplex it looks beyond the nearest minimum.  Corners outside the bounds are clipped; a simplex that
    is flat for that, or for other reasons, ends where it is, which need not be a minimum.

    References
    ----------
    Nelder and Mead (1965), "A simplex method for function minimization", The Computer Journal 7; Gao and Han (2012),
    "Implementing the Nelder-Mead simplex algorithm with adaptive parameters", Computational Optimization and
    Applications 51.
    """

    name = "nelder-mead"

    size: float = Field(default=0.25, gt=0, le=1)
    """Length of the edges at the start point, in units of the side of the box, or of max(1, abs(x)) where a bound is
    missing."""
    xtol: float = Field(default=1e-10, ge=0)
    """Stop when no corner is farther from the best one than this in any coordinate, in the same units."""
    ftol: float = Field(default=1e-14, ge=0)
    """Stop when the values at the corners differ by no more than this share of their size."""

    def init(self, x0: Array, rng: np.random.Generator) -> SimplexState:
        """Begin at the start point."""
        return SimplexState(x=x0)

    def moved(self, state: SimplexState, x: Array) -> SimplexState:
        """Begin anew there."""
        return SimplexState(x=x.copy())

    def step(self, oracle: Oracle, state: SimplexState) -> SimplexState:
        """Replace the worst corner, or draw all of them to the best one."""
        bounds = oracle.bounds
        if not len(state.values):
            points = np.repeat(state.x[None], len(state.x) + 1, axis=0)
            points[1:] += np.diag(self._edges(bounds, state.x)).astype(state.x.dtype)
            return self._ordered(state, bounds, points, oracle.values(points))
        points, values, n = state.points, state.values, len(state.x)
        stretch, contract, shrink = 1 + 2 / max(n, 2), 0.75 - 1 / (2 * max(n, 2)), 1 - 1 / max(n, 2)
        centre = points[:-1].mean(axis=0)

        def along(t: float) -> tuple[Array, float]:
            point = np.clip((centre + t * (centre - points[-1])).astype(points.dtype), *bounds)
            return point, oracle.value(point)

        new = along(1.0)
        if new[1] < values[0]:
            new = min(new, along(stretch), key=lambda each: each[1])
        elif not new[1] < values[-2]:
            inside = along(contract if new[1] < values[-1] else -contract)
            if inside[1] < min(new[1], values[-1]):
                new = inside
            elif not new[1] < values[-1]:
                drawn = (points[0] + shrink * (points[1:] - points[0])).astype(points.dtype)
                drawn = np.clip(drawn, *bounds)
                return self._ordered(
                    state, bounds, np.vstack([points[:1], drawn]), np.append(values[0], oracle.values(drawn))
                )
        return self._ordered(state, bounds, np.vstack([points[:-1], new[0]]), np.append(values[:-1], new[1]))

    def _edges(self, bounds: Bounds, x: Array) -> Array:
        """Give the first edges, each to the side where there is more room."""
        edges = self.size * _unit(bounds, x)
        return np.where(x + edges <= bounds[1], edges, np.where(x - edges >= bounds[0], -edges, bounds[1] - x))

    def _ordered(self, state: SimplexState, bounds: Bounds, points: Array, values: Array) -> SimplexState:
        """Sort the corners, and stop where they have come together."""
        order = np.argsort(values, kind="stable")
        state.points, state.values, state.x = points[order], values[order], points[order[0]].copy()
        near = abs(state.points - state.x) <= self.xtol * _unit(bounds, state.x)
        if near.all() or state.values[-1] - state.values[0] <= self.ftol * abs(state.values[0]):
            state.stop = Stop(bool(np.isfinite(state.values[0])), "The simplex has become tiny, or its values equal.")
        return state


def _unit(bounds: Bounds, x: Array) -> Array:
    side = bounds[1] - bounds[0]
    return np.where(np.isfinite(side), side, np.maximum(abs(x), 1))
