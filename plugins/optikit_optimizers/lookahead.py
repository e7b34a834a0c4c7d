"""Lookahead: an optimizer explores some steps, and a slower point follows it part of the way."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State
from optikit_optimizers.steps import InSteps


@dataclass(kw_only=True, slots=True)
class LookaheadState(State):
    """The slow point is x; the fast one is that of the inner optimizer."""

    inner: State
    count: int = 0


class Lookahead(Optimizer[LookaheadState]):
    r"""Lookahead: every k steps the optimizer is pulled back to a point between where it began and where it is.

    .. math:: \phi \leftarrow \phi + \alpha (\theta_k - \phi), \qquad \theta_0 \leftarrow \phi

    The slow point phi is what it recommends; theta are the points of the optimizer, which keeps its memory.  A solver
    that owns its loop, such as `scipy-lbfgsb`, is one long step with nothing to look ahead to, and is refused.

    References
    ----------
    Zhang, Lucas, Ba and Hinton (2019), "Lookahead optimizer: k steps forward, 1 step back", NeurIPS.
    """

    name = "lookahead"

    optimizer: InSteps
    """What explores."""
    steps: int = Field(default=5, ge=1)
    """Steps k forward."""
    share: float = Field(default=0.5, gt=0, le=1)
    r"""Part of the way that the slow point follows, :math:`\alpha`."""

    def init(self, x0: Array, rng: np.random.Generator) -> LookaheadState:
        """Start both at the same point."""
        return LookaheadState(x=x0, inner=self.optimizer.init(x0.copy(), rng))

    def step(self, oracle: Oracle, state: LookaheadState) -> LookaheadState:
        """Make one step forward, and every k-th time the one back."""
        inner, count, x = self.optimizer.step(oracle, state.inner), state.count + 1, state.x
        if inner.stop is not None:
            x = inner.x.copy()
        elif count % self.steps == 0:
            x = np.clip(x + self.share * (inner.x - x), *oracle.bounds)
            inner = self.optimizer.moved(inner, x)
        return LookaheadState(x=x, inner=inner, count=count, stop=inner.stop)

    def moved(self, state: LookaheadState, x: Array) -> LookaheadState:
        """Take both there."""
        inner = self.optimizer.moved(state.inner, x)
        return LookaheadState(x=x.copy(), inner=inner, count=state.count, stop=state.stop)
