"""What a result says of how it came about, and what to try next."""

import json
import math

import numpy as np
import pytest
from contenders import CONTENDERS
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit.remedies import REMEDIES


def bowl(x):
    return float(np.sum((x - 0.5) ** 2))


def valley(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def row(result, name):
    return next((line for line in result.report().splitlines() if line.split(":")[0].strip() == name), None)


def searched(fun=bowl, **more):
    usual = {"optimizer": "random-search", "bounds": (-1, 2), "max_evals": 200, "rng": 0}
    return optikit.minimize(fun, [0.0, 0.0], **{**usual, **more})


@given(seed=st.integers(0, 99), keep=st.sampled_from(["values", "points", "best"]))
@settings(max_examples=30, deadline=None)
def test_the_last_improvements_are_those_of_the_history(seed, keep):
    whole = searched(rng=seed)
    best = np.minimum.accumulate(whole.history.fun)
    at = [i for i in range(1, len(best)) if best[i] < best[i - 1]][::-1][:3]
    said = [f"by {best[i - 1] - best[i]:.2g} at {i + 1:,}" for i in at]
    said += ["from nothing at 1"] * (len(at) < 3)
    told = row(searched(rng=seed, history=keep), "progress")
    assert told.endswith(f"last improved {', '.join(said)}, of 200 evaluations")


@given(x0=st.lists(st.floats(-2, 2), min_size=3, max_size=3), steps=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_the_gradient_is_the_last_one_given_without_what_leans_on_a_bound(x0, steps):
    low, high = np.array([-2.0, -2.0, 1.0]), np.array([2.0, 0.0, 2.0])
    x0, given = np.clip(x0, low, high), []

    def gradient(x):
        given.append((x.copy(), 2 * (x - 0.5)))
        return given[-1][1].copy()

    descent = optikit.get("optimizer", "gradient-descent", learning_rate=0.2)
    result = optikit.minimize(
        bowl, x0, optimizer=descent, gradient=gradient, bounds=(low, high), max_steps=steps, check_gradient=False
    )
    x, slopes = given[-1]
    free = [
        g for x, g, a, b in zip(x, slopes, low, high, strict=True) if not ((x == a and g > 0) or (x == b and g < 0))
    ]
    assert result.convergence.slope == max(map(abs, free), default=0)
    assert f"{result.convergence.slope:.3g}" in row(result, "gradient")


def test_bounds_and_constraints_that_are_active_are_named():
    result = optikit.minimize(
        lambda p: bowl(p["rate"]) + (p["size"] - 3) ** 2, {"rate": [1.0, 1.0], "size": 1.0},
        optimizer="lbfgs", gradient="central-difference", bounds={"size": (0, 2), "rate": (0.6, 5)},
    )  # fmt: skip
    assert result.convergence.bounds == ("x['rate'][0] (lower)", "x['rate'][1] (lower)", "x['size'] (upper)")
    assert "widen it" in row(result, "next")
    assert not result.amiss, "which may be what was wanted"
    sums = [
        optikit.LinearConstraint([[1.0, 1.0]], lower=2),
        optikit.NonlinearConstraint(lambda x: x[0] - x[1], -1, 1),
    ]
    result = optikit.minimize(bowl, [3.0, 2.5], optimizer="scipy-slsqp", gradient=lambda x: 2 * x - 1, constraints=sums)
    assert row(result, "active").endswith("constraints constraints[0]")


def test_what_was_lost_is_told_in_shares():
    calls = iter(range(1000))

    def restless(x):
        number = next(calls)
        if number % 4 == 1:
            raise ValueError("no")
        return [bowl(x), None, math.nan, math.inf if number % 8 == 3 else bowl(x)][number % 4]

    result = searched(restless, on_error="skip")
    assert row(result, "lost").endswith("25.0% failed, 25.0% gave NaN, 12.5% infinite")
    assert result.amiss
    assert str(result).splitlines()[-1].strip() == f"next: {result.remedies()[0]}"
    assert row(searched(), "lost") is None


def raises(x):
    raise ValueError("no")


noise = np.random.default_rng(0)
TROUBLE = {
    "No value was finite": lambda: searched(lambda x: math.nan),
    "No feasible point": lambda: optikit.minimize(
        bowl, [0.0, 0.0], optimizer="scipy-slsqp", gradient=lambda x: 2 * x - 1, max_evals=3,
        constraints=[optikit.LinearConstraint([[1.0, 1.0]] * 2, [9, -9], [9.5, 8])],
    ),
    "smaller learning rate": lambda: optikit.minimize(
        bowl, [3.0, 3.0], optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=10.0),
        gradient=lambda x: 2 * x - 1, max_evals=100,
    ),
    "Many evaluations failed": lambda: searched(
        lambda x: bowl(x) if x[0] > 0 else raises(x), on_error="skip"
    ),
    "Many evaluations gave NaN": lambda: searched(lambda x: bowl(x) if x[0] > 0 else math.nan),
    "Many evaluations were lost": lambda: searched(
        lambda x: bowl(x) if x[0] > 0 else raises(x), on_error="penalise"
    ),
    "on_error='skip' goes on": lambda: failing(lambda x: bowl(x) if x[0] > -0.5 else raises(x)),
    "It could not go down": lambda: optikit.minimize(
        lambda x: bowl(x) + 0.01 * noise.normal(), [3.0, 3.0, 3.0], optimizer="scipy-bfgs",
        gradient="central-difference", max_evals=2000,
    ),
    "still improving": lambda: optikit.minimize(valley, [-1.2, 1.0], optimizer="scipy-nelder-mead", max_evals=60),
    "stopped improving": lambda: searched(lambda x: round(bowl(x)), max_evals=500),
    "can be continued": lambda: searched(interrupting()),
    "ended at a bound": lambda: optikit.minimize(
        bowl, [1.0], optimizer="lbfgs", gradient="central-difference", bounds=(0.7, 2)
    ),
}  # fmt: skip


def failing(fun):
    with pytest.raises(ValueError, match="no") as caught:
        searched(fun)
    return caught.value.result


def interrupting():
    calls = iter(range(50))

    def fun(x):
        if next(calls) == 20:
            raise KeyboardInterrupt
        return bowl(x)

    return fun


@pytest.mark.parametrize("said", TROUBLE)
def test_each_trouble_has_its_remedy(said):
    result = TROUBLE[said]()
    assert said in row(result, "next"), result.report()
    assert sum(said in advice for _, advice in REMEDIES) == 1
    assert len(TROUBLE) == len(REMEDIES), "a remedy without a test"


def restless(x):
    return bowl(x) if x[0] > 0 else math.nan if x[1] > 0.5 else raises(x)


@pytest.mark.parametrize("error", ["skip", "penalise"])
@pytest.mark.parametrize("nan", ["skip", "penalise"])
def test_nobody_is_advised_what_is_on_already(error, nan):
    advice = " ".join(searched(restless, on_error={"error": error, "nan": nan}).remedies())
    assert ("on_error='penalise'" in advice) == (error == "skip")
    assert ("nan='penalise'" in advice) == (nan == "skip")
    with pytest.raises(optikit.ObjectiveError) as caught:
        searched(lambda x: -math.inf if x[0] > 0 else bowl(x), on_error=error)
    assert "on_error" not in " ".join(caught.value.result.remedies())


@given(falls=st.lists(st.integers(0, 3), min_size=2, max_size=60), keep=st.sampled_from(["values", "best"]))
@settings(max_examples=50, deadline=None)
def test_what_still_improves_has_gained_in_the_last_tenth(falls, keep):
    values = (200 - np.cumsum(falls)).tolist()
    calls = iter(values)
    result = searched(lambda x: float(next(calls)), max_evals=len(values), history=keep)
    tenth = max(1, len(values) // 10)
    gained = min(values[:-tenth]) > min(values)
    assert any("still improving" in advice for advice in result.remedies()) == gained


def test_a_gain_of_rounding_is_no_improvement():
    calls = iter(range(1000))
    result = searched(lambda x: 1 / (1 + next(calls)) ** 9, max_evals=1000)
    assert not any("still improving" in advice for advice in result.remedies())
    lost = optikit.minimize(lambda x: math.nan, [1.0], optimizer="scipy-bfgs", gradient="central-difference")
    assert row(lost, "gradient").endswith("not finite, when last asked for")
    assert len(lost.remedies()) == 1


def test_who_has_arrived_is_given_no_advice():
    for optimizer in ("lbfgs", "scipy-bfgs", "scipy-nelder-mead"):
        result = optikit.minimize(valley, [-1.2, 1.0], optimizer=optimizer, gradient="central-difference")
        assert not result.remedies()
        assert "next" not in str(result)


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_optimizer_is_reported_on(name):
    box = {"bounds": (-1, 2)} if CONTENDERS[name].takes_bounds else {}
    result = optikit.minimize(
        bowl,
        [0.0, 1.0],
        optimizer=CONTENDERS[name].component,
        gradient="central-difference",
        max_evals=50,
        rng=0,
        **box,
    )
    text = result.report()
    assert text.startswith(f"    stop: {result.reason}: ")
    assert ("gradient" in text) == (result.njev > 0)
    assert all(len(advice) < 200 for advice in result.remedies())


def test_a_continued_run_reports_the_same(tmp_path):
    path = tmp_path / "run.db"
    arguments = {"optimizer": "lbfgs", "gradient": "central-difference", "max_steps": 4}
    first = optikit.minimize(valley, [-1.2, 1.0], checkpoint=path, **arguments)
    assert optikit.resume(path, valley).report() == first.report()


def test_a_run_of_an_experiment_with_something_amiss_says_what_to_try(tmp_path, monkeypatch, capsys):
    from optikit.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "bowl.py").write_text("def bowl(x):\n    return float(((x - 1) ** 2).sum())\n")
    (tmp_path / "a.toml").write_text(
        "[problem]\nfunction = 'bowl.py:bowl'\nx0 = [0.0, 0.0]\n"
        "[runs.short]\noptimizer = 'scipy-nelder-mead'\nmax_evals = 20\n[runs.long]\noptimizer = 'scipy-nelder-mead'\n"
    )
    monkeypatch.setattr("sys.argv", ["optikit", "run", "a.toml", "--out", "results"])
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr().out
    assert "short: It was still improving" in printed
    assert "long: " not in printed
    runs = json.loads((tmp_path / "results" / "results.json").read_text())["runs"]
    assert (len(runs["short"]["next"]), runs["long"]["next"]) == (1, [])


@pytest.mark.parametrize("keep", ["values", "best"])
def test_infinities_are_counted_also_of_a_continued_run(keep, tmp_path):
    def walled(x):
        return math.inf if x[0] > 0 else bowl(x)

    usual = {"optimizer": "random-search", "bounds": (-3, 3), "rng": 0, "history": keep}
    whole = optikit.minimize(walled, [1.0, 1.0], max_evals=60, **usual)
    assert 0 < whole.convergence.infinite < 60
    path = tmp_path / "run.db"
    optikit.minimize(walled, [1.0, 1.0], max_evals=20, checkpoint=path, **usual)
    assert optikit.resume(path, walled, max_evals=60).report() == whole.report()
    assert f"{whole.convergence.infinite / 60:.1%} infinite" in whole.report()
