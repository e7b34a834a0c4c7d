"""A target: the run ends at the very evaluation that reaches it, whoever minimises, and on whatever objective."""

import math

import numpy as np
import pytest
from contenders import CONTENDERS
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, StopReason
from optikit.testing.optimizers.trial import minimized, quadratic


def sphere(x):
    return float(np.sum((x - 0.5) ** 2))


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_optimizer_ends_at_the_evaluation_that_reaches_the_target(name):
    differences = {"gradient": "central-difference"} if CONTENDERS[name].needs_gradient else {}
    free, _ = minimized(CONTENDERS[name], 1, 60, **differences)
    best = np.minimum.accumulate(free.history.fun)
    for target in np.unique(best)[[0, -1]]:
        hit = int(np.argmax(best <= target))
        result, watched = minimized(CONTENDERS[name], 1, 60, target=float(target), **differences)
        assert result.reason is StopReason.TARGET
        assert result.success
        assert np.array_equal(result.history.fun, free.history.fun[: hit + 1])
        assert len(watched.points) == result.nfev == hit + 1
        assert result.fun == result.history.fun[-1] == best[hit]
        assert np.array_equal(result.x, watched.points[-1])


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 199), keep=st.sampled_from(["values", "points", "best"]))
def test_it_is_kept_to_in_the_middle_of_a_shared_sweep(at, keep):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    network = optikit.get("model", "mlp", layers=(3, 4, 2))

    def trained(**limits):
        return optikit.fit(
            network, "cross-entropy", data, optimizer="gradient-descent", gradient="central-difference", rng=1, **limits
        )

    free = trained(max_evals=200)
    best = np.minimum.accumulate(free.history.fun)
    target = best[at] * (1 + 1e-9)  # with points, values come one by one, and round otherwise
    hit = int(np.argmax(best <= target))
    result = trained(max_evals=200, target=float(target), history=keep)
    assert (result.reason, result.nfev) == (StopReason.TARGET, hit + 1)
    assert result.fun == result.history.fun[-1] == pytest.approx(best[hit], rel=1e-12)


def test_a_point_that_violates_a_constraint_reaches_no_target():
    above = optikit.NonlinearConstraint(lambda x: x[0], lower=0.9)
    arguments = {"optimizer": "scipy-cobyla", "constraints": [above], "max_evals": 200}
    result = optikit.minimize(sphere, [0.4, 0.4], target=0.17, **arguments)
    assert (result.reason, result.success) == (StopReason.TARGET, True)
    assert result.x[0] >= 0.9 - 1e-6
    assert result.fun <= 0.17 < result.history.best[-2]
    assert min(result.history.fun[:-1]) < 0.17, "an infeasible point was below the target before"


@pytest.mark.parametrize("lost", [math.nan, -math.inf])
def test_what_is_no_finite_number_reaches_no_target(lost):
    nothing = optikit.Failures(minus_inf="skip")
    result = optikit.minimize(
        lambda x: lost, [0.0], bounds=(-1, 1), optimizer="random-search", target=0.0, max_evals=20, on_error=nothing
    )
    assert (result.reason, result.nfev) == (StopReason.MAX_EVALS, 20)


def test_a_target_is_no_limit():
    result = optikit.minimize(sphere, [0.0], bounds=(-1, 1), optimizer="random-search", target=-1.0, rng=0)
    assert (result.reason, result.nfev) == (StopReason.MAX_EVALS, 20_000)
    with pytest.raises(InputError, match="it is not said how long to train"):
        optikit.fit("linear", "mean-squared-error", (np.ones((4, 1)), np.ones(4)), optimizer="adam", target=0.1)


def test_values_of_minibatches_reach_no_target():
    data = np.ones((40, 1)), np.ones(40)
    line = optikit.get("model", "linear", inputs=1)

    def trained(optimizer, **more):
        return optikit.fit(line, "mean-squared-error", data, optimizer=optimizer, epochs=500, target=1e-3, **more)

    with pytest.raises(InputError, match="a target needs values over all samples; leave out batch_size") as caught:
        trained("gradient-descent", batch_size=10)
    assert caught.value.result.nfev == 0
    assert trained("gradient-descent").reason is StopReason.TARGET
    assert trained("scipy-lbfgsb", batch_size=10).reason is StopReason.TARGET


@pytest.mark.parametrize("target", ["0.1", math.nan, -math.inf, [1.0], True])
def test_what_is_no_target_is_refused(target):
    with pytest.raises(InputError, match=r"^target "):
        optikit.minimize(sphere, [0.0], optimizer="random-search", target=target)


def test_a_run_that_is_continued_meets_its_target_again_or_another(tmp_path):
    fun, gradient, x0 = quadratic(3, 4)
    path = tmp_path / "run.db"
    first = optikit.minimize(fun, x0, optimizer="lbfgs", gradient=gradient, target=1e-3, checkpoint=path)
    again = optikit.resume(path, fun, gradient=gradient)
    assert (again.reason, again.nfev, again.fun) == (StopReason.TARGET, first.nfev, first.fun)
    further = optikit.resume(path, fun, gradient=gradient, target=1e-9)
    free = optikit.minimize(fun, x0, optimizer="lbfgs", gradient=gradient, target=1e-9)
    assert np.array_equal(further.history.fun, free.history.fun)
    stopped = optikit.minimize(fun, x0, optimizer="lbfgs", gradient=gradient, max_steps=3, checkpoint=path)
    reached = optikit.resume(path, fun, gradient=gradient, target=stopped.fun)
    assert (reached.reason, reached.nfev) == (StopReason.TARGET, stopped.nfev)


def test_an_experiment_file_has_a_target(tmp_path):
    (tmp_path / "bowl.py").write_text("def bowl(x):\n    return float(((x - 1) ** 2).sum())\n")
    file = tmp_path / "bowl.toml"
    file.write_text(
        "[problem]\nfunction = 'bowl.py:bowl'\nx0 = [0.0, 0.0]\n[runs.a]\noptimizer = 'scipy-nelder-mead'\n"
        "target = 1e-2\nmax_evals = 100\n"
    )
    from optikit.experiment import read_experiment

    experiment = read_experiment(file)
    experiment.task.prepare()
    assert experiment.task.run(experiment.plans["a"], print).reason is StopReason.TARGET
