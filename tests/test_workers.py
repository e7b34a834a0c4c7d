"""Workers: the same numbers whoever computes them, failures that end no run, and nothing left behind."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import chain
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import bowl, said, searched

import optikit
from optikit import Failures, InputError, ObjectiveError, Problem, StopReason
from optikit.source import Source
from optikit.workers import hired

ROOT = Path(__file__).parent.parent
SPAWN = multiprocessing.get_context("spawn")


def faulty(lost, kind):
    """Make a function that fails at some points, the same wherever it is asked."""

    def fun(x):
        if int(abs(np.sin(1e6 * x.sum())) * 10) < lost:
            if kind == "raise":
                raise ArithmeticError(f"no value at {x[0]:.6f}")
            return {"nan": np.nan, "inf": np.inf}[kind]
        return bowl(x)

    return fun


def outcome(*args, **options):
    """Give all that a run has to say, and what it raised."""
    try:
        return said(searched(*args, **options)), None
    except (ObjectiveError, ArithmeticError) as error:
        return said(error.result), repr(error)


@settings(max_examples=40)
@given(
    workers=st.integers(1, 4),
    max_evals=st.integers(1, 60),
    lost=st.integers(0, 3),
    kind=st.sampled_from(["raise", "nan", "inf"]),
    on_error=st.sampled_from(["raise", "skip", "penalise"]),
    ways=st.sampled_from(
        [
            ("adaptive-random-search", None),
            (optikit.get("optimizer", "random-search", samples=7), None),
            ("gradient-descent", "central-difference"),
            ("gradient-descent", "spsa"),
        ]
    ),
)
def test_a_run_is_bitwise_the_same_with_any_number_of_workers(workers, max_evals, lost, kind, on_error, ways):
    options = {"max_evals": max_evals, "on_error": {"error": on_error, "nan": on_error}}
    options |= {"optimizer": ways[0], "gradient": ways[1]}
    alone, together = (outcome(faulty(lost, kind), given, **options) for given in (None, workers))
    assert alone == together


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("gradient", ["central-difference", "spsa", "gaussian-smoothing"])
def test_a_training_is_bitwise_the_same_with_workers_though_points_share_work(batch_size, gradient):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(40, 5)), rng.integers(3, size=40)
    if gradient != "central-difference":
        gradient = optikit.get("gradient", gradient, pairs=20)
    options = {"optimizer": "gradient-descent", "gradient": gradient, "batch_size": batch_size, "max_steps": 4}
    model = optikit.get("model", "mlp", layers=[5, 4, 3])
    results = [optikit.fit(model, "cross-entropy", data, rng=1, workers=workers, **options) for workers in (None, 1, 3)]
    assert len({said(result)[:3] for result in results}) == 1


@pytest.mark.parametrize("k", [1, 15, 16, 17, 40])
def test_points_that_share_work_are_asked_in_the_same_groups(k):
    rng = np.random.default_rng(0)
    model = optikit.get("model", "mlp", layers=[30, 20, 5])
    problem = Problem.of(
        model, optikit.get("loss", "cross-entropy"), rng.normal(size=(50, 30)), rng.integers(5, size=50)
    )
    points = np.stack([model.init(rng) for _ in range(k)])
    wanted = list(chain.from_iterable(Source(problem).values(points)))
    for workers in (1, 2, 3):
        with hired(workers, problem, Failures()) as source:
            assert list(chain.from_iterable(source.values(points))) == wanted


def test_the_objective_of_each_step_reaches_the_workers(tmp_path):
    """A population on minibatches: each batch of questions is of another step."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 3)), rng.normal(size=64)
    model = optikit.get("model", "linear", inputs=3)
    options = {"optimizer": "gradient-descent", "gradient": "richardson", "batch_size": 16, "epochs": 3, "rng": 1}
    one, other = (optikit.fit(model, "mean-squared-error", data, workers=w, **options) for w in (None, 2))
    assert said(one) == said(other)
    assert len(set(one.history.steps["fun"])) == 12


def meeting(folder):
    """Make a function that has no value until two are asked at once."""

    def fun(x):
        mine = Path(folder, f"{os.getpid()}")
        mine.touch()
        until = time.monotonic() + 20
        while len(list(Path(folder).iterdir())) < 2:
            assert time.monotonic() < until, "nobody else has come"
            time.sleep(0.002)
        return bowl(x)

    return fun


def test_evaluations_are_made_at_the_same_time(tmp_path):
    assert searched(meeting(tmp_path), 2, max_evals=10).nfev == 10


def gone(pids):
    """Say whether none of some processes is there, or will be in a moment."""
    for _ in range(1000):
        if not any(map(alive, pids)):
            return True
        time.sleep(0.01)
    return False


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def sleeper(folder):
    """Make a function that starts a process that never ends, at a quarter of the points."""

    def fun(x):
        Path(folder, f"pid-{os.getpid()}").touch()
        if x[1] > 1:
            child = subprocess.Popen(["sleep", "1000"])
            Path(folder, f"pid-{child.pid}").touch()
            child.wait()
        return bowl(x)

    return fun


def pids(folder):
    return [int(path.name[4:]) for path in Path(folder).glob("pid-*")]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_call_that_hangs_is_ended_with_all_that_it_has_started(tmp_path, workers):
    result = searched(sleeper(tmp_path), workers, max_evals=13, on_error={"error": "skip", "timeout": 0.3})
    assert result.nfev == 13
    assert set(result.history.failures.values()) == {"timed out after 0.3 s"}
    assert len(pids(tmp_path)) >= 2 * len(result.history.failures)
    others = np.delete(result.history.fun, list(result.history.failures))
    assert np.isfinite(others).all()
    assert gone(pids(tmp_path))
    assert not multiprocessing.active_children()


def test_a_call_that_hangs_ends_the_run_unless_failures_may_be(tmp_path):
    with pytest.raises(ObjectiveError, match=r"timed out after 0\.2 s") as error:
        searched(sleeper(tmp_path), 2, on_error=Failures(timeout=0.2))
    assert error.value.result.nfev > 0
    assert gone(pids(tmp_path))


def test_a_single_evaluation_and_a_gradient_are_timed_too():
    def slope(x):
        time.sleep(1000)

    skip = Failures(error="skip", timeout=0.2)
    lonely = optikit.minimize(
        lambda x: time.sleep(1000), [1.0], optimizer="scipy-nelder-mead", workers=1, on_error=skip, max_evals=2
    )
    assert list(lonely.history.failures.values()) == ["timed out after 0.2 s"] * 2
    lost = optikit.minimize(
        bowl,
        [1.0],
        optimizer="gradient-descent",
        gradient=slope,
        check_gradient=False,
        workers=1,
        on_error=skip,
        max_evals=1,
    )
    assert list(lost.history.failures.values()) == ["timed out after 0.2 s"]


def test_the_time_that_a_worker_takes_to_start_is_not_that_of_the_evaluation(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: "spawn")
    result = searched(bowl, 2, max_evals=20, on_error=Failures(timeout=0.1))
    assert said(result) == said(searched(bowl, None, max_evals=20))


def dies(folder, times, how):
    """Make a function whose process dies at most points the first times that they are asked."""

    def fun(x):
        if x[2] > 1:
            for i in range(times):
                try:
                    os.close(os.open(Path(folder, f"{x.tobytes().hex()[:200]}-{i}"), os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                how()
        return bowl(x)

    return fun


def by_signal():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("how", [by_signal, lambda: os._exit(3)])
def test_an_evaluation_whose_worker_has_died_is_made_again(tmp_path, how):
    result = searched(dies(tmp_path, 2, how), 2, max_evals=13, on_error=Failures(retries=2))
    assert said(result) == said(searched(bowl, max_evals=13))
    assert len(list(tmp_path.iterdir())) >= 2


def test_an_evaluation_whose_workers_always_die_has_failed(tmp_path):
    lost = searched(dies(tmp_path, 9, by_signal), 2, max_evals=13, on_error=Failures(error="skip", retries=1))
    assert set(lost.history.failures.values()) == {"the worker died (signal 9)"}
    assert lost.nfev == 13
    assert len(list(tmp_path.iterdir())) == 2 * len(lost.history.failures)
    with pytest.raises(ObjectiveError, match=r"the worker died \(exit status 3\)"):
        searched(dies(tmp_path, 99, lambda: os._exit(3)), 2, on_error=Failures(retries=0))


@pytest.mark.parametrize("trouble", ["hangs", "dies"])
def test_among_many_short_calls_only_the_one_in_trouble_fails(tmp_path, trouble):
    """Workers are given handfuls then: what waits behind a call that hangs, or kills, is asked once, of another."""

    def fun(x):
        with open(tmp_path / x.tobytes().hex(), "a") as times:
            times.write("1")
        if x[0] > 1.98:
            time.sleep(1000) if trouble == "hangs" else by_signal()
        return bowl(x)

    policy = {"error": "skip", "retries": 2} | ({"timeout": 0.3} if trouble == "hangs" else {})
    options = {"optimizer": optikit.get("optimizer", "random-search", samples=300), "history": "points"}
    result = searched(fun, 2, 600, on_error=policy, **options)
    lost = result.history.points[:, 0] > 1.98
    assert 0 < lost.sum() < 20
    assert list(result.history.failures) == np.flatnonzero(lost).tolist()
    assert result.history.fun[~lost].tobytes() == searched(bowl, None, 600, **options).history.fun[~lost].tobytes()
    times = {len(path.read_text()) for path in tmp_path.iterdir()}
    assert times == ({1} if trouble == "hangs" else {1, 3})
    assert len(list(tmp_path.iterdir())) == 600


def test_short_calls_are_handed_out_by_the_handful(monkeypatch):
    sent = []

    def send(connection, questions):
        if questions is not None:
            sent.append(len(questions))
        whole(connection, questions)

    whole = multiprocessing.connection.Connection.send
    monkeypatch.setattr(multiprocessing.connection.Connection, "send", send)
    options = {"optimizer": optikit.get("optimizer", "random-search", samples=1000), "max_evals": 1000}
    searched(bowl, 1, **options)
    assert sum(sent) == 1000
    assert max(sent) > 1
    sent.clear()
    searched(lambda x: time.sleep(0.01) or bowl(x), 1, **{**options, "max_evals": 30})
    assert sent == [1] * 30


def test_what_the_function_raises_in_a_worker_is_raised_here_with_its_traceback():
    class Own(Exception):
        pass

    def fails(x):
        if x[3] > 1:
            raise KeyError("the fourth")
        return bowl(x)

    def privately(x):
        raise Own("nobody knows it")

    histories = []
    for workers in (None, 2):
        with pytest.raises(KeyError, match="the fourth") as error:
            searched(fails, workers)
        histories.append(said(error.value.result)[2])
    assert histories[0] == histories[1]
    assert "in fails" in "".join(error.value.__notes__)
    with pytest.raises(ObjectiveError, match="Own: nobody knows it"):
        searched(privately, 2)


def test_ctrl_c_ends_the_run_and_leaves_no_process(tmp_path):
    main = threading.main_thread().ident
    timer = threading.Timer(1.0, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    result = searched(sleeper(tmp_path), 3)
    timer.join()
    assert result.reason is StopReason.INTERRUPTED
    assert result.nfev
    assert gone(pids(tmp_path))
    assert not multiprocessing.active_children()


def test_time_that_is_up_ends_the_run_between_two_answers(tmp_path):
    def slow(x):
        time.sleep(0.05)
        return bowl(x)

    search = optikit.get("optimizer", "random-search", samples=1000)
    result = searched(slow, 2, max_evals=10_000, max_seconds=0.4, optimizer=search)
    assert result.reason is StopReason.MAX_SECONDS
    assert 0 < result.nfev < 100


def test_workers_draw_other_noise_than_each_other():
    def noise(x):
        time.sleep(0.01)
        return float(np.random.random())  # noqa: NPY002 - it is the global generator that the test is about

    values = searched(noise, 3, max_evals=30).history.fun
    assert len(set(values)) == len(values)


ELSEWHERE = [
    pytest.param(lambda: ThreadPoolExecutor(2), lambda pool: pool, id="threads"),
    pytest.param(lambda: ProcessPoolExecutor(2, SPAWN), lambda pool: pool, id="processes"),
    pytest.param(lambda: SPAWN.Pool(2), lambda pool: pool.map, id="Pool.map"),
    pytest.param(lambda: SPAWN.Pool(2), lambda pool: pool.imap, id="Pool.imap"),
    pytest.param(lambda: ThreadPool(2), lambda pool: pool.map, id="ThreadPool.map"),
    pytest.param(lambda: ThreadPool(2), lambda pool: map, id="map"),
]


@pytest.mark.parametrize(("open_", "taken"), ELSEWHERE)
def test_the_workers_of_others_give_the_same_numbers(open_, taken):
    with open_() as pool:
        for max_evals in (20, 33):
            result = searched(bowl, taken(pool), max_evals)
            assert said(result) == said(searched(bowl, max_evals=max_evals))
        lost = searched(Sometimes(), taken(pool), 33, on_error="skip")
        assert said(lost) == said(searched(Sometimes(), max_evals=33, on_error="skip"))
        assert lost.history.failures


class Sometimes:
    """Fails; can be sent."""

    def __call__(self, x):
        if x[4] > 1:
            raise ArithmeticError("no value")
        return bowl(x)


class Travelling:
    """Counts its arrivals in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, x):
        return bowl(x)

    def __setstate__(self, state):
        self.__dict__ |= state
        Path(self.folder, f"{os.getpid()}-{time.monotonic_ns()}").touch()


def test_the_problem_travels_once_to_each_worker(tmp_path):
    with ProcessPoolExecutor(2, SPAWN) as pool:
        searched(Travelling(tmp_path), pool, 150)
    assert 1 <= len(list(tmp_path.iterdir())) <= 2


@pytest.mark.parametrize("workers", [0, -2, True, "many", 1.5, ThreadPoolExecutor, [2]])
def test_what_is_no_worker_is_refused(workers):
    with pytest.raises(InputError, match=r"workers is .*; pass"):
        searched(bowl, workers)


@pytest.mark.parametrize("workers", [None, map])
def test_a_timeout_needs_workers_that_can_be_ended(workers):
    with pytest.raises(InputError, match=r"timeout of 1 s, but only processes .* pass workers=N"):
        searched(bowl, workers, on_error=Failures(timeout=1))


@pytest.mark.parametrize("wrong", [lambda f, items: None, lambda f, items: [], lambda f, items: [1 for _ in items]])
def test_a_function_that_does_not_map_is_refused(wrong):
    with pytest.raises(InputError, match="workers gave"):
        searched(bowl, wrong)


def test_a_function_that_cannot_be_sent_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with (
        ProcessPoolExecutor(1, SPAWN) as pool,
        pytest.raises(InputError, match=r"cannot be sent to the workers .* define it in a module"),
    ):
        searched(lambda x: bowl(x), pool)
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: "spawn")
    with pytest.raises(InputError, match=r"cannot be sent to the workers .* define it in a module"):
        searched(lambda x: bowl(x), 2)


def test_a_run_that_was_interrupted_goes_on_with_other_workers(tmp_path):
    def stop(progress):
        if progress.step == 2:
            raise KeyboardInterrupt

    path = tmp_path / "run.db"
    searched(bowl, 2, checkpoint=path, callback=stop)
    assert said(optikit.resume(path, bowl, workers=3)) == said(searched(bowl))


SCRIPT = """
import os, time, warnings
import optikit

os.register_at_fork(before=lambda: warnings.warn("this process has threads"))


def fun(x):
    open(f"{folder}/pid-{{os.getpid()}}", "w").close()
    time.sleep({seconds})
    return x @ x


search = optikit.get("optimizer", "random-search", samples=8)
path = "{folder}/run.db"
optikit.minimize(fun, [1.0, 2.0], optimizer=search, bounds=(-1, 3), max_evals=8, workers=2, checkpoint=path)
"""


def script(folder, seconds):
    return [sys.executable, "-W", "error", "-c", SCRIPT.format(folder=folder, seconds=seconds)]


def test_no_warning_about_threads_reaches_the_user(tmp_path):
    done = subprocess.run(script(tmp_path, 0), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_workers_whose_parent_is_killed_hold_no_lock_and_leave(tmp_path):
    with subprocess.Popen(script(tmp_path, 2), start_new_session=True) as parent:
        while len(pids(tmp_path)) < 2:
            assert parent.poll() is None
            time.sleep(0.01)
        parent.kill()
        parent.wait()
    assert any(map(alive, pids(tmp_path)))
    assert optikit.resume(tmp_path / "run.db", lambda x: x @ x).nfev == 8
    assert gone(pids(tmp_path))


class Deadly:
    """Kills its process at some points; can be sent."""

    def __call__(self, x):
        if x[4] > 1.8:
            by_signal()
        return bowl(x)


def test_an_executor_that_breaks_is_said_in_one_sentence_with_what_was_found():
    with ProcessPoolExecutor(2, SPAWN) as pool:
        with pytest.raises(InputError, match=r"^workers=ProcessPoolExecutor takes no .*; open a new one, or") as error:
            searched(Deadly(), pool)
        assert "\n" not in str(error.value)
        found, whole = error.value.result, searched(bowl)
        assert found.nfev >= 10
        assert found.history.fun.tobytes() == whole.history.fun[: found.nfev].tobytes()
        with pytest.raises(InputError, match="takes no more work") as error:
            searched(bowl, pool)
        assert error.value.result.nfev == 0
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(InputError, match=r"takes no more work \(cannot schedule new futures after shutdown\)"):
        searched(bowl, pool)
