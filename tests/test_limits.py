"""Limits: a budget of gradients is exact for whoever asks and however they are made; steps limit what has steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, Session, StopReason


def valley(x):
    return float((1 - x[0]) ** 2 + 10 * ((x[1:] - x[:-1] ** 2) ** 2).sum())


def slope(x):
    gradient = np.zeros_like(x)
    gradient[0] = -2 * (1 - x[0])
    gradient[1:] += 20 * (x[1:] - x[:-1] ** 2)
    gradient[:-1] -= 40 * x[:-1] * (x[1:] - x[:-1] ** 2)
    return gradient


START = np.array([-1.2, 1.0, 0.5])
ASKING = ("gradient-descent", "adam", "lbfgs", "conjugate-gradients", "scipy-lbfgsb", "scipy-slsqp")


# Gradients


@given(max_grads=st.integers(1, 12), optimizer=st.sampled_from(ASKING))
def test_an_exact_gradient_beyond_the_budget_is_not_computed(max_grads, optimizer):
    asked = []
    result = optikit.minimize(
        valley, START, optimizer=optimizer, gradient=lambda x: asked.append(x) or slope(x), check_gradient=False,
        max_grads=max_grads,
    )  # fmt: skip
    assert (result.reason, result.njev, len(asked)) == (StopReason.MAX_GRADS, max_grads, max_grads)
    assert result.message == f"The budget of {max_grads:,} gradients is used up."
    assert not result.success


@pytest.mark.parametrize("gradient", ["forward-difference", "central-difference", "richardson", "complex-step",
                                      "noise-aware", "spsa", "clipped"])  # fmt: skip
@given(max_grads=st.integers(1, 6))
def test_a_gradient_made_of_values_counts_as_one_and_none_is_begun_in_vain(gradient, max_grads):
    estimator = optikit.get(
        "gradient", gradient, **({"gradient": "central-difference"} if gradient == "clipped" else {})
    )

    def run(**limits):
        return optikit.minimize(
            lambda x: ((x - 0.5) ** 2).sum(), START, optimizer="adam", gradient=estimator, rng=3, **limits
        )

    result, longer = run(max_grads=max_grads), run(max_steps=max_grads)
    assert (result.reason, result.njev) == (StopReason.MAX_GRADS, max_grads)
    assert result.nfev == longer.nfev
    assert np.array_equal(result.history.fun, longer.history.fun)


def test_the_evaluations_of_who_asks_for_no_gradient_are_limited_all_the_same():
    result = optikit.minimize(valley, START, optimizer="random-search", bounds=(-2, 2), max_grads=5)
    assert (result.reason, result.nfev) == (StopReason.MAX_EVALS, 40_000)
    with pytest.raises(InputError, match="it is not said how long to train"):
        optikit.fit(network(), "cross-entropy", digits(), optimizer="random-search", max_grads=5)


def test_a_training_keeps_to_its_gradients():
    result = optikit.fit(network(), "cross-entropy", digits(), optimizer="adam", epochs=9, batch_size=4, max_grads=5)
    assert (result.njev, result.nit, result.reason) == (5, 5, StopReason.MAX_GRADS)


@pytest.mark.parametrize("optimizer", ["lbfgs", "scipy-lbfgsb"])
@settings(max_examples=25)
@given(first=st.integers(1, 10), more=st.integers(0, 10))
def test_a_budget_of_gradients_is_extended_to_the_same_run(optimizer, first, more, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.db"
    usual = {"optimizer": optimizer, "gradient": slope, "check_gradient": False}
    whole = optikit.minimize(valley, START, max_grads=first + more, **usual)
    optikit.minimize(valley, START, max_grads=first, checkpoint=path, **usual)
    result = optikit.resume(path, valley, gradient=slope, max_grads=first + more)
    assert (result.njev, result.reason, result.message) == (whole.njev, whole.reason, whole.message)
    assert np.array_equal(result.history.fun, whole.history.fun)
    assert optikit.runs(path)[0].about["limits"]["max_grads"] == first + more


def test_a_session_keeps_to_its_gradients(tmp_path):
    with Session("lbfgs", START, gradient="told", max_grads=3, checkpoint=tmp_path / "s.db") as session:
        while points := session.ask():
            session.tell([(valley(x), slope(x)) for x in points])
    assert (session.result.njev, session.result.reason) == (3, StopReason.MAX_GRADS)
    with Session.resume(tmp_path / "s.db", max_grads=5) as session:
        while points := session.ask():
            session.tell([(valley(x), slope(x)) for x in points])
    assert session.result.njev == 5
    assert session.result.fun == optikit.minimize(valley, START, optimizer="lbfgs", gradient=slope, max_grads=5).fun


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", True])
def test_a_budget_of_gradients_is_a_positive_whole_number(wrong):
    with pytest.raises(InputError, match="max_grads"):
        optikit.minimize(valley, START, optimizer="lbfgs", gradient=slope, max_grads=wrong)


# Steps


def test_steps_are_no_limit_to_a_solver_and_refused_in_every_front_door(tmp_path):
    asked, path = [], tmp_path / "run.db"
    said = "max_steps is 5, but scipy-nelder-mead owns its loop, which is one step; pass max_evals or its own maxiter"
    with pytest.raises(InputError) as refused:
        optikit.minimize(asked.append, START, optimizer="scipy-nelder-mead", max_steps=5, checkpoint=path)
    assert str(refused.value) == said
    with pytest.raises(InputError) as refused:
        Session("scipy-nelder-mead", START, max_steps=5)
    assert str(refused.value) == said
    with pytest.raises(InputError, match="pass max_evals or its own maxiter"):
        optikit.fit(network(), "cross-entropy", digits(), optimizer="scipy-nelder-mead", max_steps=5, epochs=2)
    with pytest.raises(InputError, match=r"scipy-tnc owns its loop, which is one step; pass max_evals$"):
        optikit.minimize(asked.append, START, optimizer="scipy-tnc", max_steps=5, max_evals=10)
    assert not asked
    assert not path.exists()


def test_a_limit_that_is_refused_is_not_kept(tmp_path):
    path = tmp_path / "run.db"
    optikit.minimize(valley, START, optimizer="scipy-nelder-mead", max_evals=10, checkpoint=path)
    for wrong in ({"max_steps": 5}, {"max_evals": "many"}):
        with pytest.raises(InputError, match="max_"):
            optikit.resume(path, valley, **wrong)
    assert optikit.resume(path, valley, max_evals=np.int64(20)).nfev == 20
    assert optikit.runs(path)[0].about["limits"] == {"max_evals": 20}


def test_multistart_counts_its_own_steps_over_a_solver():
    optimizer = optikit.get("optimizer", "multistart", optimizer="scipy-nelder-mead", starts=5)
    result = optikit.minimize(lambda x: float(x @ x), START, optimizer=optimizer, bounds=(-2, 2), max_steps=2, rng=0)
    assert (result.nit, result.reason) == (2, StopReason.MAX_STEPS)


def network():
    return optikit.get("model", "mlp", layers=[2, 2])


def digits():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 2)), rng.integers(0, 2, size=20)
