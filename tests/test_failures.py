"""What failed is in the history with its reason: an exception, NaN and infinity alike, for next to no memory."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import Failures
from optikit.history import History

SAID = {"NaN": math.nan, "+inf": math.inf, "-inf": -math.inf}
every_history = pytest.mark.parametrize("keep", ["values", "points", "best"])


def answering(answers):
    """Make a function that gives one answer after the other; of text it raises that."""
    calls = iter(answers)

    def fun(x):
        answer = next(calls)
        if isinstance(answer, str):
            raise ValueError(answer)
        return answer

    return fun


def reasons(answers):
    """Say what the history shall say."""
    names = {math.inf: "returned +inf", -math.inf: "returned -inf"}
    said = {}
    for number, answer in enumerate(answers):
        if isinstance(answer, str):
            said[number] = f"ValueError: {answer}"
        elif not math.isfinite(answer):
            said[number] = names.get(answer, "returned NaN")
    return said


@every_history
@given(
    answers=st.lists(st.sampled_from([1.0, -2.0, *SAID.values(), "no mesh", "no power"]), min_size=1, max_size=40),
    told=st.sampled_from(["skip", "penalise"]),
    broken_at=st.integers(1, 40),
)
@settings(max_examples=20)
def test_each_failure_is_in_the_history_also_of_a_continued_run(keep, answers, told, broken_at, tmp_path_factory):
    path = tmp_path_factory.mktemp("failures") / "run.db"
    policy = Failures(error=told, nan=told, inf=told, minus_inf=told)
    search = optikit.get("optimizer", "random-search", samples=1)
    usual = {"optimizer": search, "bounds": (-1, 1), "rng": 0, "on_error": policy, "history": keep}
    whole = optikit.minimize(answering(answers), [0.0], max_steps=len(answers), **usual)
    assert whole.history.failures == reasons(answers)
    assert list(whole.history.failures) == sorted(whole.history.failures)
    optikit.minimize(answering(answers), [0.0], max_steps=min(broken_at, len(answers)), checkpoint=path, **usual)
    rest = answering(answers[broken_at:])
    assert optikit.resume(path, rest, max_steps=len(answers)).history.failures == whole.history.failures


@every_history
@pytest.mark.parametrize("workers", [None, 2])
@pytest.mark.parametrize(("answer", "why"), [("no mesh", "ValueError: no mesh"), (-math.inf, "returned -inf")])
@pytest.mark.parametrize(
    "asks",
    [
        {"optimizer": "one-plus-one-es"},
        {"optimizer": "random-search"},
        {"optimizer": "gradient-descent", "gradient": "central-difference"},
        {"optimizer": "gradient-descent", "gradient": lambda x: 2 * x, "check_gradient": False},
    ],
    ids=["value", "values", "difference", "gradient"],
)
def test_the_failure_that_ends_a_run_is_in_the_history_and_does_not_count(keep, workers, answer, why, asks):
    if workers and "check_gradient" in asks:
        pytest.skip("no gradient goes to the workers")
    marked = 3 if workers is None else None  # each worker would count for itself
    calls = 0

    def fun(x):
        nonlocal calls
        calls += 1
        if calls == marked or (workers and x[0] < 0.999):
            if isinstance(answer, str):
                raise ValueError(answer)
            return answer
        return float(x[0] ** 2)

    with pytest.raises((ValueError, optikit.ObjectiveError)) as caught:
        optikit.minimize(fun, [1.0], bounds=(-1, 1), rng=0, max_evals=50, history=keep, workers=workers, **asks)
    result = caught.value.result
    assert result.history.failures == {result.nfev: why}
    assert len(result.history) == result.nfev == (2 if workers is None else result.nfev)


@every_history
def test_values_that_come_as_an_array_say_it_too(keep):
    lost = History(keep=keep)
    lost.add_all(np.array([1.0, math.nan, 2.0, math.inf]))
    assert lost.failures == {1: "returned NaN", 3: "returned +inf"}
    assert lost.nfev == 4


@pytest.mark.parametrize(("keep", "most"), [("values", 20), ("best", 2)])
def test_many_nan_take_next_to_no_memory(keep, most):
    many, x = 100_000, np.zeros(1)
    tracemalloc.start()
    history = History(keep=keep)
    for _ in range(many):
        history.add_lost(math.nan, x, None)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < most * many
    assert len(history.failures) == (many if keep == "values" else 1000)
