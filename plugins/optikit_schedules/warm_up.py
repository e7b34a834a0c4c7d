"""A schedule that begins slowly, and hands over to another."""

from dataclasses import replace
from typing import Annotated, final

from pydantic import Field

from optikit import Pace, Part, Schedule


class WarmUp(Schedule):
    r"""The learning rate rises linearly to its full size, and another schedule takes over then.

    .. math:: \text{factor}_t = (t + 1) / (T + 1), \quad t < T

    References
    ----------
    Goyal et al. (2017), "Accurate, large minibatch SGD: training ImageNet in 1 hour".
    """

    name = "warm-up"

    steps: int = Field(ge=1, examples=[100])
    """Steps T until the full size is reached."""
    then: Annotated[Schedule, Part("schedule")] | None = None
    """What follows, counted from its own beginning; constant if not given."""

    @final
    def advance(self, pace: Pace, value: float) -> Pace:
        """Rise, and hand over."""
        step = pace.step + 1
        if step < self.steps:
            return Pace(step=step, factor=(step + 1) / (self.steps + 1))
        if self.then is None:
            return Pace(step=step)
        before = Pace() if step == self.steps else replace(pace, step=pace.step - self.steps)
        after = self.then.advance(before, value)
        return replace(after, step=step)
