"""The meter of a run: how much of the budget is left, in evaluations, gradients and time."""

import math
import time

from optikit.budget import Budget, TrainingBudget
from optikit.stop import StopReason, Unwind


class Meter:
    """Watches the limits of evaluations, gradients and seconds; the loop watches the steps.

    Parameters
    ----------
    budget : Budget
        The limits.
    """

    def __init__(self, budget: Budget) -> None:
        self.max_evals: float = budget.max_evals or math.inf
        self._max_grads: float = budget.max_grads or math.inf
        self._max_seconds = budget.max_seconds or math.inf
        self._epochs = budget.epochs if isinstance(budget, TrainingBudget) else None
        self._spent = StopReason.MAX_EVALS, f"The budget of {self.max_evals:,} evaluations is used up."
        self._started = time.perf_counter()
        self._held: float | None = None
        self.counted_from: int | None = None
        """Evaluations that were made before each was an epoch; None as long as they are not."""
        self.timed = math.isfinite(self._max_seconds)
        """Whether seconds are limited."""

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started if self._held is None else self._held

    def hold(self, seconds: float) -> None:
        """Stand still at so many seconds, and limit none, until `release`."""
        self._held = seconds

    def release(self) -> None:
        """Go on from where it was held."""
        if self._held is not None:
            self._started, self._held = time.perf_counter() - self._held, None

    def exclude(self, seconds: float) -> None:
        """Take seconds off the clock."""
        self._started += seconds

    def count_epochs(self, nfev: int) -> None:
        """Limit evaluations, each of which is an epoch from now on."""
        if self._epochs is not None and nfev + self._epochs < self.max_evals:
            self.max_evals, self._spent = nfev + self._epochs, (StopReason.EPOCHS, "All epochs are done.")
        if self.counted_from is None:
            self.counted_from = nfev
        self._epochs = None

    def late(self) -> Unwind | None:
        """Give the end of the run if time is up."""
        if not self.timed or self._held is not None or self.seconds < self._max_seconds:
            return None
        return Unwind(StopReason.MAX_SECONDS, f"The budget of {self._max_seconds:g} seconds is used up.")

    def satisfied(self, njev: int, promised: int) -> Unwind | None:
        """Give the end of the run if it has had all its gradients, or they are promised to those beside.

        Then none of these is found: a round of questions is asked whole or not at all, so that a run that goes on with
        a larger budget asks what one with that budget would have asked.
        """
        if njev + promised < self._max_grads:
            return None
        enough = "used up" if not promised else "not enough for all that go on side by side"
        return Unwind(StopReason.MAX_GRADS, f"The budget of {self._max_grads:,} gradients is {enough}.")

    def spent(self) -> Unwind:
        """Give the end of the run that has no evaluations left."""
        return Unwind(*self._spent)
