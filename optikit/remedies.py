"""Remedies: what to try next, by what is seen at the end of a run.

One table, read from top to bottom: where a condition holds its sentence is advice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from optikit.failures import Failures
from optikit.stop import StopReason

MANY = 0.1
"""The share of evaluations that may be lost before that is worth a word."""
_SLIGHT = 1e-8
"""The share of the whole gain that is none any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the conditions look at."""

    reason: StopReason
    fun: float
    nfev: int
    nans: int
    failed: int
    failures: Failures
    """What the optimizer was told of them."""
    since: int
    """Evaluations since the last improvement."""
    recent: float
    """The share of the whole gain that the last tenth of the evaluations made."""
    slope: float
    """Largest component of the last gradient; NaN if there was none."""
    bounded: bool
    """Whether the result is at a bound."""
    feasible: bool
    compares: bool

    @property
    def found(self) -> bool:
        """Whether any value was finite."""
        return math.isfinite(self.fun)

    @property
    def spent(self) -> bool:
        """Whether the budget ended the run, with values that compare."""
        budget = StopReason.MAX_EVALS, StopReason.MAX_GRADS, StopReason.MAX_STEPS, StopReason.MAX_SECONDS
        return self.reason in budget and self.compares and self.found and self.feasible

    def many(self, lost: int) -> bool:
        """Whether that many evaluations are a large share, with others that had a value."""
        return self.found and lost > MANY * self.nfev


_Condition = Callable[[Facts], bool]

REMEDIES: list[tuple[_Condition, str]] = [
    (
        lambda facts: facts.nfev > 0 and not facts.found,
        "No value was finite: call fun(x0) by hand, and start where it is a number.",
    ),
    (
        lambda facts: facts.found and not facts.feasible,
        "No feasible point was found: start where the constraints hold, or raise feasibility_tol.",
    ),
    (
        lambda facts: facts.reason is StopReason.DIVERGED,
        "Try a smaller learning rate, or the gradient 'clipped'.",
    ),
    (
        lambda facts: facts.many(facts.failed) and facts.failures.error != "penalise",
        "Many evaluations failed, history.failures says why: set bounds, or on_error='penalise'.",
    ),
    (
        lambda facts: facts.many(facts.nans) and facts.failures.nan != "penalise",
        "Many evaluations gave NaN: set bounds, or on_error=optikit.Failures(nan='penalise').",
    ),
    (
        lambda facts: (
            (facts.many(facts.failed) and facts.failures.error == "penalise")
            or (facts.many(facts.nans) and facts.failures.nan == "penalise")
        ),
        "Many evaluations were lost, history.failures says why: bounds that leave such points out save them.",
    ),
    (
        lambda facts: facts.reason is StopReason.ERROR and facts.found and facts.failures.error == "raise",
        "If such points are to be expected, on_error='skip' goes on past what raises, and "
        "optikit.Failures(minus_inf='skip') past -inf.",
    ),
    (
        lambda facts: facts.reason is StopReason.FAILED and facts.found and facts.feasible and facts.slope > 0,
        "It could not go down, though the gradient is not zero: where values are noisy try the gradient 'noise-aware'; "
        "your own gradient optikit.check_gradient checks.",
    ),
    (
        lambda facts: facts.spent and facts.recent > _SLIGHT,
        "It was still improving: allow more, or go on from a checkpoint with optikit.resume.",
    ),
    (
        lambda facts: facts.spent and facts.since > facts.nfev / 2 and facts.nfev >= 100,
        "It had stopped improving: stop='patience' ends such runs; another start or optimizer may find more.",
    ),
    (
        lambda facts: facts.reason is StopReason.INTERRUPTED,
        "A run with a checkpoint can be continued with optikit.resume.",
    ),
    (
        lambda facts: facts.bounded,
        "It ended at a bound: if that was a guess, widen it.",
    ),
]
"""Condition and advice, the most urgent first."""


def remedies(facts: Facts) -> list[str]:
    """Give all advice that fits."""
    return [advice for condition, advice in REMEDIES if condition(facts)]
