"""What users read of a history: the points that their function got, in arrays, in tables, and in the file."""

import copy
import math
import pickle
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError
from optikit.names import vector

NAMES = ["x['rates'][0]", "x['rates'][1]", "x['background']", "x['w'][0, 0]", "x['w'][0, 1]"]


def start(dtype="float64"):
    return {
        "rates": np.array([0.3, 0.7], dtype=dtype),
        "background": np.array(1.7, dtype=dtype),
        "w": np.array([[2.0, 0.1]], dtype=dtype),
    }


def quadratic(p):
    return float(((vector(p) - 0.1) ** 2).sum())


def asked(optimizer="one-plus-one-es", dtype="float64", fun=quadratic, **options):
    points = []

    def watched(p):
        points.append(vector(p).astype(float))
        return fun(p)

    usual = {"rng": 1, "max_evals": 30, "history": "points"} | options
    return optikit.minimize(watched, start(dtype), optimizer=optimizer, **usual), np.array(points)


scales = st.floats(1e-3, 1e3)


@given(
    scale=st.none() | scales | st.fixed_dictionaries({}, optional={"rates": scales, "w": scales}),
    fixed=st.sampled_from([None, ["background"], ["rates"], {"w": [[True, False]]}]),
    bounds=st.sampled_from([None, {"rates": (0, 1), "w": (None, 2.05)}]),
    dtype=st.sampled_from(["float64", "float32"]),
    history=st.sampled_from(["points", "best"]),
)
def test_points_are_bitwise_what_the_function_got(scale, fixed, bounds, dtype, history):
    result, points = asked(scale=scale, fixed=fixed, bounds=bounds, dtype=dtype, history=history)
    assert np.array_equal(result.history.points, points[result.history.numbers])
    assert np.array_equal(result.history.points[result.history.fun.argmin()], vector(result.x).astype(float))


@given(at=st.integers(1, 29), history=st.sampled_from(["points", "best"]))
@settings(max_examples=15)
def test_points_of_a_continued_run_are_the_same(at, history, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.db"
    usual = {"scale": 0.3, "fixed": ["background"], "history": history}
    whole, _ = asked(**usual)
    asked(max_steps=at, checkpoint=path, **usual)  # ends between two steps, with a snapshot
    result = optikit.resume(path, quadratic, max_steps=100)
    assert np.array_equal(result.history.evaluations, whole.history.evaluations)


def test_evaluations_are_rows_with_what_is_kept():
    def fun(p):
        if p["rates"][0] > 0.35:
            raise RuntimeError("too fast")
        return quadratic(p) if p["rates"][0] > 0.2 else math.nan

    result, points = asked(fun=fun, on_error="skip", history="points")
    rows = result.history.evaluations
    assert rows.dtype.names == ("number", "fun", "best", "failed", "x")
    assert np.array_equal(rows["x"], points)
    assert np.array_equal(rows["failed"], (points[:, 0] > 0.35) | (points[:, 0] <= 0.2))
    assert rows["number"][rows["failed"]].tolist() == list(result.history.failures)
    assert 0 < rows["failed"].sum() < 30
    assert (rows["fun"][rows["failed"]] == math.inf).all()
    assert np.array_equal(rows["best"], np.minimum.accumulate(rows["fun"]))
    values, _ = asked(history="values")
    assert values.history.evaluations.dtype.names == ("number", "fun", "best", "failed")
    best, _ = asked(history="best")
    assert best.history.evaluations["number"].tolist() == best.history.numbers.tolist()
    assert (np.diff(best.history.evaluations["fun"]) < 0).all()


def test_a_history_can_be_copied_and_sent():
    result, points = asked(scale=0.3, fixed=["background"])
    for same in (copy.deepcopy(result.history), pickle.loads(pickle.dumps(result.history))):
        assert np.array_equal(same.points, points)


@pytest.mark.parametrize("history", ["values", "points", "best"])
def test_a_history_of_nothing_has_no_rows(history):
    def failing(p):
        raise ValueError

    with pytest.raises(ValueError) as raised:  # noqa: PT011 - it has no message
        asked(fun=failing, history=history)
    kept = raised.value.result.history
    assert (len(kept.evaluations), len(kept.points), len(kept.steps)) == (0, 0, 0)


def test_a_frame_names_each_parameter():
    pytest.importorskip("pandas")
    result, points = asked(scale=0.3, fixed=["background"])
    frame = result.history.frame()
    assert list(frame.columns) == ["fun", "best", "failed", *NAMES]
    assert (frame.index.name, frame.index.tolist()) == ("number", list(range(30)))
    assert np.array_equal(frame[NAMES], points)
    assert np.array_equal(frame["fun"], result.history.fun)
    steps = result.history.frame("steps")
    assert list(steps.columns) == ["nfev", "njev", "fun", "best", "seconds"]
    assert (steps.index.name, steps.index.tolist()) == ("step", list(range(1, result.nit + 1)))
    assert np.array_equal(steps["best"], result.history.steps["best"])
    assert steps["nfev"].dtype == np.int64
    assert asked(history="values")[0].history.frame().shape == (30, 3)
    assert asked(history="best")[0].history.frame("steps").shape == (0, 5)
    with pytest.raises(InputError, match="of is 'points'; pass 'evaluations' or 'steps'"):
        result.history.frame("points")


def test_a_frame_without_pandas_says_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"needs pandas, which is not installed; run `python -m pip install 'optikit"):
        asked()[0].history.frame()


def test_the_file_has_points_as_the_optimizer_sees_them(tmp_path):
    path = tmp_path / "run.db"
    result, _ = asked(scale={"rates": 4.0}, fixed=["background"], checkpoint=path)
    with closing(sqlite3.connect(path)) as client:
        rows = client.execute("SELECT x FROM evaluations ORDER BY number").fetchall()
    seen = np.array([np.frombuffer(x) for (x,) in rows])
    assert np.array_equal(seen * [4.0, 4.0, 1.0, 1.0], result.history.points[:, [0, 1, 3, 4]])
