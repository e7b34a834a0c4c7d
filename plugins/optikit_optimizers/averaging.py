"""Averaging: of many noisy points, the mean is better than the last."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State
from optikit_optimizers.steps import InSteps


@dataclass(kw_only=True, slots=True)
class AveragingState(State):
    """The mean is x."""

    inner: State
    count: int = 0


class Averaging(Optimizer[AveragingState]):
    r"""Parameter averaging: recommends a mean of the points that an optimizer goes through.

    .. math:: \bar x \leftarrow \bar x + (x - \bar x) / t \quad \text{or} \quad
              \bar x \leftarrow d \, \bar x + (1 - d) \, x

    The optimizer does not notice.  For minibatches, where its points scatter around a minimum; on a fixed function the
    best point evaluated is the result, and the mean is not evaluated.  A solver that owns its loop, such as
    `scipy-lbfgsb`, is one long step: it leaves a single point and no mean, and is refused.

    References
    ----------
    Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization 30.
    """

    name = "averaging"

    optimizer: InSteps
    """Whose points are averaged."""
    decay: float | None = Field(default=None, gt=0, lt=1)
    """Share d of the old mean that is kept in a step, for an exponential mean; the plain mean if not given."""
    after: int = Field(default=0, ge=0)
    """Steps before averaging begins; until then the last point counts."""

    def init(self, x0: Array, rng: np.random.Generator) -> AveragingState:
        """Begin with the start point."""
        return AveragingState(x=x0, inner=self.optimizer.init(x0.copy(), rng))

    def step(self, oracle: Oracle, state: AveragingState) -> AveragingState:
        """Make a step, and take its point into the mean."""
        inner, count = self.optimizer.step(oracle, state.inner), state.count + 1
        number = count - self.after
        if number <= 1:
            mean = np.array(inner.x)
        else:
            share = 1 / number if self.decay is None else 1 - self.decay
            mean = np.clip(state.x + share * (inner.x - state.x), *oracle.bounds)
        return AveragingState(x=mean, inner=inner, count=count, stop=inner.stop)

    def moved(self, state: AveragingState, x: Array) -> AveragingState:
        """Take both there, and average anew."""
        return AveragingState(x=x.copy(), inner=self.optimizer.moved(state.inner, x))
