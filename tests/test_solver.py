"""A solver that owns its loop is one long step, over all samples; here one without a library."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError, Solver, Stop, StopReason

MODEL = optikit.get("model", "mlp", layers=[4, 3, 2])
LOSS = optikit.get("loss", "cross-entropy")


class Halving(Solver):
    """Gradient descent that halves its step until it descends, and ends when that is of no use."""

    name = "halving"

    def solve(self, oracle, x0, rng):
        x, rate = x0, 1.0
        value, gradient = oracle.value_and_grad(x)
        while rate > 1e-9:
            trial = oracle.value_and_grad(x - rate * gradient)
            if trial[0] < value:
                x = x - rate * gradient
                (value, gradient), rate = trial, 2 * rate
            else:
                rate /= 2
        return x, Stop(True, "No step descends.")


class Drawing(Solver):
    """Draws ten points."""

    name = "drawing"

    def solve(self, oracle, x0, rng):
        xs = np.array([oracle.draw(rng) for _ in range(10)])
        return xs[oracle.values(xs).argmin()], Stop(True, "Drawn.")


class Returning(Solver):
    """Asks once, and returns a point of float64 a little outside."""

    name = "returning"

    def solve(self, oracle, x0, rng):
        assert oracle.bounded
        oracle.value(x0)
        return np.asarray(x0, dtype=float) + 1e-9, Stop(False, "Elsewhere.")


def blobs(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=rows)
    return rng.normal(size=(rows, 4)) + 2 * labels[:, None], labels


@pytest.mark.parametrize("batch_size", [None, 7, 30, 100])
@pytest.mark.parametrize("limit", [{"max_evals": 40}, {"epochs": 40}, {"max_seconds": 60}])
def test_a_solver_minimises_the_loss_over_all_samples_whatever_the_minibatch(batch_size, limit):
    inputs, labels = blobs()
    run = optikit.fit(MODEL, LOSS, (inputs, labels), optimizer=Halving(), batch_size=batch_size, rng=3, **limit)
    whole = optikit.fit(MODEL, LOSS, (inputs, labels), optimizer=Halving(), rng=3, **limit)
    assert np.array_equal(run.x, whole.x)
    assert np.array_equal(run.history.fun, whole.history.fun)
    # The best value seen, bitwise: all of them are of one function.
    assert run.fun == run.history.fun.min() == LOSS(MODEL(run.x, inputs), labels)
    if "max_seconds" not in limit:
        assert run.nfev == run.njev == 40
        assert run.reason is (StopReason.EPOCHS if "epochs" in limit else StopReason.MAX_EVALS)
        assert run.success == ("epochs" in limit)


@given(epochs=st.integers(1, 60), max_evals=st.integers(1, 60))
def test_of_epochs_and_evaluations_the_first_that_is_reached_ends_a_solver(epochs, max_evals):
    run = optikit.fit(MODEL, LOSS, blobs(), optimizer=Halving(), batch_size=9, epochs=epochs, max_evals=max_evals)
    assert run.nfev == min(epochs, max_evals)
    assert run.reason is (StopReason.EPOCHS if epochs < max_evals else StopReason.MAX_EVALS)


def test_the_curve_of_a_solver_that_arrives_counts_its_evaluations_as_epochs():
    data = optikit.Dataset(*(optikit.Samples(*blobs(seed=seed)) for seed in (0, 1)))
    run = optikit.fit(MODEL, LOSS, data, optimizer=Drawing(), batch_size=20, epochs=50, rng=0)
    assert (run.reason, run.nit, run.message) == (StopReason.CONVERGED, 1, "Drawn.")
    assert run.curve["step"].tolist() == [0, 1]
    assert run.curve["epoch"].tolist() == [0.0, 10.0]
    assert run.curve["held_out_loss"][1] == run.held_out_loss


def test_what_is_asked_before_all_samples_are_used_does_not_compare():
    problem = optikit.Problem.of(MODEL, LOSS, *blobs(), 20)
    x = MODEL.init(np.random.default_rng(0))
    first, late = (optikit.Oracle(problem, x) for _ in range(2))
    assert first.value(x) == problem.at(0).value(x) != problem.whole.value(x)
    for oracle in (first, late):
        oracle.use_whole()
        assert oracle.value(x) == problem.whole.value(x)
        oracle.end_step()
        oracle.begin_step()
        assert oracle.value(x) == problem.whole.value(x)
    assert not first.compares
    assert late.compares


def test_a_solver_without_limits_gets_one_and_a_training_asks_for_one():
    class Endless(Halving):
        """Never ends."""

        name = "endless"

        def solve(self, oracle, x0, rng):
            while True:
                oracle.value(x0)

    result = optikit.minimize(lambda x: x @ x, [1.0, 1.0], optimizer=Endless())
    assert (result.nfev, result.reason) == (30_000, StopReason.MAX_EVALS)
    with pytest.raises(InputError, match="not said how long to train; pass epochs, max_evals or max_seconds"):
        optikit.fit(MODEL, LOSS, blobs(), optimizer=Endless())


def test_a_solver_that_draws_is_deterministic():
    runs = [optikit.minimize(lambda x: x @ x, [1.0], optimizer=Drawing(), bounds=(-1, 1), rng=4) for _ in range(2)]
    assert np.array_equal(runs[0].history.fun, runs[1].history.fun)
    assert runs[0].nfev == 10


def test_the_point_of_a_solver_gets_the_dtype_of_x0_and_its_bounds():
    problem = optikit.Problem(lambda x: float(x @ x), bounds=(-1, 1))
    oracle = optikit.Oracle(problem, np.ones(2, dtype=np.float32))
    state = Returning().step(oracle, Returning().init(np.ones(2, dtype=np.float32), np.random.default_rng(0)))
    assert state.x.dtype == np.float32
    assert state.x.tolist() == [1.0, 1.0]
    result = optikit.minimize(lambda x: x @ x, [1.0], optimizer=Returning(), bounds=(-1, 1))
    assert (result.reason, result.message) == (StopReason.FAILED, "Elsewhere.")


@pytest.mark.parametrize("swallow", [Exception, BaseException])
def test_a_library_that_swallows_the_end_gets_it_again(swallow):
    class Swallowing(Solver):
        """Catches what it can."""

        name = "swallowing"

        def solve(self, oracle, x0, rng):
            for _ in range(20):
                with contextlib.suppress(swallow):
                    oracle.value(x0)
            raise SystemError("the callback failed without an error set")

    result = optikit.minimize(lambda x: x @ x, [1.0], optimizer=Swallowing(), max_evals=5)
    assert (result.nfev, result.reason) == (5, StopReason.MAX_EVALS)
    with pytest.raises(SystemError) as caught:
        optikit.minimize(lambda x: x @ x, [1.0], optimizer=Swallowing())
    assert caught.value.result.nfev == 20


def test_init_and_step_are_for_the_solver_itself_to_write():
    with pytest.raises(TypeError, match="solve"):
        type("Empty", (Solver,), {"name": "empty", "__module__": __name__, "__doc__": "Empty."})()
