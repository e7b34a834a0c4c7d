"""Trouble: functions that raise or have no value somewhere, and what has become of the run then."""

import math

import numpy as np
from hypothesis import strategies as st

from optikit.errors import ObjectiveError
from optikit.failures import Action, Failures
from optikit.result import Result
from optikit.stop import StopReason
from optikit.testing.optimizers.trial import OptimizerSubject, Watched, minimized, quadratic
from optikit.testing.subject import seeds
from optikit.types import Array


class Trouble(Exception):
    """What a function of a user raises."""


def keeps_what_was_found_when_the_function_raises(subject: OptimizerSubject) -> None:
    """Let out what the function raises, Ctrl-C and -inf included, with what was found until then, and ask no more."""
    kinds = [Trouble, KeyboardInterrupt, np.linalg.LinAlgError, StopIteration, SystemExit, ObjectiveError]

    @subject.drawn(seed=seeds, at=st.integers(0, 30), error=st.sampled_from(kinds))
    def holds(seed: int, at: int, error: type[BaseException]) -> None:
        fun, gradient, _ = quadratic(seed, 2)
        watched = Watched(subject, fun, gradient)
        infinite = error is ObjectiveError  # which the oracle raises

        def failing(x: Array) -> float:
            if len(watched.values) != at:
                return fun(x)
            if infinite:
                return -math.inf
            raise error("the sensor is unplugged")

        watched.fun = failing
        try:
            result, _ = minimized(subject, seed, 60, watched=watched)
        except error as caught:
            result, said = vars(caught).get("result"), str(caught)
            assert isinstance(result, Result), f"{error.__name__} came out without a result"
            assert result.reason is StopReason.ERROR, f"the run has failed, and its reason is {result.reason}"
            own = ("inf" if infinite else "the sensor is unplugged") in said
            assert own, f"another {error.__name__} came out: {said}"
        else:
            raised = len(watched.points) > at
            assert not raised or error is KeyboardInterrupt, f"{error.__name__} did not come out"
            assert raised == (result.reason is StopReason.INTERRUPTED), f"Ctrl-C came, and its end is {result.reason}"
        values = watched.values[:at]
        assert len(watched.points) <= at + 1, "it went on asking"
        assert result.nfev == len(watched.values) - (infinite and len(watched.values) > at), "nfev is another number"
        assert result.fun == min(values, default=math.inf), "the value is not the best that was seen"


def goes_on_where_evaluations_fail(subject: OptimizerSubject) -> None:
    """Go on after evaluations that raised or gave -inf or NaN, where the policy is to skip or penalise them."""
    actions: st.SearchStrategy[Action] = st.sampled_from(["skip", "penalise"])

    @subject.drawn(
        seed=seeds, at=st.integers(0, 12), answer=st.sampled_from([None, math.nan, -math.inf]), action=actions
    )
    def holds(seed: int, at: int, answer: float | None, action: Action) -> None:
        fun, gradient, x0 = quadratic(seed, 2)
        watched = Watched(subject, fun, gradient)
        failed = list[int]()

        def failing(x: Array) -> float:
            number = len(watched.points) - 1
            if number not in (at, at + 1, at + 5):
                return fun(x)
            failed.append(number)
            if answer is None:
                watched.values.append(math.inf)
                raise Trouble("the sensor is unplugged")
            return answer

        watched.fun = failing
        policy = Failures(error=action, nan=action, minus_inf=action)
        result, _ = minimized(subject, seed, 60, watched=watched, on_error=policy)
        assert result.nfev == len(watched.points), "an evaluation that failed was not counted"
        if answer is None:
            assert list(result.history.failures) == failed, "the history has other failures than there were"
        values = [value for value in watched.values if math.isfinite(value)]
        assert result.fun == min(values, default=math.inf), "the value is not the best that was seen"
        # Who has arrived may have asked once more; who is content elsewhere has taken the failure for arrival.
        last, slope = failed[-1:] == [result.nfev - 1], abs(gradient(result.x)).max()
        arrived = slope <= 0.2 * abs(gradient(x0)).max()
        assert arrived or not (last and result.success), "it was content with an evaluation that failed"


def nan_is_no_obstacle(subject: OptimizerSubject) -> None:
    """Find its way where half of the space has no value, and claim no success where there is none at all."""
    nowhere = Watched(subject, lambda _: math.nan, lambda _: np.full(2, math.nan), formula="nan")
    result, _ = minimized(subject, 0, 30, watched=nowhere)
    assert not result.success, "it was content without a single number"
    ends = (StopReason.MAX_EVALS, StopReason.FAILED, StopReason.DIVERGED)
    assert result.reason in ends, f"there is no value anywhere, and its end is {result.reason}"
    assert 0 < result.nans == result.nfev <= 30, "a NaN was not counted"

    @subject.drawn(seed=seeds, hole=st.sampled_from([math.nan, math.inf]))
    def holds(seed: int, hole: float) -> None:
        fun, gradient, x0 = quadratic(seed, 2)
        side = np.sign(x0[0]) or 1.0  # the half without the start, of which nothing is known

        def holed(x: Array) -> float:
            return hole if x[0] * side < 0 else fun(x)

        watched = Watched(subject, holed, lambda x: np.full(2, hole) if x[0] * side < 0 else gradient(x))
        result, _ = minimized(subject, seed, 60, watched=watched)
        assert math.isfinite(result.fun), "the start has a value, and the result has none"
        assert result.reason is not StopReason.ERROR, f"it failed where there is no value: {result.message}"
