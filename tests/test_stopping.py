"""Stopping rules: the same for every optimizer, ended between two steps, and remembered by a continued run."""

import math

import numpy as np
import pytest
from contenders import CONTENDERS
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import Answer, InputError, StopReason
from optikit.testing.optimizers.trial import minimized, quadratic

RULES = {
    "ftol": {"name": "ftol", "relative": 0.01, "absolute": 1e-9, "patience": 3},
    "xtol": {"name": "xtol", "relative": 0.0, "absolute": 0.3, "patience": 3},
    "patience": {"name": "patience", "evaluations": 8},
}


def sphere(x):
    return float(np.sum((x - 0.5) ** 2))


def looks(rule, answers):
    """Show a rule answers, (points, nfev, lowest), and give after how many it ends the run."""
    rule = optikit.get("stopping", **rule)
    state = rule.begin()
    for number, (points, nfev, lowest) in enumerate(answers, 1):
        state = rule.look(state, Answer(points=np.atleast_2d(points), nfev=nfev, lowest=lowest))
        if state.said:
            return number
    return None


values = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60)


@given(values=values, patience=st.integers(1, 9), absolute=st.floats(0, 5), relative=st.floats(0, 0.5))
def test_ftol_ends_a_run_when_so_many_answers_have_brought_too_little(values, patience, absolute, relative):
    best = np.minimum.accumulate(values)
    rule = {"name": "ftol", "absolute": absolute, "relative": relative, "patience": patience}
    ended = looks(rule, [(np.zeros(2), i, float(value)) for i, value in enumerate(best, 1)])
    small = [
        i for i in range(patience, len(best))
        if best[i - patience] - best[i] <= absolute + relative * abs(best[i - patience])
    ]  # fmt: skip
    # It counts from the last progress on, so it may notice a little later than a window at every answer would.
    assert (ended is None) or (ended - 1) in small
    assert not small or ended is None or small[0] <= ended - 1
    flat = [*best, *[best[-1]] * 2 * patience]
    assert looks(rule, [(np.zeros(2), i, float(value)) for i, value in enumerate(flat, 1)]) is not None


@given(values=values, evaluations=st.integers(1, 30), cost=st.integers(1, 7))
def test_patience_counts_evaluations_since_the_best(values, evaluations, cost):
    best, nfev = np.minimum.accumulate(values), cost * np.arange(1, len(values) + 1)
    fallen = np.array([nfev[np.argmax(best <= best[i])] for i in range(len(best))])
    due = np.flatnonzero(nfev - fallen >= evaluations)
    rule = {"name": "patience", "evaluations": evaluations}
    found = looks(rule, [(np.zeros(2), int(n), float(value)) for n, value in zip(nfev, best, strict=True)])
    assert found == (due[0] + 1 if len(due) else None)


@given(seed=st.integers(0, 999), size=st.floats(0.01, 1), patience=st.integers(1, 9), batch=st.integers(1, 4))
def test_xtol_ends_a_run_that_asks_in_one_place_only(seed, size, patience, batch):
    rng = np.random.default_rng(seed)
    points = np.cumsum(rng.normal(scale=0.2, size=(60, 1, 2)), axis=0) + rng.uniform(-0.1, 0.1, size=(60, batch, 2))
    rule = {"name": "xtol", "absolute": size, "relative": 0.0, "patience": patience}
    ended = looks(rule, [(rows, 1, None) for rows in points])
    if ended is not None:
        place = points[ended - 1 - patience][-1]
        assert abs(points[ended - patience : ended] - place).max() <= size
    else:
        steps = abs(np.diff(points[:, -1], axis=0)).max(axis=1)
        assert (steps[-patience:] > size).any() or abs(points[-patience - 1 :] - points[-1, -1]).max() > size


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CONTENDERS)
def test_a_rule_cuts_the_run_of_every_optimizer_and_changes_nothing_else(name, rule):
    free, _ = minimized(CONTENDERS[name], 2, 120)
    result, watched = minimized(CONTENDERS[name], 2, 120, stop=RULES[rule])
    assert len(watched.points) == result.nfev <= free.nfev
    assert np.array_equal(result.history.fun, free.history.fun[: result.nfev])
    if result.reason is StopReason.STAGNATED:
        assert result.success
        assert result.message.endswith(f"({rule})")
    else:
        assert (result.reason, result.message, result.nfev) == (free.reason, free.message, free.nfev)
    if rule == "patience" and result.reason is not StopReason.STAGNATED:
        best = np.minimum.accumulate(free.history.fun)
        last = int(np.argmax(best <= best[-1]))
        # One question more than its patience: a batch is not cut, and a run may end before the next question.
        assert free.nfev - 1 - last <= 8 + 120 // 2 or free.nfev < 20, "it did not notice"


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["lbfgs", "adam", "random-search", "scipy-nelder-mead", "scipy-differential-evolution"]),
    rule=st.sampled_from(sorted(RULES)),
    at=st.integers(1, 60),
)
def test_a_continued_run_ends_where_it_would_have_ended(tmp_path_factory, name, rule, at):
    fun, gradient, x0 = quadratic(5, 3)
    path = tmp_path_factory.mktemp("run") / "run.db"
    common = {"optimizer": name, "bounds": (-2, 2), "gradient": gradient, "rng": 4, "check_gradient": False}
    whole = optikit.minimize(fun, x0, max_evals=200, stop=RULES[rule], **common)
    optikit.minimize(fun, x0, max_evals=at, stop=RULES[rule], checkpoint=path, **common)
    result = optikit.resume(path, fun, gradient=gradient, max_evals=200)
    assert (result.reason, result.message, result.nfev) == (whole.reason, whole.message, whole.nfev)
    assert np.array_equal(result.history.fun, whole.history.fun)
    assert np.array_equal(result.x, whole.x)
    again = optikit.resume(path, fun, gradient=gradient, max_evals=200)
    assert (again.reason, again.message, again.nfev) == (whole.reason, whole.message, whole.nfev)
    if whole.reason is StopReason.STAGNATED:
        free = optikit.minimize(fun, x0, max_evals=200, **common)
        further = optikit.resume(path, fun, gradient=gradient, max_evals=200, stop=[])
        assert np.array_equal(further.history.fun, free.history.fun)


def test_the_first_of_several_rules_ends_the_run():
    rules = [optikit.get("stopping", "patience", evaluations=500), "xtol", {"name": "ftol", "patience": 12}]
    result = optikit.minimize(sphere, [0.0], optimizer="random-search", bounds=(-1, 1), stop=rules, rng=0)
    assert (result.reason, result.nfev < 200) == (StopReason.STAGNATED, True)
    assert result.message.endswith("(ftol)")


def test_a_run_that_found_nothing_has_not_succeeded():
    result = optikit.minimize(
        lambda x: math.nan,
        [0.0],
        optimizer="random-search",
        bounds=(-1, 1),
        stop={"name": "patience", "evaluations": 9},
    )
    assert (result.reason, result.success) == (StopReason.FAILED, False)


def test_rules_that_compare_values_refuse_minibatches_and_others_do_not():
    data = np.ones((40, 1)), np.ones(40)
    line = optikit.get("model", "linear", inputs=1)

    def trained(stop, **more):
        return optikit.fit(
            line, "mean-squared-error", data, optimizer="gradient-descent", epochs=2000, stop=stop, **more
        )

    for stop in ("ftol", "patience"):
        with pytest.raises(InputError, match="leave out batch_size, or the rule"):
            trained(stop, batch_size=10)
    assert trained("ftol").reason is StopReason.STAGNATED
    assert trained({"name": "xtol", "absolute": 1e-3}, batch_size=10).reason is StopReason.STAGNATED


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("ftoll", "did you mean 'ftol'"),
        ({"name": "patience", "evaluations": 0}, "evaluations is 0"),
        ({"name": "xtol", "patience": 2.5}, "patience"),
        ([["ftol"]], "is no stopping"),
        (3, "is no stopping"),
    ],
)
def test_what_is_no_rule_is_refused(stop, said):
    with pytest.raises(InputError, match=said):
        optikit.minimize(sphere, [0.0], optimizer="random-search", stop=stop)


@pytest.mark.parametrize("rule", ["stop = 'patience'", "stop = ['xtol', {name = 'patience', evaluations = 1000}]"])
def test_an_experiment_file_has_rules(tmp_path, rule):
    (tmp_path / "bowl.py").write_text("def bowl(x):\n    return float(((x - 1) ** 2).sum())\n")
    file = tmp_path / "bowl.toml"
    problem = "[problem]\nfunction = 'bowl.py:bowl'\nx0 = [0.0, 0.0]\nbounds = [-2, 2]\n"
    file.write_text(f"{problem}[runs.a]\noptimizer = 'random-search'\n{rule}\nmax_evals = 9000\n")
    from optikit.experiment import read_experiment

    experiment = read_experiment(file)
    experiment.task.prepare()
    assert experiment.task.run(experiment.plans["a"], print).reason is StopReason.STAGNATED
    file.write_text(f"{problem}[runs.a]\noptimizer = 'random-search'\nstop = 'patiense'\n")
    with pytest.raises(InputError, match=r"\[runs.a\] stop: .*did you mean 'patience'"):
        read_experiment(file)
