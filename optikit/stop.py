"""Why a run ends: said by the optimizer (`Stop`), recorded in the result (`StopReason`), carried out (`Unwind`)."""

from enum import StrEnum
from typing import NamedTuple

INTERRUPTED = "Interrupted from the keyboard."


class StopReason(StrEnum):
    """Why a run ended."""

    CONVERGED = "converged"
    """The optimizer says it has arrived."""
    FAILED = "failed"
    """The optimizer says it cannot go on."""
    TARGET = "target"
    """A value at or below the target was found."""
    STAGNATED = "stagnated"
    """A stopping rule of the user's says that it gets nowhere any more."""
    EPOCHS = "epochs"
    """All epochs of a training are done."""
    MAX_EVALS = "max-evals"
    """The evaluation budget is used up."""
    MAX_GRADS = "max-grads"
    """The gradient budget is used up."""
    MAX_STEPS = "max-steps"
    """The step budget is used up."""
    MAX_SECONDS = "max-seconds"
    """The time budget is used up."""
    CALLBACK = "callback"
    """The callback raised StopIteration."""
    DIVERGED = "diverged"
    """The optimizer left the finite numbers, or the loss rose beyond all measure."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""
    WAITING = "waiting"
    """A session has questions that are not answered yet."""
    ERROR = "error"
    """Something raised; the exception carries the partial result."""

    @property
    def success(self) -> bool:
        """Whether the run ended as planned: arrived, by its own account or the user's, or all epochs done."""
        return self in (StopReason.CONVERGED, StopReason.TARGET, StopReason.STAGNATED, StopReason.EPOCHS)


class Stop(NamedTuple):
    """An optimizer's own decision to end the run, put into its state."""

    success: bool
    """Whether it found what it looked for."""
    message: str
    """One sentence for the user."""
    reason: StopReason | None = None
    """What the result shall say, where "converged" or "failed" is not exact enough."""


class Unwind(BaseException):
    """Ends a run from inside the oracle.

    It derives from `BaseException`, so that no ``except Exception`` of a foreign solver can swallow it.
    """

    def __init__(self, reason: StopReason, message: str, error: BaseException | None = None) -> None:
        super().__init__(message)
        self.reason, self.message, self.error = reason, message, error
