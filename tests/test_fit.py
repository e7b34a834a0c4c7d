"""`fit`: the minibatches, the streams of randomness, and the three ways of the main job."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError, Problem, StopReason

NETWORK = optikit.get("model", "mlp", layers=[784, 50, 100, 10])
SMALL = optikit.get("model", "mlp", layers=[4, 3, 2])
LOSS = optikit.get("loss", "cross-entropy")
DESCENT = optikit.get("optimizer", "gradient-descent", learning_rate=0.1)


def blobs(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=rows)
    return rng.normal(size=(rows, 4)) + labels[:, None], labels


@given(rows=st.integers(1, 40), batch_size=st.integers(1, 50), seed=st.integers(0, 2**63))
def test_every_sample_is_used_once_an_epoch_in_an_order_of_seed_and_step_alone(rows, batch_size, seed):
    inputs = np.arange(rows, dtype=float)[:, None]
    model, loss = optikit.get("model", "linear", inputs=1), optikit.get("loss", "mean-squared-error")
    problem = Problem.of(model, loss, inputs, inputs, batch_size, seed=seed)
    again = Problem.of(model, loss, inputs, inputs, batch_size, seed=seed)
    x = np.array([0.0, -1.0])  # the loss of a row is (row + 1)²
    sizes = [min(batch_size, rows - start) for start in range(0, rows, batch_size)]
    for epoch in range(2):
        steps = [epoch * problem.batches + batch for batch in range(problem.batches)]
        losses = [problem.at(step).value(x) for step in steps]
        assert np.isclose(np.dot(losses, sizes), ((inputs + 1) ** 2).sum())
        assert losses[::-1] == [again.at(step).value(x) for step in steps[::-1]]


def test_the_order_changes_from_epoch_to_epoch():
    problem = Problem.of(SMALL, LOSS, *blobs(), batch_size=10)
    x = SMALL.init(np.random.default_rng(0))
    first, second = ([problem.at(step + 6 * epoch).value(x) for step in range(6)] for epoch in range(2))
    assert first != second


def test_the_same_seed_gives_the_same_training():
    for optimizer in (DESCENT, "random-search"):
        runs = [optikit.fit(SMALL, LOSS, blobs(), optimizer=optimizer, epochs=3, batch_size=7, rng=5) for _ in range(2)]
        assert np.array_equal(runs[0].x, runs[1].x)
        assert np.array_equal(runs[0].history.fun, runs[1].history.fun)
        assert runs[0].fun == runs[1].fun
    other = optikit.fit(SMALL, LOSS, blobs(), optimizer=DESCENT, epochs=3, batch_size=7, rng=6)
    assert not np.array_equal(runs[0].x, other.x)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_numerical_path_is_the_analytic_one(activation):
    model = optikit.get("model", "mlp", layers=[4, 6, 5, 2], activation=activation)
    runs = [
        optikit.fit(model, LOSS, blobs(), optimizer=DESCENT, gradient=gradient, epochs=5, batch_size=10, rng=1)
        for gradient in ("analytic", optikit.get("gradient", "central-difference", h=1e-4))
    ]
    losses = [run.history.steps["fun"] for run in runs]
    assert len(losses[0]) == 30
    assert np.allclose(*losses, rtol=1e-6, atol=0)
    n = len(runs[0].x)
    assert [run.nfev for run in runs] == [30, 30 * (2 * n + 1)]
    assert [run.njev for run in runs] == [30, 30]


def test_all_epochs_are_a_success_and_a_limit_is_not():
    run = optikit.fit(SMALL, LOSS, blobs(), optimizer=DESCENT, epochs=2, batch_size=25, rng=0)
    assert (run.nit, run.reason, run.success) == (6, StopReason.EPOCHS, True)
    run = optikit.fit(SMALL, LOSS, blobs(), optimizer=DESCENT, epochs=2, batch_size=25, max_steps=4, rng=0)
    assert (run.nit, run.reason, run.success) == (4, StopReason.MAX_STEPS, False)


def test_the_result_is_the_last_recommendation_judged_on_all_samples():
    inputs, labels = blobs()
    run = optikit.fit(SMALL, LOSS, (inputs, labels), optimizer=DESCENT, epochs=4, batch_size=10, rng=0)
    outputs = SMALL(run.x, inputs)
    assert run.fun == LOSS(outputs, labels)
    assert run.train_accuracy == np.mean(outputs.argmax(axis=1) == labels)
    assert run.accuracy is None
    assert run.held_out_loss is None


def test_a_run_that_is_cut_in_its_first_step_returns_the_best_it_saw():
    search = optikit.get("optimizer", "random-search", samples=50)
    run = optikit.fit(SMALL, LOSS, blobs(), optimizer=search, batch_size=10, max_evals=40, rng=0)
    start = optikit.fit(SMALL, LOSS, blobs(), optimizer=search, batch_size=10, max_evals=1, rng=0)
    assert run.nit == 0
    assert run.fun < start.fun


def test_of_points_asked_together_no_more_than_a_few_are_lost_and_none_is_beyond_the_budget():
    class Fragile(type(SMALL)):
        """Fails after a while."""

        name = "fragile"
        sizes: ClassVar[list[int]] = []

        def ensemble(self, params, inputs):
            if sum(self.sizes) >= 32:
                raise RuntimeError("broken")
            self.sizes.append(len(params))
            return super().ensemble(params, inputs)

    search = optikit.get("optimizer", "random-search", samples=50)
    with pytest.raises(RuntimeError, match="broken") as caught:
        optikit.fit(Fragile(layers=[4, 3, 2]), LOSS, blobs(), optimizer=search, epochs=1, rng=0)
    assert caught.value.result.nfev == sum(Fragile.sizes) == 32
    assert max(Fragile.sizes) == 16
    assert caught.value.result.fun == caught.value.result.history.fun.min()
    for budget in (1, 15, 16, 17, 31, 50, 51):
        run = optikit.fit(SMALL, LOSS, blobs(), optimizer=search, epochs=9, max_evals=budget, rng=0)
        assert run.nfev == budget == len(run.history.fun)


def test_a_diverging_training_ends_and_keeps_the_best_point():
    for rate in (3.0, 1000.0, 1e200):
        optimizer = optikit.get("optimizer", "gradient-descent", learning_rate=rate)
        run = optikit.fit(NETWORK, LOSS, "mnist-sample", optimizer=optimizer, epochs=1, batch_size=100, rng=0)
        assert run.reason is StopReason.DIVERGED
        assert "learning_rate" in run.message
        assert run.fun < 2.6, "the network at the start guesses: log(10) and a little"


def test_a_model_that_fails_keeps_the_partial_result():
    class Fragile(type(SMALL)):
        """Fails after a while."""

        name = "fragile"

        def vjp(self, params, inputs, cotangent):
            if abs(params - self.init(np.random.default_rng(0))).max() > 100:
                raise RuntimeError("broken")
            return 1e3 * np.ones_like(params)

    with pytest.raises(RuntimeError, match="broken") as caught:
        optikit.fit(Fragile(layers=[4, 3, 2]), LOSS, blobs(), optimizer=DESCENT, epochs=3, batch_size=10, rng=0)
    assert caught.value.result.nit >= 1


def test_real_targets_of_one_dimension_are_a_column():
    inputs = np.random.default_rng(0).normal(size=(50, 3))
    model = optikit.get("model", "linear", inputs=3)
    run = optikit.fit(model, "mean-squared-error", (inputs, inputs @ [1.0, 2.0, 3.0]), optimizer=DESCENT, epochs=300)
    assert run.fun < 1e-6
    assert "held out" not in str(run)


def test_the_result_says_how_the_held_out_samples_fared():
    data = optikit.Dataset(*(optikit.Samples(*blobs(seed=seed)) for seed in (0, 1)))
    run = optikit.fit(SMALL, LOSS, data, optimizer=DESCENT, epochs=2, rng=0)
    assert f"held out: loss {run.held_out_loss:.6g}, accuracy {run.accuracy:.4f}" in str(run)


def test_a_model_without_columns_is_refused():
    class Flat(type(SMALL)):
        """Gives one number a row, without a column."""

        name = "flat"

        def __call__(self, params, inputs):
            return super().__call__(params, inputs)[:, 0]

    with pytest.raises(optikit.ContractError, match=r"flat gave outputs of shape \(1,\) for one row, not \(1, k\)"):
        optikit.fit(Flat(layers=[4, 3, 2]), LOSS, blobs(), optimizer=DESCENT, epochs=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epochs": None}, "it is not said how long to train"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"epochs": float("nan")}, "epochs is nan"),
        ({"epochs": "3"}, "epochs is '3'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"model": "mlpp"}, "did you mean 'mlp'"),
        ({"model": optikit.get("model", "mlp", layers=[5, 2])}, "mlp: layers begin with 5 inputs"),
        ({"model": optikit.get("model", "linear", inputs=3)}, "linear: inputs = 3"),
        ({"model": optikit.get("model", "mlp", layers=[4, 1])}, "there is a label 1, but the model has 1 outputs"),
        ({"loss": "mean-squared-error"}, "the targets have shape"),
        ({"data": (np.ones((3, 4)), np.ones(2, dtype=int))}, "there are 3 inputs but 2 targets"),
        ({"data": (np.ones((3, 4)), -np.ones(3, dtype=int))}, "there is a label -1"),
        ({"data": (np.full((3, 4), np.nan), np.ones(3, dtype=int))}, "inputs have NaN"),
        ({"data": (np.ones((0, 4)), np.ones(0, dtype=int))}, "there are no samples"),
        ({"data": (np.ones((3, 4)), ["a", "b", "c"])}, "targets have dtype"),
        ({"data": (1, 2, 3, 4)}, "data has 4 items"),
        ({"data": ([[1, 2], [3]], [0, 1])}, "the rows of the inputs have different lengths"),
        ({"data": (*blobs(3), [1, [2], 3])}, "the rows of the weights have different lengths"),
        ({"data": (1, 2)}, "the inputs are a single value; give one row a sample"),
        ({"data": (np.ones((3, 4)), 2, None)}, "the targets are a single value"),
        ({"data": (*blobs(3), [1, 2])}, r"the weights have shape \(2,\), but there are 3 samples"),
        ({"data": (*blobs(3), 1.0)}, r"the weights have shape \(\), but there are 3 samples"),
        ({"data": (*blobs(3), [[1], [1], [1]])}, r"the weights have shape \(3, 1\)"),
        ({"data": (*blobs(3), [1, -2, 1])}, "the weight of row 1 is -2; give finite numbers of at least 0"),
        ({"data": (*blobs(3), [1.0, 1.0, np.inf])}, "the weight of row 2 is inf"),
        ({"data": (*blobs(3), [np.nan, 1.0, 1.0])}, "the weight of row 0 is nan"),
        ({"data": (*blobs(3), ["1", "1", "1"])}, "the weights have dtype <U1; give numbers"),
        ({"data": (*blobs(3), [0, 0, 0])}, "the weights of all 3 samples are 0"),
        ({"l2": -1e-4}, "l2 is -0.0001; pass a finite number of at least 0"),
        ({"l2": np.inf}, "l2 is inf"),
        ({"l2": np.nan}, "l2 is nan"),
        ({"l2": "1e-4"}, "l2 is '1e-4'"),
        ({"l2": None}, "l2 is None"),
        ({"data": np.ones((3, 4))}, "data is one array; pass a pair"),
        ({"model": "cross-entropy"}, "there is no model 'cross-entropy'; that is a loss"),
        ({"data": "mnist"}, "did you mean 'mnist-sample'"),
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_one_sentence(arguments, said):
    good = {"model": SMALL, "loss": LOSS, "data": blobs(), "optimizer": DESCENT, "epochs": 1}
    with pytest.raises(InputError, match=said) as caught:
        optikit.fit(**{**good, **arguments})
    assert "\n" not in str(caught.value)


def test_a_single_output_is_judged_by_its_sign():
    inputs, labels = blobs()
    model, loss = optikit.get("model", "linear", inputs=4), optikit.get("loss", "binary-cross-entropy")
    run = optikit.fit(model, loss, (inputs, labels), optimizer=DESCENT, epochs=200)
    assert run.train_accuracy == np.mean((model(run.x, inputs)[:, 0] > 0) == labels) > 0.8


def test_the_curve_is_looked_at_about_twenty_times():
    data = optikit.Dataset(*(optikit.Samples(*blobs(seed=seed)) for seed in (0, 1)))
    run = optikit.fit(SMALL, LOSS, data, optimizer=DESCENT, epochs=100, batch_size=10, rng=0)
    assert len(run.curve) == 21
    assert list(run.curve["step"][[0, 1, -1]]) == [0, 30, 600]
    assert run.curve["accuracy"][-1] == run.accuracy
    assert np.isclose(run.curve["loss"][1], run.history.steps["fun"][:30].mean())
    run = optikit.fit(SMALL, LOSS, data, optimizer=DESCENT, max_evals=1000, rng=0)
    assert len(run.curve) < 40
    run = optikit.fit(SMALL, LOSS, data, optimizer=DESCENT, max_steps=103, batch_size=10, rng=0)
    assert run.curve["step"][-1] == 103, "the last step is looked at, whatever the number of steps"


def test_float32_is_the_models_choice():
    model = optikit.get("model", "mlp", layers=[4, 3, 2], dtype="float32")
    run = optikit.fit(model, LOSS, blobs(), optimizer=DESCENT, epochs=2, batch_size=10, rng=0)
    assert run.x.dtype == np.float32
    assert Problem.of(model, LOSS, *blobs()).samples.inputs.dtype == np.float32


def test_back_propagation_learns_the_digits():
    run = optikit.fit(NETWORK, LOSS, "mnist-sample", optimizer=DESCENT, epochs=20, batch_size=100, rng=0)
    assert run.accuracy >= 0.92


def test_random_search_over_whole_networks_is_about_chance():
    run = optikit.fit(NETWORK, LOSS, "mnist-sample", optimizer="random-search", epochs=20, batch_size=100, rng=0)
    assert 0.05 < run.accuracy < 0.25
    assert run.nfev == run.nit == 800
    steps = run.history.steps
    assert steps["fun"].argmin() >= 0
    # What it keeps is the set of weights that had the lowest loss on its own minibatch.
    assert np.array_equal(np.minimum.accumulate(steps["fun"]), steps["best"])


def test_the_numerical_path_of_the_network_is_the_analytic_one():
    # A small step: where relu bends between x - h and x + h the gradients differ, and that goes into all later ones.
    runs = [
        optikit.fit(
            NETWORK, LOSS, "mnist-sample", optimizer=DESCENT, gradient=gradient, max_steps=5, batch_size=100, rng=0
        )
        for gradient in ("analytic", optikit.get("gradient", "central-difference", h=1e-7))
    ]
    assert np.allclose(runs[0].x, runs[1].x, rtol=0, atol=1e-8)
    assert runs[1].nfev == 5 * (2 * 45_360 + 1)
