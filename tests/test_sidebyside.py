"""Side by side: starts that ask together get what they would alone, in batches, and leave nothing behind."""

import os
import signal
import threading
import time
import warnings
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import ContractError, InputError, Optimizer, Oracle, Problem, State, Stop, StopReason, UnsupportedError
from optikit.stop import Unwind
from optikit.testing import parametrize_checks, posed


def multistart(inner, **fields):
    return optikit.get("optimizer", "multistart", optimizer=inner, **fields)


STARTS = {
    "starts of a rule": ({"name": "barzilai-borwein"}, {"max_steps": 50}),
    "starts of a solver": ({"name": "scipy-lbfgsb", "ftol": 1e-15, "gtol": 1e-8}, {}),
}
SUBJECTS = [
    posed(multistart(inner, starts=5, together=3, **fields), examples=4)
    for inner, fields in STARTS.values()
    if inner["name"] != "scipy-lbfgsb" or find_spec("scipy")
]


@parametrize_checks(SUBJECTS)
def test_starts_side_by_side_pass_a_check(subject, check):
    check(subject)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before, filters = set(threading.enumerate()), warnings.filters
    yield
    assert set(threading.enumerate()) <= before, "a thread is left"
    assert warnings.filters is filters, "the filters of warnings are not as they were"


def bowl(x):
    return float(((x - 0.3) ** 2).sum() + np.sin(5 * x).sum())


def slope(x):
    return 2 * (x - 0.3) + 5 * np.cos(5 * x)


def minimized(inner="lbfgs", fun=bowl, n=3, starts=5, together=3, **options):
    usual = {"gradient": slope, "bounds": (-2, 2), "rng": 3, "check_gradient": False}
    optimizer = multistart(inner, starts=starts, together=together)
    return optikit.minimize(fun, np.linspace(-1, 1, n), optimizer=optimizer, **(usual | options))


def told(result):
    """Give all that a run has to say, to the last bit."""
    history = result.history
    counts = result.nfev, result.njev, result.nit, result.nans, result.reason, result.message
    return np.float64(result.fun).tobytes(), result.x.tobytes(), history.fun.tobytes(), history.failures, counts


kinds = st.sampled_from(["value", "values", "value_and_grad"])


@given(asked=st.lists(st.lists(kinds, max_size=4), min_size=2, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_each_call_gets_the_answers_to_its_own_questions_and_none_is_lost(asked, seed):
    oracle, order = Oracle(Problem(bowl, slope), np.zeros(2), keep="points"), []
    oracle.begin_step()

    def course(number):
        rng = np.random.default_rng([seed, number])
        for kind in asked[number]:
            order.append(number)
            points = rng.normal(size=(3, 2))
            if kind == "values":
                assert np.array_equal(oracle.values(points), [bowl(x) for x in points])
            elif kind == "value":
                assert oracle.value(points[0]) == bowl(points[0])
            else:
                value, gradient = oracle.value_and_grad(points[0])
                assert value == bowl(points[0])
                assert np.array_equal(gradient, slope(points[0]))
        return number

    assert oracle.side_by_side([partial(course, i) for i in range(len(asked))]) == list(range(len(asked)))
    rounds = [[i for i, kinds in enumerate(asked) if len(kinds) > k] for k in range(max(map(len, asked)))]
    assert order == [i for each in rounds for i in each]
    kinds = [kind for each in asked for kind in each]
    assert oracle.nfev == len(kinds) + 2 * kinds.count("values")
    assert oracle.njev == kinds.count("value_and_grad")
    assert [bowl(x) for x in oracle.history.points] == oracle.history.fun.tolist()


WAYS = [("lbfgs", slope), ("lbfgs", "central-difference"), ("adaptive-random-search", None), ("adam", "spsa")]


def lost(x):
    """Fail at some points, the same wherever they are asked."""
    if int(abs(np.sin(1e6 * x.sum())) * 10) < 1:
        raise ArithmeticError(f"no value at {x[0]:.6f}")
    return bowl(x)


@settings(max_examples=15)
@given(
    way=st.sampled_from(WAYS),
    together=st.integers(1, 5),
    max_evals=st.integers(1, 150),
    fun=st.sampled_from([bowl, lost]),
)
def test_the_numbers_are_bitwise_the_same_for_any_number_of_workers(way, together, max_evals, fun):
    options = {"gradient": way[1], "together": together, "max_evals": max_evals, "on_error": "skip", "fun": fun}
    outcomes = []
    for workers in (None, 1, 2, 4):
        try:
            outcomes.append(told(minimized(way[0], workers=workers, **options)))
        except optikit.ObjectiveError as error:  # a gradient by differences beside a point that fails
            outcomes.append((told(error.result), str(error)))
    assert all(outcome == outcomes[0] for outcome in outcomes)


def counted():
    """Give workers that note the sizes of batches, and where."""
    sizes = []

    def mapped(function, questions):
        questions = list(questions)
        sizes.append(len(questions))
        return map(function, questions)

    return sizes, mapped


@pytest.mark.parametrize(
    ("inner", "gradient", "batch"),
    [("lbfgs", slope, 4), ("lbfgs", "central-difference", 4 * 6), ("one-plus-one-es", None, 4)],
)
def test_what_the_starts_ask_at_the_same_time_is_one_batch(inner, gradient, batch):
    batches, mapped = counted()
    minimized(inner, starts=4, together=4, gradient=gradient, max_evals=300, workers=mapped)
    assert max(batches) == batch
    assert np.mean(batches) > 2


@pytest.mark.parametrize("inner", ["lbfgs", "barzilai-borwein"])
def test_starts_end_where_they_would_end_alone(inner):
    alone, beside = (minimized(inner, together=together) for together in (1, 5))
    assert alone.x.tobytes() == beside.x.tobytes()
    assert (alone.fun, alone.nfev, alone.njev) == (beside.fun, beside.nfev, beside.njev)
    assert beside.nit < alone.nit / 2


@given(max_evals=st.integers(1, 90), gradient=st.sampled_from([slope, "forward-difference"]))
def test_a_budget_is_used_to_the_last_evaluation_and_the_best_point_is_right(max_evals, gradient):
    calls = []

    def fun(x):
        calls.append(x.copy())
        return bowl(x)

    result = minimized(fun=fun, gradient=gradient, max_evals=max_evals, history="points")
    assert result.nfev == len(calls) == len(result.history.fun) <= max_evals
    assert result.reason is StopReason.CONVERGED or result.nfev == max_evals
    assert np.array_equal(result.history.points, calls)
    assert result.fun == bowl(result.x) == min(map(bowl, calls))


@given(max_grads=st.integers(1, 40), gradient=st.sampled_from([slope, "forward-difference"]))
def test_a_budget_of_gradients_is_never_exceeded(max_grads, gradient):
    result = minimized(fun=bowl, gradient=gradient, max_grads=max_grads, max_evals=4000)
    assert result.njev <= max_grads
    assert result.reason in ("max-grads", "converged")
    assert result.reason == "converged" or result.njev > max_grads - 3, "only what would not do for all is left"


@given(few=st.integers(1, 12), more=st.integers(1, 30), together=st.integers(2, 4))
@settings(max_examples=20)
def test_a_budget_of_gradients_is_extended_to_the_same_run(few, more, together, tmp_path_factory):
    path, usual = tmp_path_factory.mktemp("run") / "run.db", {"gradient": "central-difference", "together": together}
    whole = minimized(max_grads=few + more, **usual)
    minimized(max_grads=few, checkpoint=path, **usual)
    assert told(optikit.resume(path, bowl, max_grads=few + more)) == told(whole)


@given(max_grads=st.integers(1, 30))
@settings(max_examples=15)
def test_a_budget_of_gradients_is_not_exceeded_by_starts_of_starts(max_grads):
    result = minimized(multistart("lbfgs", starts=3, together=2), starts=3, max_grads=max_grads)
    assert max_grads - 6 < result.njev <= max_grads or result.reason == "converged"


@pytest.mark.parametrize("gradient", [slope, "central-difference"])
def test_a_run_that_was_cut_continues_to_the_same_end(gradient, tmp_path):
    whole = minimized(gradient=gradient)
    for cut in (1, 20, 55):
        path = tmp_path / f"{cut}.db"
        minimized(gradient=gradient, max_evals=cut, checkpoint=path)
        given = {} if isinstance(gradient, str) else {"gradient": gradient}
        again = optikit.resume(path, bowl, max_evals=10_000, **given)
        assert told(again) == told(whole)


class Step(Optimizer[State]):
    """Calls what a test makes it call, once."""

    name = "step"

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        _ = oracle.bounds
        return self.course(oracle, state.x)


def one(course):
    """Make an optimizer of a function that asks."""

    class Made(Step):
        def course(self, oracle, x):
            course(oracle, x)
            return State(x=x, stop=Stop(True, "done"))

    return Made()


def failing(kind):
    asked = []

    def fun(x):
        asked.append(x)
        if len(asked) == 5:
            raise kind("now")
        return bowl(x)

    return fun


@pytest.mark.parametrize("kind", [ArithmeticError, KeyboardInterrupt, SystemError, InputError])
def test_what_the_function_raises_ends_all(kind):
    try:
        result = minimized(fun=failing(kind), gradient=None, inner="one-plus-one-es")
    except kind as error:
        result = error.result
    assert result.nfev == 4
    assert result.reason is (StopReason.INTERRUPTED if kind is KeyboardInterrupt else StopReason.ERROR)


def test_what_one_of_them_raises_ends_the_others_at_their_question():
    ends = []

    def course(oracle, x):
        try:
            oracle.value(x)
            if x[0] == -1:
                raise ZeroDivisionError("its own fault")
            oracle.value(x)
        except BaseException as error:
            ends.append(type(error))
            raise

    with pytest.raises(ZeroDivisionError, match="its own fault") as caught:
        minimized(one(course), n=1, together=5)
    assert (caught.value.result.nfev, ends) == (5, [ZeroDivisionError] + [Unwind] * 4)


def test_who_swallows_everything_is_ended_all_the_same():
    def course(oracle, x):
        for _ in range(1000):
            try:
                oracle.value(x)
            except BaseException:
                continue

    result = minimized(one(course), max_evals=100)
    assert (result.nfev, result.reason) == (100, StopReason.MAX_EVALS)


def test_ctrl_c_while_one_of_them_computes_ends_all():
    def course(oracle, x):
        oracle.value(x)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        oracle.value(x)

    result = minimized(one(course))
    assert (result.nfev, result.reason) == (3, StopReason.INTERRUPTED)


def test_ctrl_c_ends_them_even_where_one_waits_for_a_lock_that_another_holds():
    lock = threading.Lock()

    def course(oracle, x):
        with lock:
            oracle.value(x)

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert minimized(one(course)).reason is StopReason.INTERRUPTED
    timer.join()


@pytest.mark.parametrize("together", [1, 2])
def test_a_solver_that_holds_a_lock_refuses_to_go_side_by_side(together):
    pytest.importorskip("scipy", "1.14")
    calls = []
    if together == 1:
        assert minimized("scipy-cobyqa", together=1, max_evals=30).nfev == 30
        return
    with pytest.raises(InputError, match="scipy-cobyqa cannot go side by side"):
        minimized("scipy-cobyqa", fun=calls.append, together=2)
    assert not calls


def test_who_watches_is_called_in_the_thread_of_the_run():
    constraint = optikit.NonlinearConstraint(lambda x: x @ x, upper=1.0)
    oracle, threads = Oracle(Problem(bowl, constraints=[constraint]), np.zeros(2)), []
    oracle.tick = lambda: threads.append(threading.current_thread())
    oracle.begin_step()
    oracle.side_by_side([lambda: oracle.constraints.values(np.ones(2)) + oracle.value(np.ones(2))] * 2)
    assert set(threads) == {threading.current_thread()}


def test_each_has_filters_of_warnings_of_its_own_and_numpy_stays_quiet():
    seen = []

    def course(oracle, x):
        with warnings.catch_warnings():
            warnings.simplefilter("error" if x[0] == -1 else "ignore")
            np.float64(1e308) * 10  # as in the loop, nothing is said of overflow
            oracle.value(x)
            try:
                warnings.warn("here", stacklevel=1)
            except UserWarning:
                seen.append(x[0])
            oracle.value(x)

    minimized(one(course))
    assert seen == [-1]


def test_the_starts_of_starts_ask_in_one_batch():
    sizes, mapped = counted()
    inner = multistart("lbfgs", starts=2, together=2)
    result = minimized(inner, starts=3, together=3, workers=mapped)
    assert max(sizes) == 6
    assert told(result) == told(minimized(inner, starts=3, together=3))


def test_bounds_that_the_first_start_does_not_take_are_not_promised_by_the_others():
    class Blind(Step):
        def step(self, oracle, state):
            return State(x=state.x, stop=Stop(True, f"{oracle.value(state.x)}"))

    calls = []
    with pytest.raises(UnsupportedError) as caught:
        minimized(Blind(), fun=calls.append)
    assert (caught.value.demand, calls) == ("bounds", [])


def test_a_gradient_that_is_none_is_told_of_the_evaluation_that_gave_it(tmp_path):
    given = []

    def wrong(x):
        given.append(x)
        return slope(x)[: 2 if len(given) == 2 else 3]

    path = tmp_path / "run.db"
    with pytest.raises(optikit.ObjectiveError, match=r"has shape \(2,\), but x has \(3,\) \(evaluation 2\)") as caught:
        minimized(gradient=wrong, checkpoint=path)
    assert caught.value.result.nfev == 2
    assert told(optikit.resume(path, bowl, gradient=slope)) == told(minimized())


def test_a_session_asks_for_all_starts_at_once():
    optimizer, sizes = multistart("lbfgs", starts=3, together=3), []
    session = optikit.Session(optimizer, np.linspace(-1, 1, 3), gradient="told", bounds=(-2, 2), rng=3)
    while points := session.ask():
        sizes.append(len(points))
        session.tell([(bowl(x), slope(x)) if session.asks_gradient else bowl(x) for x in points])
    assert sizes[0] == 3
    assert session.result.x.tobytes() == minimized(starts=3).x.tobytes()


def test_a_question_outside_the_bounds_is_found_in_a_start_that_runs_beside():
    with pytest.raises(ContractError, match="outside the bounds"):
        minimized(one(lambda oracle, x: oracle.value(x + 10 * (x[0] != -1))))
