"""Observers: they see every step, long steps and the end; they change nothing, and none of them ends a run."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optikit_observers import terminal
from optikit_observers.chart import Curve, chart
from optikit_observers.told import NUMBERS, done, sentence
from rich.console import Console

import optikit
from optikit import InputError, Observer, Progress, StopReason, TrainingResult, registry, watch

ROOT = Path(__file__).parents[1]
SECONDS = NUMBERS.index("seconds")


def valley(x):
    return float(10 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)


def spy(make, called="spy"):
    """Make an observer of a function of a run."""

    class Spy(Observer):
        """A spy."""

        name = called

        def watch(self, run):
            return make(run)

    return Spy()


class Seen:
    """Writes down all it is told."""

    def __init__(self, run=None):
        self.steps, self.within_steps, self.ends = [], [], []

    def __call__(self, progress):
        self.steps.append(progress)

    def within(self, progress):
        self.within_steps.append(progress)

    def close(self, result):
        self.ends.append(result)


@pytest.fixture
def hasty(monkeypatch):
    """Look within steps before every evaluation."""
    monkeypatch.setattr(watch, "_LEAST", 0.0)
    monkeypatch.setattr(watch, "_SHARE", 0.0)


ENDS = [ValueError("a"), SystemExit(3), MemoryError(), GeneratorExit(), StopIteration(), AssertionError("b")]


class Vandal:
    """Writes into all that it is given, and raises at its time."""

    def __init__(self, run, raises, when):
        run.x0[:] = 1e6
        self.raises, self.left = raises, when

    def __call__(self, progress):
        progress.x[:] = -1e6
        self.left -= 1
        if self.left < 0:
            raise self.raises

    within = __call__

    def close(self, result):
        if self.left < 2:
            raise self.raises


@settings(max_examples=40)
@given(
    st.sampled_from(["gradient-descent", "one-plus-one-es", "random-search", "scipy-lbfgsb", "lbfgs"]),
    st.sampled_from(ENDS),
    st.integers(0, 8),
    st.booleans(),
)
def test_no_observer_changes_a_run(name, raises, when, often):
    def made(observers):
        start = np.array([-1.0, 0.5])
        slope = None if name in ("one-plus-one-es", "random-search") else "central-difference"
        limits = {"max_evals": 60, "bounds": (-2.0, 2.0), "gradient": slope, "observers": observers}
        points = []
        result = optikit.minimize(
            valley, start, optimizer=name, rng=3, callback=lambda progress: points.append(progress.x), **limits
        )
        assert start.tolist() == [-1.0, 0.5]
        return result, points

    alone, points = made([])
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if often:
            patch.setattr(watch, "_LEAST", 0.0)
            patch.setattr(watch, "_SHARE", 0.0)
        watched, seen = made([spy(lambda run: Vandal(run, raises, when), "vandal"), spy(Seen)])
    assert watched.x.tobytes() == alone.x.tobytes()
    for field in ("fun", "nfev", "njev", "nit", "reason", "message"):
        assert getattr(watched, field) == getattr(alone, field)
    assert watched.history.fun.tobytes() == alone.history.fun.tobytes()
    assert np.array_equal(points, seen)
    assert len(caught) <= 1
    assert all(str(each.message).startswith(f"the observer vandal raised {raises!r}") for each in caught)


def test_one_that_raises_is_told_of_no_more_and_gives_back_what_it_holds():
    class Failing(Seen):
        def __call__(self, progress):
            super().__call__(progress)
            if progress.step == 2:
                raise OSError("the disk is full")

    seen = Failing()
    with pytest.warns(RuntimeWarning, match=r"the observer full raised OSError\('the disk is full'\)") as caught:
        result = optikit.minimize(
            valley, [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference", max_steps=4,
            observers=[spy(lambda run: seen, "full")],
        )  # fmt: skip
    assert len(caught) == 1
    assert [progress.step for progress in seen.steps] == [1, 2]
    assert seen.ends == [None]
    assert result.nit == 4


def test_where_warnings_are_errors_a_raising_observer_is_still_not_the_end(capsys):
    def raising(progress):
        raise ValueError("oh")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = optikit.minimize(
            valley, [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference", max_steps=3,
            observers=[spy(lambda run: raising)],
        )  # fmt: skip
    assert result.reason is StopReason.MAX_STEPS
    assert "the observer spy raised ValueError('oh') and is no longer called" in capsys.readouterr().err


def test_one_that_fails_at_the_start_is_left_out_and_the_others_watch():
    seen = Seen()

    def absent(run):
        raise OSError("no display")

    with pytest.warns(RuntimeWarning, match="the observer spy raised OSError: no display .* is left out"):
        optikit.minimize(
            valley, [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference", max_steps=3,
            observers=[spy(absent), spy(lambda run: seen), spy(lambda run: None)],
        )  # fmt: skip
    assert [progress.step for progress in seen.steps] == [1, 2, 3]


def test_within_the_one_step_of_a_solver_it_is_seen_how_it_goes_on(hasty):
    seen = Seen()
    result = optikit.minimize(
        valley, [-1.0, 1.0], optimizer="scipy-nelder-mead", max_evals=50, observers=[spy(lambda run: seen)]
    )  # fmt: skip
    assert seen.steps == []
    assert [progress.nfev for progress in seen.within_steps] == list(range(51))
    assert {progress.step for progress in seen.within_steps} == {0}
    best = np.minimum.accumulate(result.history.fun)
    for progress in seen.within_steps[1:]:
        assert progress.fun == progress.best == best[progress.nfev - 1] == valley(progress.x)


def test_within_a_sweep_it_is_seen_how_it_goes_on(hasty):
    seen = Seen()
    optikit.minimize(
        lambda x: x @ x, np.ones(20), optimizer="gradient-descent", gradient="central-difference", max_steps=2,
        observers=[spy(lambda run: seen)],
    )  # fmt: skip
    assert len({progress.nfev for progress in seen.within_steps}) >= 80
    assert [progress.nfev for progress in seen.steps] == [41, 82]


def test_looks_within_a_step_become_rarer(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "perf_counter", lambda: clock[0])
    times = []
    watchers = watch.Watchers([("one", type("One", (), {"within": lambda self, told: times.append(told)})())])
    for millisecond in range(1, 100_001):
        clock[0] = millisecond / 1000
        watchers.within(lambda: clock[0])
    assert min(np.diff(times)) >= 0.1 - 1e-9
    assert max(np.diff(times)) <= 1.01
    assert 100 < len(times) < 400


@pytest.mark.parametrize("end", ["max-steps", "error", "callback", "interrupted"])
def test_an_observer_is_told_of_the_end(end):
    seen, calls = Seen(), []

    def fun(x):
        calls.append(1)
        if len(calls) == 20 and end == "error":
            raise ValueError("broken")
        if len(calls) == 20 and end == "interrupted":
            raise KeyboardInterrupt
        return valley(x)

    def callback(progress):
        if progress.step == 3 and end == "callback":
            raise StopIteration

    arguments = {"optimizer": "gradient-descent", "gradient": "central-difference", "max_steps": 5}
    try:
        result = optikit.minimize(fun, [0.0, 0.0], callback=callback, observers=[spy(lambda run: seen)], **arguments)
    except ValueError as error:
        result = error.result
    assert seen.ends == [result]
    assert result.reason.value == end


def test_an_observer_of_a_training_is_told_what_the_training_came_to():
    seen = Seen()
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(60, 3)), rng.normal(size=60))
    result = optikit.fit(
        optikit.get("model", "linear", inputs=3), "mean-squared-error", data, optimizer="gradient-descent", epochs=3,
        batch_size=20, rng=0, observers=[spy(lambda run: seen)],
    )  # fmt: skip
    assert seen.ends == [result]
    assert isinstance(seen.ends[0], TrainingResult)
    assert len(seen.steps) == 9


def test_an_observer_of_a_run_that_is_refused_is_told_so():
    seen = Seen()
    with pytest.raises(InputError, match="outside"):
        optikit.minimize(
            valley, [5.0, 0.0], optimizer="random-search", bounds=(0, 1), max_evals=5,
            observers=[spy(lambda run: seen)],
        )  # fmt: skip
    assert seen.ends == [None]


def test_an_observer_that_refuses_a_run_evaluates_nothing_and_the_others_are_told():
    seen, calls = Seen(), []

    def refusing(run):
        raise InputError("this is wrong")

    with pytest.raises(InputError, match="this is wrong"):
        optikit.minimize(
            calls.append, [5.0], optimizer="gradient-descent", gradient="central-difference",
            observers=[spy(lambda run: seen), spy(refusing)],
        )  # fmt: skip
    assert (calls, seen.ends) == ([], [None])


@pytest.mark.parametrize("method", ["__call__", "within", "close"])
def test_ctrl_c_in_an_observer_is_for_the_user(hasty, method):
    def interrupted(self, told):
        raise KeyboardInterrupt

    cls = type("Interrupted", (Seen,), {method: interrupted})
    arguments = {"optimizer": "gradient-descent", "gradient": "central-difference", "max_steps": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = optikit.minimize(valley, [0.0, 0.0], observers=[spy(cls)], **arguments)
    assert result.reason is (StopReason.MAX_STEPS if method == "close" else StopReason.INTERRUPTED)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("progress", "pass a list of observers"),
        (3, "pass a list of observers"),
        (["progres"], "did you mean 'progress'"),
        ([{"name": "csv-log", "pth": "x"}], "did you mean 'path'"),
        ([print], "is no observer; give a component"),
    ],
)
def test_a_wrong_observer_is_one_sentence(wrong, said):
    with pytest.raises(InputError, match=said) as caught:
        optikit.minimize(valley, [0.0, 0.0], optimizer="random-search", bounds=(0, 1), observers=wrong)
    assert "\n" not in str(caught.value)


def test_a_hook_that_watches_every_run_is_no_name_to_be_chosen():
    class Hooked:
        @staticmethod
        @optikit.hookimpl
        def optikit_observer(run):
            """Look."""

    known = registry.Registry([])
    known.add(Hooked, "other", "looker")
    assert known.faults == []
    assert known.components("observer") == {}
    assert [(entry.kind, entry.name, entry.chosen) for entry in known.entries] == [("observer", "looker", False)]
    assert known.clashes() == []
    with pytest.raises(InputError, match="there is no observer 'looker'"):
        known.find("observer", "looker")


# Logs


def told(step, nfev, **more):
    numbers = {"njev": step, "fun": 1 / (1 + nfev), "best": 1 / (1 + nfev), "seconds": 0.5 * nfev}
    return Progress(step=step, x=np.zeros(2), nfev=nfev, **numbers | more)


def a_run(**more):
    problem = optikit.Problem(valley)
    gradient, optimizer = None, optikit.get("optimizer", "gradient-descent")
    from optikit.budget import Budget

    budget = Budget(max_steps=50)
    return optikit.Run(
        problem=problem, x0=np.zeros(2), optimizer=optimizer, gradient=gradient, budget=budget, **more
    )  # fmt: skip


def written(log, rows, **run):
    watcher = log.watch(a_run(**run))
    for row in rows:
        watcher(row)
    watcher.close(None)


LOGS = ["csv-log", "json-lines-log"]
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("name", LOGS)
@settings(max_examples=60)
@given(st.data())
def test_a_log_that_was_cut_off_anywhere_is_continued_to_the_whole_one(name, tmp_path_factory, data):
    gaps = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30)).filter(any), max_size=8))
    places = np.cumsum([(0, 0), *gaps], axis=0)[1:].tolist()
    rows = [told(step, nfev, fun=data.draw(st.floats()), best=data.draw(finite)) for step, nfev in places]
    folder = tmp_path_factory.mktemp("logs")
    whole, cut = (optikit.get("observer", name, path=folder / each) for each in ("whole", "cut"))
    written(whole, rows)
    text = whole.path.read_bytes() if rows else b""
    cut.path.write_bytes(text[: data.draw(st.integers(0, len(text)))])
    # The run goes on from a step that is in the file, or just behind it; never later.
    kept = cut.path.read_bytes().count(b"\n") - (name == "csv-log")
    written(cut, rows[data.draw(st.integers(0, max(0, kept))) :], continued=True)
    assert cut.path.read_bytes() == text


def test_what_the_logs_say(tmp_path):
    rows = [told(1, 3, fun=math.inf, best=0.1), told(2, 6, accuracy=0.5, held_out_loss=math.nan)]
    table, lines = (optikit.get("observer", name, path=tmp_path / name) for name in LOGS)
    written(table, rows)
    written(lines, rows)
    first, second = csv.DictReader(io.StringIO(table.path.read_text()))
    assert tuple(first) == NUMBERS
    assert (first["step"], first["fun"], first["best"], first["accuracy"]) == ("1", "inf", "0.1", "")
    assert (float(second["fun"]), second["accuracy"], second["held_out_loss"]) == (1 / 7, "0.5", "nan")
    first, second = map(json.loads, lines.path.read_text().splitlines())
    assert (first["fun"], first["seconds"], "accuracy" in first) == (None, 1.5, False)
    assert (second["fun"], second["accuracy"], second["held_out_loss"]) == (1 / 7, 0.5, None)


@pytest.mark.parametrize("name", LOGS)
def test_a_log_is_refused_rather_than_overwritten(name, tmp_path):
    log = optikit.get("observer", name, path=tmp_path / "log")
    log.path.write_bytes(b"a dear text\nof two lines")
    with pytest.raises(InputError, match=r"exists; give another path, or say replace = true"):
        log.watch(a_run())
    with pytest.raises(InputError, match=r"is no log to be continued"):
        log.watch(a_run(continued=True))
    assert log.path.read_bytes() == b"a dear text\nof two lines"
    with pytest.raises(InputError, match=r"is no folder; make it first"):
        log.model_copy(update={"path": tmp_path / "away" / "log"}).watch(a_run())
    written(log.model_copy(update={"replace": True}), [told(1, 2)])
    assert b"dear" not in log.path.read_bytes()


@pytest.mark.parametrize("name", LOGS)
def test_a_run_that_is_refused_leaves_no_log(name, tmp_path):
    log = optikit.get("observer", name, path=tmp_path / "log")
    with pytest.raises(InputError):
        optikit.minimize(valley, [5.0, 5.0], optimizer="random-search", bounds=(0, 1), observers=[log])
    assert not log.path.exists()


KILLED = """
    import os, signal, sys
    import optikit

    def valley(x):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return float(10 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)

    left = int(sys.argv[1])
    logs = [{"name": "csv-log", "path": "log.csv"}, {"name": "json-lines-log", "path": "log.jsonl"}]
    optikit.minimize(
        valley, [-1.0, 0.5], optimizer="gradient-descent", gradient="central-difference", max_steps=12, rng=0,
        checkpoint="run.db", observers=logs,
    )
"""


def test_a_run_that_was_killed_goes_on_in_its_logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), "43"], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    rows = Path("log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", *map(str, range(1, 9))], "8 steps of 5 evaluations"
    logs = [{"name": "csv-log", "path": "log.csv"}, {"name": "json-lines-log", "path": "log.jsonl"}]
    result = optikit.resume("run.db", valley, observers=logs)
    rows = list(csv.DictReader(io.StringIO(Path("log.csv").read_text())))
    lines = list(map(json.loads, Path("log.jsonl").read_text().splitlines()))
    for found in (rows, lines):
        assert [int(row["step"]) for row in found] == list(range(1, 13))
        assert [float(row["fun"]) for row in found] == result.history.steps["fun"].tolist()
        assert [int(row["nfev"]) for row in found] == result.history.steps["nfev"].tolist()


# The terminal


numbers = st.lists(st.floats(-1e300, 1e300) | st.floats(1e-300, 1e300), min_size=1, max_size=300)


@given(numbers, st.integers(1, 60), st.integers(3, 20))
def test_a_chart_fits_into_its_columns_and_orders_them_as_the_numbers_are(given, width, height):
    curve = Curve(60)
    for number in [*given, math.nan, math.inf]:
        curve.add(number)
    columns = curve.columns(width)
    assert 1 <= len(columns) <= width
    lines, logarithmic = chart(columns, height)
    assert len(lines) == height
    begin = lines[0].index("┤") + 1
    assert {len(line) for line in lines} == {begin + len(columns)}
    assert logarithmic == (min(columns) > 0 and max(columns) / min(columns) >= 100)
    heights = [sum(" ▁▂▃▄▅▆▇█".index(line[begin + i]) for line in lines) for i in range(len(columns))]
    assert min(heights) == 1
    assert max(heights) == (8 * height if max(columns) > min(columns) else 1)
    order = np.argsort(columns, kind="stable")
    assert (np.diff(np.array(heights)[order]) >= 0).all()
    assert float(lines[-1][: begin - 1]) == pytest.approx(min(columns), rel=0.01)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=1000))
def test_a_curve_keeps_the_mean_of_what_it_was_given(given):
    curve = Curve(10)
    for number in given:
        curve.add(number)
    assert len(curve.columns(1000)) <= 20
    (mean,) = curve.columns(1)
    if len(given) < 20:
        assert mean == pytest.approx(np.mean(given), abs=1e-6)
    assert min(given) - 1e-6 <= mean <= max(given) + 1e-6


@pytest.fixture
def screen(monkeypatch):
    """A terminal of 70 columns, and what is written to it."""
    made = Console(file=io.StringIO(), force_terminal=True, width=70, height=30)
    monkeypatch.setattr(terminal, "is_there", lambda: True)
    monkeypatch.setattr(terminal, "console", lambda: made)
    return made.file


def test_the_loss_is_drawn_live_and_the_last_picture_stays(screen):
    descent = optikit.get("optimizer", "gradient-descent", learning_rate=0.01)
    optikit.minimize(
        lambda x: float(x @ x), [1.0, 2.0], optimizer=descent, gradient="central-difference", max_steps=300,
        observers=[{"name": "live-loss", "height": 5}],
    )  # fmt: skip
    shown = screen.getvalue()
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1, "the cursor is hidden, and comes back"
    last = [line for line in shown.split("gradient-descent: ")[-1].splitlines() if line.strip()]
    assert last[0].startswith("step 300/300, loss ")
    assert [("┤" in line) for line in last[1:6]] == [True] * 5
    assert last[6].strip().startswith("└ until step 300, evaluation 1,500, log scale")
    assert len(max(last, key=len)) <= 70


def test_a_bar_gives_the_terminal_back_even_if_it_fails(screen, monkeypatch):
    import optikit_observers.progress as home

    def failing(run, progress):
        raise ValueError("oh")

    monkeypatch.setattr(home, "sentence", failing)
    with pytest.warns(RuntimeWarning, match="the observer progress raised"):
        optikit.minimize(
            valley, [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference", max_steps=3,
            observers=["progress"],
        )  # fmt: skip
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("name", ["progress", "live-loss"])
def test_in_a_pipe_nothing_is_drawn(name, capsys):
    optikit.minimize(
        valley, [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference", max_steps=30,
        observers=[name],
    )  # fmt: skip
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_the_limit_that_is_nearest():
    run = a_run()
    assert done(run, told(20, 7)) == 0.4
    assert sentence(run, told(20, 7)) == "step 20/50, loss 0.125"
    limited = replace(run, budget=run.budget.model_copy(update={"max_evals": 10, "max_seconds": 100.0}))
    assert done(limited, told(20, 7)) == 0.7
    solver = optikit.get("optimizer", "scipy-lbfgsb")
    assert sentence(replace(limited, optimizer=solver), told(0, 7)) == "evaluation 7/10, loss 0.125"
    assert done(replace(run, budget=run.budget.model_copy(update={"max_steps": None})), told(1, 1)) is None


# Experiments


EXPERIMENT = """
    [problem]
    function = "mine.py:bowl"
    x0 = [1.0, 2.0]
    [runs.first]
    optimizer = "gradient-descent"
    gradient = "central-difference"
    max_steps = 5
    observers = ["json-lines-log"]
    [runs.second]
    optimizer = "one-plus-one-es"
    max_evals = 20
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def bowl(x):\n    return x @ x\n")
    (tmp_path / "f.toml").write_text(textwrap.dedent(EXPERIMENT))

    def run(*words):
        from optikit.cli import main

        monkeypatch.setattr(sys, "argv", ["optikit", "run", "f.toml", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_observers_of_an_experiment_write_beside_its_results(experiment):
    status, _, err = experiment("--observe", "csv-log")
    assert status == 0, err
    found = sorted(path.name for path in Path("results/f-1").iterdir() if "log" in path.name or path.suffix != ".npz")
    assert {"first.csv", "first.jsonl", "second.csv"} <= set(found)
    assert "second.jsonl" not in found
    assert len(Path("results/f-1/first.csv").read_text().splitlines()) == 6
    assert "first: step 5/5, loss" in err


def test_an_observer_on_the_command_line_may_be_a_table(experiment):
    status, _, err = experiment("--only", "first", "--observe", "{name = 'csv-log', path = 'mine.csv'}")
    assert status == 0, err
    assert Path("mine.csv").exists()


def test_a_wrong_observer_of_an_experiment_is_one_sentence(experiment):
    status, out, err = experiment("--observe", "csv-lgo")
    assert (status, out) == (2, "")
    assert err == "optikit: --observe csv-lgo: there is no observer 'csv-lgo'; did you mean 'csv-log'?\n"
    status, _, err = experiment("--set", 'runs.second.observers=["progress", {name="csv-log", replace=3}]')
    assert status == 2
    assert "[runs.second.observers.1] csv-log: replace is 3" in err
