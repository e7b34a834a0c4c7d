"""Checkpoints: what is refused and how, what survives damage, and that a file can do no more than be refused."""

import json
import math
import sqlite3
import subprocess
import sys
import zlib
from collections import deque
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mutated import mutate, nothing_runs

import optikit
import optikit.journal
import optikit.versions
from optikit import CheckpointError, ContractError, InputError, StopReason
from optikit.plain import decode, encode

LOWEST = np.array([0.3, -0.7, 1.1])


def bowl(x):
    return float(((x - LOWEST) ** 2).sum())


def slope(x):
    return 2 * (x - LOWEST)


class Unplugged(Exception):
    """What happens to the function."""


def broken_off(path, at=25, optimizer="one-plus-one-es", **options):
    """Begin a run whose function raises, and give the result that it would have had."""
    usual = {"optimizer": optimizer, "gradient": slope, "bounds": (-2, 2), "max_evals": 60, "rng": 3}
    usual |= {"check_gradient": False, **options}
    calls = 0

    def failing(x):
        nonlocal calls
        calls += 1
        if calls > at:
            raise Unplugged
        return bowl(x)

    with suppress(Unplugged):
        optikit.minimize(failing, np.zeros(3), checkpoint=path, **usual)
    return optikit.minimize(bowl, np.zeros(3), **usual)


def same(first, second):
    return np.array_equal(first.history.fun, second.history.fun) and np.array_equal(first.x, second.x)


def continued(path, **options):
    return optikit.resume(path, bowl, gradient=slope, **options)


# What is said, and what is refused


def test_a_run_is_listed_while_it_lasts_and_when_it_has_ended(tmp_path):
    path, seen = tmp_path / "run.db", []

    def fun(x):
        if not seen:
            seen.extend(optikit.runs(path))
        return bowl(x)

    result = optikit.minimize(fun, np.zeros(3), optimizer="adam", gradient=slope, max_steps=5, checkpoint=path)
    optikit.minimize(bowl, np.zeros(3), optimizer="lbfgs", gradient=slope, checkpoint=path)
    first, second = optikit.runs(path)
    assert (seen[0].stop, seen[0].label) == (None, "adam")
    assert (first.stop, first.nfev, first.nit, first.fun) == ("max-steps", 5, 5, result.fun)
    assert (second.run, second.about["optimizer"], second.about["parameters"]) == (2, "lbfgs", 3)
    assert first.about["problem"].endswith("fun")


def test_any_client_reads_values_and_steps(tmp_path):
    path = tmp_path / "run.db"
    result = optikit.minimize(
        bowl, np.zeros(3), optimizer="adam", gradient=slope, max_steps=7, checkpoint=path, history="points"
    )
    with closing(sqlite3.connect(path)) as client:
        rows = client.execute("SELECT fun, x FROM evaluations ORDER BY number").fetchall()
        best = client.execute("SELECT best FROM steps ORDER BY step").fetchall()
    assert [fun for fun, _ in rows] == result.history.fun.tolist()
    assert np.array_equal([np.frombuffer(x) for _, x in rows], result.history.points)
    assert [one for (one,) in best] == result.history.steps["best"].tolist()


@given(value=st.sampled_from([-0.0, 5e-324, math.inf, 1.0, 1e308, 0.1, -3.0]))
def test_values_keep_every_bit(value, tmp_path_factory):
    path = tmp_path_factory.mktemp("bits") / "run.db"
    optikit.minimize(
        lambda x: value, [1.0, 2.0], optimizer="random-search", bounds=(0, 3), max_evals=3, checkpoint=path
    )
    with closing(sqlite3.connect(path)) as client:
        kept = [fun for (fun,) in client.execute("SELECT fun FROM evaluations")]
    assert [math.copysign(1, fun) for fun in kept] == [math.copysign(1, value)] * 3
    assert np.array(kept, dtype=float).tobytes() == np.full(3, value).tobytes()


@pytest.mark.parametrize("history", ["values", "points", "best"])
@pytest.mark.parametrize("at", [0, 1, 25, 59])
def test_every_kind_of_history_is_continued(history, at, tmp_path):
    expected = broken_off(tmp_path / "run.db", at, history=history)
    result = continued(tmp_path / "run.db")
    for what in ("fun", "points", "best", "numbers"):
        assert np.array_equal(getattr(result.history, what), getattr(expected.history, what)), what


def test_failures_are_continued_too(tmp_path):
    def fun(x):
        if x[0] > 0.5:
            raise ValueError(f"no value above 0.5\nat {x[0]}")
        return math.nan if x[1] > 0.5 else bowl(x)

    usual = {"optimizer": "random-search", "bounds": (-1, 1), "rng": 0, "on_error": "penalise"}
    expected = optikit.minimize(fun, np.zeros(3), max_evals=60, **usual)
    optikit.minimize(fun, np.zeros(3), max_evals=33, checkpoint=tmp_path / "run.db", **usual)
    result = optikit.resume(tmp_path / "run.db", fun, max_evals=60)
    assert same(result, expected)
    assert result.history.failures == expected.history.failures
    assert "ValueError: no value above 0.5" in result.history.failures.values()
    assert (result.nans, result.message) == (expected.nans, expected.message)


def test_a_training_is_continued_with_its_curve(tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 4))
    data = inputs, (inputs[:, 0] > 0).astype(int)
    usual = {"optimizer": "adam", "batch_size": 7, "rng": 5}
    model = optikit.get("model", "mlp", layers=(4, 3, 2))
    expected = optikit.fit(model, "cross-entropy", data, epochs=6, **usual)

    def until_step_20(progress):
        if progress.step == 20:
            raise StopIteration

    optikit.fit(model, "cross-entropy", data, epochs=6, callback=until_step_20, checkpoint=tmp_path / "run.db", **usual)
    result = optikit.resume(tmp_path / "run.db", data=data)
    assert same(result, expected)
    assert np.array_equal(result.curve["loss"], expected.curve["loss"], equal_nan=True)
    assert (result.reason, result.train_accuracy) == (StopReason.EPOCHS, expected.train_accuracy)
    with pytest.raises(InputError, match=r"run 1 was begun with other data"):
        optikit.resume(tmp_path / "run.db", data=(data[0] + 1, data[1]))
    with pytest.raises(InputError, match=r"data is not saved; pass it again: optikit\.resume\(path, data=data\)"):
        optikit.resume(tmp_path / "run.db")


def test_what_is_not_saved_has_to_be_passed_again_and_nothing_else_can(tmp_path):
    path = tmp_path / "run.db"
    broken_off(path)
    with pytest.raises(InputError, match=r"fun is not saved; pass it again: optikit\.resume\(path, fun\)"):
        optikit.resume(path)
    with pytest.raises(InputError, match="gradient is not saved"):
        optikit.resume(path, bowl)
    with pytest.raises(InputError, match="another optimizer; pass the same"):
        continued(path, optimizer="adam")
    with pytest.raises(InputError, match="model is nothing that run 1"):
        continued(path, model="mlp")
    with pytest.raises(InputError, match="there is no run 7"):
        continued(path, run=7)


def test_another_function_is_found_out_where_it_leads_elsewhere(tmp_path):
    broken_off(tmp_path / "run.db", at=30)
    with closing(sqlite3.connect(tmp_path / "run.db")) as client, client:
        client.execute("UPDATE evaluations SET fun = fun - 9 WHERE number = 4")
    with pytest.raises(InputError, match="the optimizer asked something else than before") as caught:
        continued(tmp_path / "run.db")
    assert 4 <= caught.value.result.nfev < 30


def test_a_state_that_cannot_be_saved_is_refused_before_anything_is_asked(tmp_path):
    @dataclass(kw_only=True, slots=True)
    class Odd(optikit.State):
        tail: deque

    class Hoarder(optikit.Optimizer[Odd]):
        """Keeps a deque."""

        name = "hoarder"

        def init(self, x0, rng):
            return Odd(x=x0, tail=deque())

        def step(self, oracle, state):
            oracle.value(state.x)
            return state

    calls = []
    with pytest.raises(ContractError, match=r"state\.tail|tail is a collections\.deque, which cannot be saved"):
        optikit.minimize(calls.append, [1.0], optimizer=Hoarder(), max_evals=3, checkpoint=tmp_path / "run.db")
    assert not calls


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "pass the name of one"),
        ("nowhere/run.db", "no such folder"),
        (".", "this is a folder and no checkpoint"),
        (":memory:", "which is no file"),
        ("a\0b", "which is no file"),
    ],
)
def test_a_wrong_place_is_refused(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []
    with pytest.raises(InputError, match=said):
        optikit.minimize(calls.append, [1.0], optimizer="random-search", max_evals=3, checkpoint=given)
    assert not calls


def test_the_second_of_two_is_refused_and_the_first_goes_on(tmp_path):
    path, said = tmp_path / "run.db", []
    code = f"import optikit; optikit.resume({str(path)!r}, abs)"

    def fun(x):
        if not said:
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            said.append(done.stderr.splitlines()[-1])
            with pytest.raises(InputError, match="another run is writing to it"):
                optikit.minimize(bowl, np.zeros(3), optimizer="one-plus-one-es", max_evals=3, checkpoint=path)
        return bowl(x)

    result = optikit.minimize(fun, np.zeros(3), optimizer="one-plus-one-es", max_evals=20, checkpoint=path)
    assert said[0].endswith("another run is writing to it; wait until it ends, or pass another file")
    assert result.nfev == optikit.runs(path)[0].nfev == 20
    assert not list(tmp_path.glob("*-lock"))


def test_a_limit_that_is_given_once_holds_from_then_on(tmp_path):
    path, calls = tmp_path / "run.db", 0
    expected = broken_off(path, at=30, max_evals=60)

    def failing(x):
        nonlocal calls
        calls += 1
        if calls > 20:
            raise Unplugged
        return bowl(x)

    with pytest.raises(Unplugged):
        optikit.resume(path, failing, gradient=slope, max_evals=70)
    (entry,) = optikit.runs(path)
    assert (entry.nfev, entry.about["limits"]) == (50, {"max_evals": 70})
    result = continued(path)
    assert result.nfev == 70
    assert np.array_equal(result.history.fun[:60], expected.history.fun)


class Planner(optikit.Optimizer[optikit.State]):
    """Divides a way by the evaluations that it may make, all in one step."""

    name = "planner"

    def init(self, x0, rng):
        return optikit.State(x=x0)

    def step(self, oracle, state):
        low, high = oracle.bounds
        for share in np.linspace(0, 1, int(oracle.evaluations_left)):
            oracle.value(low + share * (high - low))
        return optikit.State(x=state.x, stop=optikit.Stop(True, "It has gone the way."))


@pytest.mark.parametrize("more", [{"max_evals": 70}, {"max_evals": 70, "target": -1.0}])
def test_a_limit_with_which_the_run_cannot_go_on_leaves_the_file_as_it_was(more, tmp_path):
    path = tmp_path / "run.db"
    expected = broken_off(path, optimizer=Planner())
    before = optikit.runs(path)
    with pytest.raises(InputError, match="asked something else"):
        continued(path, optimizer=Planner(), **more)
    assert optikit.runs(path) == before
    same(continued(path, optimizer=Planner()), expected)
    assert optikit.runs(path)[0].about["limits"] == before[0].about["limits"]


@pytest.mark.parametrize("optimizer", ["scipy-nelder-mead", "one-plus-one-es"])
def test_a_run_that_gets_less_far_than_it_was_leaves_the_file_as_it_is(optimizer, tmp_path):
    path = tmp_path / "run.db"
    broken_off(path, at=30, optimizer=optimizer)
    (before,) = optikit.runs(path)
    assert continued(path, max_evals=10).nfev == 10
    with closing(sqlite3.connect(path)) as client, client:
        client.execute("UPDATE evaluations SET question = question + 1 WHERE number = 20")
    with pytest.raises(InputError, match="asked something else"):
        continued(path, max_evals=60)
    (after,) = optikit.runs(path)
    assert (after.nfev, after.fun, after.stop) == (before.nfev, before.fun, before.stop) == (30, before.fun, "error")


@pytest.mark.parametrize("optimizer", ["scipy-nelder-mead", "adam"])
def test_the_clock_goes_on_from_where_it_was(optimizer, tmp_path):
    path = tmp_path / "run.db"
    broken_off(path, at=30, optimizer=optimizer)
    with closing(sqlite3.connect(path)) as client, client:
        client.execute("UPDATE runs SET seconds = 1000")
    assert continued(path, max_seconds=1e-6).reason is StopReason.MAX_SECONDS  # and what is known costs no time
    result = continued(path, max_seconds=900)
    assert (result.nfev, result.reason) == (30, StopReason.MAX_SECONDS)
    result = continued(path, max_seconds=1e9)
    assert result.nfev == 60
    assert 1000 <= result.seconds == optikit.runs(path)[0].seconds


def test_failures_are_kept_where_only_the_best_values_are(tmp_path, monkeypatch):
    for name, value in {"PAUSE": 0.0, "INTERVAL": 0.0, "SHARE": math.inf}.items():
        monkeypatch.setattr(optikit.journal, name, value)

    def fun(x):
        if x[0] > 0.2:
            raise ValueError("no value")
        return bowl(x)

    usual = {"optimizer": "random-search", "bounds": (-1, 1), "rng": 0, "on_error": "skip", "history": "best"}
    expected = optikit.minimize(fun, np.zeros(3), max_evals=60, **usual)
    optikit.minimize(fun, np.zeros(3), max_evals=33, checkpoint=tmp_path / "run.db", **usual)
    result = optikit.resume(tmp_path / "run.db", fun, max_evals=60)
    assert result.history.failures == expected.history.failures


@pytest.mark.parametrize("sql", [
    "UPDATE runs SET arguments = 3000000000", "UPDATE runs SET arguments = -1", "UPDATE snapshots SET nfev = 'x'",
    "UPDATE snapshots SET state = NULL", "UPDATE runs SET about = '[]'", "UPDATE runs SET seconds = 'x'",
    "UPDATE evaluations SET fun = 'x'", "UPDATE evaluations SET question = 'x'",
])  # fmt: skip
def test_a_cell_of_another_kind_is_refused_in_one_sentence(sql, tmp_path):
    path = tmp_path / "run.db"
    broken_off(path)
    with closing(sqlite3.connect(path)) as client, client:
        client.execute(sql)
    with pytest.raises(InputError) as caught:
        continued(path)
    assert "\n" not in str(caught.value)


def test_other_versions_than_before_are_a_warning(tmp_path):
    path = tmp_path / "run.db"
    broken_off(path, optimizer="scipy-nelder-mead")
    (entry,) = optikit.runs(path)
    known = entry.about["versions"]
    assert {"python", "numpy", "optikit", "scipy"} == set(known)
    about = {**entry.about, "versions": {**known, "scipy": "0.1"}}
    with closing(sqlite3.connect(path)) as client, client:
        client.execute("UPDATE runs SET about = ?", (json.dumps(about),))
    with pytest.warns(optikit.CheckpointWarning, match=rf"begun with scipy 0\.1 \(now {known['scipy']}\)") as caught:
        continued(path)
    assert [warning.filename for warning in caught] == [__file__]


def test_the_versions_of_a_training_are_those_of_its_model_and_loss_too(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "optikit.checkpoint.versions", lambda *parts: asked.extend(parts) or optikit.versions.versions(*parts)
    )
    model = optikit.get("model", "mlp", layers=(2, 2))
    data = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    optikit.fit(model, "cross-entropy", data, optimizer="adam", epochs=1, checkpoint=tmp_path / "run.db")
    assert {"mlp", "cross-entropy", "adam"} <= {part.name for part in asked if part is not None}


def test_a_function_of_another_name_is_a_warning(tmp_path):
    path = tmp_path / "run.db"
    options = {"optimizer": "one-plus-one-es", "bounds": (-2, 2), "rng": 3}
    optikit.minimize(bowl, np.zeros(3), max_evals=30, checkpoint=path, **options)
    optikit.resume(path, bowl, max_evals=40)
    with pytest.warns(optikit.CheckpointWarning, match="begun with test_checkpoint:bowl and goes on with .*:another"):
        optikit.resume(path, another, max_evals=50)


def another(x):
    return bowl(x)


# Damage


def test_a_full_disk_ends_the_run_with_its_result_and_it_continues_when_there_is_room(tmp_path):
    path = tmp_path / "run.db"
    code = f"""
import resource, numpy as np, optikit, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoint import bowl, slope
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
try:
    optikit.minimize(bowl, np.zeros(3), optimizer="random-search", bounds=(-2, 2), max_evals=300_000, rng=3,
                     checkpoint={str(path)!r})
except optikit.CheckpointError as error:
    print(error, error.result.nfev, sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, nfev = done.stdout.splitlines()
    assert "the checkpoint cannot be written" in said
    assert "optikit.resume" in said
    assert 0 < int(nfev) < 300_000
    with closing(sqlite3.connect(path)) as client:
        (committed,) = client.execute("SELECT count(*) FROM evaluations").fetchone()
    assert 0 < committed <= int(nfev)
    more = committed + 50
    result = optikit.resume(path, bowl, max_evals=more)
    expected = optikit.minimize(bowl, np.zeros(3), optimizer="random-search", bounds=(-2, 2), max_evals=more, rng=3)
    assert same(result, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_file_that_may_not_be_written_is_refused(tmp_path):
    path = tmp_path / "run.db"
    broken_off(path)
    before = path.read_bytes()
    path.chmod(0o444)
    code = f"""
import os
import optikit
optikit.minimize(lambda x: x[0] ** 2, [1.0], optimizer="one-plus-one-es", max_evals=3,
                 checkpoint={str(tmp_path / "other.db")!r})
if os.getuid() == 0:
    os.setuid(65534)
for begin in (lambda: optikit.resume({str(path)!r}, abs), lambda: optikit.minimize(abs, [1.0],
              optimizer="one-plus-one-es", checkpoint={str(path)!r})):
    try:
        begin()
    except optikit.InputError as error:
        print(error)
"""
    for folder in (tmp_path, *tmp_path.parents):
        with suppress(PermissionError):
            if not folder.stat().st_mode & 0o005 and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    said = done.stdout.splitlines()
    assert len(said) == 2, done.stderr
    assert all("cannot be written" in one or "cannot be opened" in one or "no such file" in one for one in said), said
    assert path.read_bytes() == before


def torn(path, tmp_path):
    """Kill a process in the middle of a run, and give what lies there: the file and its write-ahead log."""
    code = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np, optikit
from test_checkpoint import bowl as once, slope
from optikit import journal
journal.PAUSE, journal.SHARE = 0.0, float('inf')
calls = 0
def bowl(x):
    global calls
    calls += 1
    if calls > 40:
        os._exit(1)
    return once(x)
optikit.minimize(bowl, np.zeros(3), optimizer="one-plus-one-es", gradient=slope, bounds=(-2, 2), max_evals=60, rng=3,
                 checkpoint={str(path)!r})
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    return {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith(("-shm", "-lock"))}


@pytest.mark.filterwarnings("ignore:.*is another function:optikit.CheckpointWarning")
def test_a_torn_last_page_costs_what_was_written_last_and_no_more(tmp_path):
    files = torn(tmp_path / "run.db", tmp_path)
    expected = broken_off(tmp_path / "other.db")
    log = files["run.db-wal"]
    rng, kept = np.random.default_rng(0), []
    for i in range(25):
        folder = tmp_path / f"torn-{i}"
        folder.mkdir()
        cut = int(rng.integers(len(log) // 2, len(log)))
        (folder / "run.db").write_bytes(files["run.db"])
        (folder / "run.db-wal").write_bytes(log[:cut] + bytes(rng.integers(256, size=i % 3 * 100, dtype=np.uint8)))
        try:
            with closing(sqlite3.connect(folder / "run.db")) as client:
                kept.append(client.execute("SELECT count(*) FROM evaluations").fetchone()[0])
            assert same(continued(folder / "run.db"), expected)
        except (InputError, sqlite3.Error):
            assert not kept or cut < len(log)
    assert max(kept) > 20


def test_a_damaged_file_is_refused_in_one_sentence_or_read_and_stays_as_it_is(tmp_path, record_property):
    source = tmp_path / "run.db"
    broken_off(source, optimizer="lbfgs", at=7)
    with closing(sqlite3.connect(source)) as client:
        client.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        client.execute("PRAGMA journal_mode = DELETE")
    data, rng = source.read_bytes(), np.random.default_rng(1)
    counts, said = {"refused": 0, "continued": 0, "ended": 0}, list[str]()
    path = tmp_path / "mutated.db"
    path.write_bytes(data)
    continued(path)  # loads what is loaded when it is used first
    for _ in range(700):
        for old in tmp_path.glob("mutated.db*"):
            old.unlink()
        mutated = mutate(data, rng)
        path.write_bytes(mutated)
        try:
            with nothing_runs():
                optikit.runs(path)
                assert path.read_bytes() == mutated
                continued(path)
            counts["continued"] += 1
        except InputError as error:
            counts["refused"] += 1
            said.append(str(error))
        except CheckpointError:
            counts["ended"] += 1
    record_property("counted", f"changed checkpoints: {{'files': {sum(counts.values())}}} {counts}")
    assert sum(counts.values()) == 700
    assert counts["refused"] > 100
    assert [sentence for sentence in said if "\n" in sentence or len(sentence) > 500] == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON evaluations BEGIN DELETE FROM runs; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE TABLE more (a)",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 1",
    ],
)
def test_a_file_with_anything_of_its_own_is_refused(sql, tmp_path):
    path = tmp_path / "run.db"
    broken_off(path)
    with closing(sqlite3.connect(path)) as client, client:
        client.execute(sql)
    for begin in (optikit.runs, continued):
        with pytest.raises(InputError, match=r"other tables|later version|no checkpoint"):
            begin(path)


@pytest.mark.parametrize("text", [b"", b"hello", b"SQLite format 3\0", bytes(5000)])
def test_another_file_is_refused_and_left_alone(text, tmp_path):
    path = tmp_path / "run.db"
    path.write_bytes(text)
    if text:
        with pytest.raises(InputError):
            optikit.minimize(bowl, np.zeros(3), optimizer="random-search", max_evals=3, checkpoint=path)
    with pytest.raises(InputError):
        optikit.runs(path)
    assert path.read_bytes() == text


# Plain data

numbers = st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), st.floats(), st.text(max_size=5))
arrays = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "u1", "c16", "?", "U3"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
)
plain = st.recursive(
    numbers | arrays | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def alike(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(alike(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b)) and repr(a) == repr(b)


@given(value=plain)
def test_plain_data_come_back_bit_by_bit(value):
    assert alike(value, decode(encode(value)))


@given(
    seed=st.integers(0, 2**64), draws=st.integers(0, 5), kind=st.sampled_from(["PCG64", "MT19937", "Philox", "SFC64"])
)
def test_generators_go_on_and_have_the_same_children(seed, draws, kind):
    rng = np.random.Generator(getattr(np.random, kind)(seed))
    rng.spawn(2)
    rng.standard_normal(draws)
    rng.integers(5, dtype=np.uint32)  # leaves half a number behind
    again = decode(encode(rng))
    assert np.array_equal(rng.standard_normal(4), again.standard_normal(4))
    assert rng.integers(9, dtype=np.uint32) == again.integers(9, dtype=np.uint32)
    assert rng.spawn(1)[0].random() == again.spawn(1)[0].random()


def test_one_array_in_two_places_is_one_again_and_its_order_stays():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    first, second = decode(encode([x, x]))
    assert first is second
    assert first.flags.f_contiguous
    assert np.array_equal(first, x)


@settings(max_examples=1500)
@given(seed=st.integers(0, 2**32))
def test_mutated_plain_data_are_read_or_refused(seed):
    rng = np.random.default_rng(seed)
    state = {"x": np.arange(4.0), "rng": np.random.default_rng(3), "stop": optikit.Stop(True, "done")}
    with suppress(InputError):
        decode(signed(mutate(encode(state)[4:], rng)))


def signed(body):
    return zlib.crc32(body).to_bytes(4, "little") + body


def test_no_class_is_made_that_is_not_plain_data_of_the_run():
    @dataclass
    class Armed:
        command: str

        def __post_init__(self):
            raise AssertionError("its code has run")

    class Loud:
        pass

    armed = object.__new__(Armed)
    armed.command = "rm"
    module = __name__.partition(".")[0]
    globals()["Armed"], Armed.__qualname__ = Armed, "Armed"
    written = encode(armed)
    with pytest.raises(InputError, match="there is no class"):
        decode(written)
    assert decode(written, {module}).command == "rm"
    head = json.dumps({"value": {"$": "class", "class": "subprocess:Popen", "fields": {}}, "arrays": []}).encode()
    with pytest.raises(InputError, match="dataclass"):
        decode(signed(len(head).to_bytes(8, "little") + head), {"subprocess"})


def test_memory_stays_small(tmp_path):
    code = f"""
import resource, numpy as np, optikit, sys
def fun(x): return 1.0
rng = np.random.default_rng(0)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def run(n, **options):
    optikit.minimize(fun, np.zeros(10), optimizer="random-search", bounds=(-1, 1), max_evals=n, **options)
run(2000)
before = peak()
run(200_000, history="best")
flat = peak() - before
run(100_000, checkpoint={str(tmp_path / "run.db")!r}, history="points")
print(flat / 200_000, (peak() - before) / 100_000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    flat, journalled = map(float, done.stdout.split())
    size = sum(file.stat().st_size for file in tmp_path.glob("run.db*")) / 100_000
    assert flat < 8
    assert journalled < 16 * 11 + 64
    assert size < 16 * 11 + 64
