"""The empirical risk: a weight is a repetition, whatever the model and the loss, and L2 is part of the objective."""

import numpy as np
import pytest
from drawn import classes, drawn_fields, small_model, targets_for
from hypothesis import given
from hypothesis import strategies as st
from test_sweep import naive

import optikit
from optikit import InputError, LayeredModel, Objective, Problem, Samples

MODELS = classes("model")
LAYERED = [cls for cls in MODELS if issubclass(cls, LayeredModel)]

each_loss = pytest.mark.parametrize("loss", classes("loss"), ids=lambda cls: cls.name)
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda cls: cls.name)
seeds = given(seed=st.integers(0, 2**32 - 1))


def drawn(model, loss, rng, rows=7, dtype="float64"):
    """Draw a model, a loss and samples that go together, and a point."""
    made = small_model(model, 4, 3, 3, dtype=dtype, **drawn_fields(model, rng))
    criterion = loss(**drawn_fields(loss, rng))
    x = made.init(rng) + rng.normal(scale=0.3, size=len(made.init(rng))).astype(dtype)  # biases, too
    return made, criterion, rng.normal(size=(rows, 4)), targets_for(criterion, 3, rows, rng), x


def close(one, other, factor=1.0):
    """Say whether numbers that are sums of the same terms, of about 1 each, in another order, agree."""
    return np.allclose(one, other, rtol=factor * 1e-12, atol=factor * 1e-13)


def drawn_weights(rng, rows):
    weights = rng.integers(4, size=rows)
    weights[rng.integers(rows)] += 1  # not all are 0
    return weights


# Weights


@each_loss
@each_model
@seeds
def test_a_weight_is_a_repetition(loss, model, seed):
    rng = np.random.default_rng(seed)
    made, criterion, inputs, targets, x = drawn(model, loss, rng)
    weights = drawn_weights(rng, 7)
    weighted = Problem.of(made, criterion, inputs, targets, weights=weights)
    repeated = Problem.of(made, criterion, np.repeat(inputs, weights, axis=0), np.repeat(targets, weights, axis=0))
    assert close(weighted.whole.value(x), repeated.whole.value(x))
    for one, other in zip(weighted.whole.value_and_grad(x), repeated.whole.value_and_grad(x), strict=True):
        assert close(one, other)
    assert close(weighted.whole.shifted(x, 0.01), repeated.whole.shifted(x, 0.01))
    score, expected = weighted.score(x), repeated.score(x)
    assert close(score.loss, expected.loss)
    assert (score.accuracy is None) == (expected.accuracy is None)
    assert score.accuracy is None or close(score.accuracy, expected.accuracy)


@each_loss
@each_model
@given(seed=st.integers(0, 2**32 - 1), weight=st.floats(5e-324, 1.7e308))
def test_equal_weights_are_no_weights_to_the_last_bit(loss, model, seed, weight):
    made, criterion, inputs, targets, x = drawn(model, loss, np.random.default_rng(seed))
    plain = Problem.of(made, criterion, inputs, targets)
    equal = Problem.of(made, criterion, inputs, targets, weights=np.full(7, weight))
    assert equal.whole.value(x) == plain.whole.value(x)
    for one, other in zip(equal.whole.value_and_grad(x), plain.whole.value_and_grad(x), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(equal.whole.shifted(x, 0.01), plain.whole.shifted(x, 0.01))
    assert equal.score(x) == plain.score(x)


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-320, 1e-300, 1e-3, 7.0, 1e300]))
def test_only_the_ratios_of_weights_matter(seed, scale):
    rng = np.random.default_rng(seed)
    made, criterion, inputs, targets, x = drawn(MODELS[0], classes("loss")[0], rng)
    weights = drawn_weights(rng, 7)
    one, other = (Problem.of(made, criterion, inputs, targets, weights=w) for w in (weights, scale * weights))
    # 1e-320 has three digits only.
    factor = 1e10 if scale < 1e-310 else 1
    assert close(one.whole.value(x), other.whole.value(x), factor)
    assert close(one.score(x).loss, other.score(x).loss, factor)


@given(seed=st.integers(0, 2**32 - 1), batch_size=st.sampled_from([1, 2, 3, 4, 6]), l2=st.sampled_from([0.0, 0.1]))
def test_the_minibatches_of_an_epoch_have_the_mean_of_the_whole(seed, batch_size, l2):
    rng = np.random.default_rng(seed)
    made, criterion, inputs, targets, x = drawn(MODELS[0], classes("loss")[0], rng, rows=12)
    weights = rng.random(12) * rng.integers(2, size=12)  # many minibatches without any weight
    weights[0] = 1
    problem = Problem.of(made, criterion, inputs, targets, batch_size, weights=weights, l2=l2, seed=seed)
    answers = [problem.at(step).value_and_grad(x) for step in range(problem.batches)]
    value, gradient = problem.whole.value_and_grad(x)
    assert close(np.mean([value for value, _ in answers]), value)
    assert close(np.mean([gradient for _, gradient in answers], axis=0), gradient)


def test_a_minibatch_without_any_weight_is_zero():
    model, loss = optikit.get("model", "linear", inputs=1), optikit.get("loss", "mean-squared-error")
    problem = Problem.of(model, loss, np.ones((2, 1)), np.ones((2, 1)), 1, weights=[0, 3])
    answers = sorted(
        (problem.at(step).value(np.zeros(2)), problem.at(step).shifted(np.zeros(2), 1)[0]) for step in (0, 1)
    )
    assert answers == [(0.0, 0.0), (2.0, 0.0)]
    assert np.array_equal(problem.samples.weights, [0, 2])


@pytest.mark.parametrize("model", LAYERED, ids=lambda cls: cls.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(seed=st.integers(0, 2**32 - 1), l2=st.sampled_from([0.0, 1e-4, 1.0]), h=st.sampled_from([1e-4, -0.3, "many"]))
def test_a_sweep_with_weights_and_l2_gives_the_values_of_the_naive_loop(model, dtype, seed, l2, h):
    rng = np.random.default_rng(seed)
    losses = classes("loss")
    made, criterion, inputs, targets, x = drawn(model, losses[rng.integers(len(losses))], rng, dtype=dtype)
    h = rng.normal(size=len(x)).astype(dtype) if h == "many" else h
    objective = Problem.of(made, criterion, inputs, targets, weights=drawn_weights(rng, 7), l2=l2).whole
    expected, found = naive(objective, x, np.asarray(h, dtype=dtype)), objective.shifted(x, h)
    assert type(objective).shifted is not Objective.shifted
    assert found.dtype == np.float64
    # A few roundings of the largest value.
    tolerance = 1e-12 if dtype == "float64" else 4e-6
    assert np.allclose(found, expected, rtol=tolerance, atol=tolerance * abs(expected).max())


@each_model
@given(seed=st.integers(0, 2**32 - 1), l2=st.sampled_from([0.0, 0.1]), weighted=st.booleans())
def test_the_values_of_many_points_are_those_of_each(model, seed, l2, weighted):
    rng = np.random.default_rng(seed)
    losses = classes("loss")
    made, criterion, inputs, targets, x = drawn(model, losses[rng.integers(len(losses))], rng)
    weights = drawn_weights(rng, 7) if weighted else None
    objective = Problem.of(made, criterion, inputs, targets, weights=weights, l2=l2).whole
    xs = x + rng.normal(size=(5, len(x)))
    assert type(objective).values is not Objective.values
    assert np.allclose(objective.values(xs), [objective.value(x) for x in xs], rtol=1e-12, atol=1e-13)


@each_model
@seeds
def test_the_gradient_with_weights_and_l2_is_that_of_the_value(model, seed):
    rng = np.random.default_rng(seed)
    losses = classes("loss")
    made, criterion, inputs, targets, x = drawn(model, losses[rng.integers(len(losses))], rng)
    problem = Problem.of(made, criterion, inputs, targets, weights=rng.random(7), l2=0.3)
    check = optikit.check_gradient(problem, None, x)
    assert check.success, check


@each_loss
@seeds
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_weighted_loss_is_the_mean_of_weighted_rows_in_the_precision_of_the_outputs(loss, dtype, seed):
    rng = np.random.default_rng(seed)
    criterion, outputs = loss(**drawn_fields(loss, rng)), rng.choice([-1e3, 0.0, 1.0, 1e3], size=(6, 4)).astype(dtype)
    targets, weights = targets_for(criterion, 4, 6, rng), rng.random(6)
    outputs.flags.writeable = targets.flags.writeable = weights.flags.writeable = False
    value, gradient = criterion.weighted_value_and_grad(outputs, targets, weights)
    assert value == criterion.weighted(outputs, targets, weights)
    rows = [criterion(outputs[i : i + 1], targets[i : i + 1]) for i in range(6)]
    slopes = [criterion.grad(outputs[i : i + 1], targets[i : i + 1])[0] for i in range(6)]
    assert type(value) is float
    assert gradient.dtype == dtype
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # Roundings of losses and slopes as large as 4e6, a thousand squared.
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert np.isclose(value, np.dot(weights, rows) / 6, rtol=tolerance, atol=tolerance)
    assert np.allclose(gradient, weights[:, None] * slopes / 6, rtol=tolerance, atol=tolerance)


def test_weights_that_numpy_would_broadcast_are_refused():
    loss = optikit.get("loss", "mean-squared-error")
    for compute in (loss.weighted, loss.weighted_value_and_grad):
        for weights in (np.ones((3, 1)), np.ones(1), np.ones(())):
            with pytest.raises(InputError, match=r"the weights have shape .*, but there are 3 rows"):
                compute(np.ones((3, 2)), np.ones((3, 2)), weights)


# Samples


@seeds
def test_weights_go_with_their_rows(seed):
    class Given(optikit.Data):
        """Weighs each row with its input."""

        name = "given"

        def load(self):
            inputs = np.arange(1.0, 31)
            return self.split(inputs[:, None], rng.integers(3, size=30), inputs)

    rng = np.random.default_rng(seed)
    dataset = Given(held_out=0.3, split_seed=seed).load()
    for samples in (dataset.train, dataset.held_out, dataset.whole, dataset.train[np.array([3, 1])]):
        assert np.array_equal(samples.weights, samples.inputs[:, 0])


def test_samples_without_weights_weigh_one_beside_others():
    plain, weighted = Samples.of([[1.0]], [0]), Samples.of([[2.0], [3.0]], [0, 1], [5, 7])
    assert (plain + weighted).weights.tolist() == [1, 5, 7]
    assert (weighted + plain).weights.tolist() == [5, 7, 1]
    assert (weighted + None).weights.tolist() == [5, 7]
    assert (plain + plain).weights is None
    assert weighted.weights.dtype == np.float64


def test_held_out_samples_are_judged_by_their_weights():
    rng = np.random.default_rng(0)
    model, loss = optikit.get("model", "linear", inputs=2, outputs=2), optikit.get("loss", "cross-entropy")
    train = Samples.of(rng.normal(size=(20, 2)), np.arange(20) % 2)
    held_out = Samples.of(rng.normal(size=(3, 2)), [0, 0, 1], [1, 0, 3])
    run = optikit.fit(model, loss, optikit.Dataset(train, held_out), optimizer="gradient-descent", epochs=3, l2=5.0)
    outputs = model(run.x, held_out.inputs)
    assert np.isclose(run.held_out_loss, np.dot(loss.per_row(outputs, held_out.targets), [1, 0, 3]) / 4)
    assert np.isclose(run.accuracy, np.dot(outputs.argmax(axis=1) == held_out.targets, [1, 0, 3]) / 4)


# L2


@each_model
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(seed=st.integers(0, 2**32 - 1), l2=st.sampled_from([1e-6, 0.1, 1, np.float64(30.0)]))
def test_l2_adds_half_the_sum_of_squares_of_all_parameters(model, dtype, seed, l2):
    rng = np.random.default_rng(seed)
    made, criterion, inputs, targets, x = drawn(model, classes("loss")[0], rng, dtype=dtype)
    plain, penalized = (Problem.of(made, criterion, inputs, targets, l2=factor) for factor in (0, l2))
    expected = l2 / 2 * sum(float(number) ** 2 for number in x)
    value, gradient = penalized.whole.value_and_grad(x)
    base, slope = plain.whole.value_and_grad(x)
    assert value == penalized.whole.value(x)
    # One rounding of each number, in the precision of the gradient.
    assert np.isclose(value, base + expected, rtol=1e-14)
    assert gradient.dtype == dtype
    assert np.allclose(gradient, slope + l2 * x.astype(float), rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
    assert penalized.score(x) == plain.score(x)


def test_half_a_million_parameters_of_single_precision_are_summed_in_double():
    model = optikit.get("model", "mlp", layers=[700, 700, 2], dtype="float32")
    x = np.full(len(model.init(np.random.default_rng(0))), 1e-3, dtype=np.float32)
    plain, penalized = (
        Problem.of(model, optikit.get("loss", "cross-entropy"), np.ones((1, 700)), [0], l2=l2) for l2 in (0, 1.0)
    )
    added = penalized.whole.value(x) - plain.whole.value(x)
    # Single precision would be wrong by 1e-7 or more.
    assert np.isclose(added, len(x) * float(x[0]) ** 2 / 2, rtol=1e-13)


def test_what_is_minimised_has_the_penalty_and_what_is_judged_has_not():
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(40, 4)), rng.integers(2, size=40)
    model, loss = optikit.get("model", "mlp", layers=[4, 3, 2]), optikit.get("loss", "cross-entropy")
    data = optikit.Dataset(Samples(inputs[:30], labels[:30]), Samples(inputs[30:], labels[30:]))
    for batch_size in (None, 10):
        run = optikit.fit(
            model, loss, data, optimizer="gradient-descent", epochs=30, batch_size=batch_size, l2=0.5, rng=0
        )
        outputs = model(run.x, inputs)
        assert np.isclose(run.fun, loss(outputs[:30], labels[:30]) + 0.25 * run.x @ run.x, rtol=1e-13)
        assert run.held_out_loss == loss(outputs[30:], labels[30:])
        steps = run.history.steps["fun"]
        assert np.isclose(run.curve["loss"][-1], steps[-(run.nit - int(run.curve["step"][-2])) :].mean())


def test_a_large_penalty_drives_all_parameters_to_zero():
    rng = np.random.default_rng(0)
    model = optikit.get("model", "linear", inputs=2)
    inputs = rng.normal(size=(20, 2))
    descent = optikit.get("optimizer", "gradient-descent", learning_rate=1e-4)
    for gradient in ("analytic", "central-difference"):
        run = optikit.fit(
            model, "mean-squared-error", (inputs, inputs @ [1.0, 2.0] + 3), optimizer=descent, gradient=gradient,
            epochs=100, l2=1e4, rng=0,
        )  # fmt: skip
        # The ridge solution, with a ridge on the bias too.
        columns = np.column_stack([inputs, np.ones(20)])
        ridge = np.linalg.solve(2 * columns.T @ columns + 20e4 * np.eye(3), 2 * columns.T @ (inputs @ [1.0, 2.0] + 3))
        assert np.allclose(run.x, ridge, rtol=1e-4, atol=1e-9)


def test_a_gradient_of_a_wrong_shape_is_not_hidden_by_the_penalty():
    class One(type(optikit.get("model", "linear", inputs=1))):
        """Gives one number for a gradient."""

        name = "one"

        def vjp(self, params, inputs, cotangent):
            return np.ones(1)

    with pytest.raises(optikit.ObjectiveError, match=r"the gradient has shape \(1,\), but x has \(3,\)"):
        optikit.fit(
            One(inputs=2), "mean-squared-error", (np.ones((3, 2)), np.ones(3)),
            optimizer="gradient-descent", epochs=1, l2=1.0,
        )  # fmt: skip
