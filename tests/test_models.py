"""Models: activation functions are the textbook's, and back-propagation is the adjoint of a small change."""

import math

import numpy as np
import pytest
from drawn import ACTIVATIONS, classes, drawn_fields, small_model
from hypothesis import given
from hypothesis import strategies as st

import optikit

TEXTBOOK = {
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky-relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + math.exp(-z)), lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2),
    "softplus": (lambda z: math.log1p(math.exp(z)), lambda z: 1 / (1 + math.exp(-z))),
    "gelu": (
        lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
        lambda z: (1 + math.erf(z / math.sqrt(2))) / 2 + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    ),
}
by_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def through(activation, z):
    """Put numbers through one unit, and give what comes out and its derivative."""
    model = optikit.get("model", "mlp", layers=[1, 1, 1], activation=activation, bias=False, dtype=z.dtype.name)
    x, z = np.ones(2, dtype=z.dtype), z[:, None]
    # The gradient in the weight of the unit is the derivative times the input.
    slopes = [model.vjp(x, row[None], np.ones((1, 1), dtype=z.dtype))[0] / row[0] for row in z]
    return model(x, z)[:, 0], np.array(slopes)


@by_activation
@given(z=st.lists(st.floats(-30, 30).filter(lambda z: abs(z) > 1e-3), min_size=1, max_size=5))
def test_activations_are_those_of_the_textbook(activation, z):
    value, slope = TEXTBOOK[activation]
    values, slopes = through(activation, np.array(z))
    # What the textbook's own formulas lose to cancellation, in numbers of up to 30.
    assert np.allclose(values, [value(at) for at in z], rtol=1e-14, atol=1e-14)
    assert np.allclose(slopes, [slope(at) for at in z], rtol=1e-13, atol=1e-14)


@by_activation
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_activations_have_their_limits_and_never_overflow(activation, dtype):
    z = np.array([-1e30, -1e3, -100.0, 100.0, 1e3, 1e30], dtype=dtype)
    eps = 4 * np.finfo(dtype).eps
    values, slopes = through(activation, z)
    assert values.dtype == slopes.dtype == dtype
    low = {"leaky-relu": 0.01 * z[:3], "tanh": [-1] * 3}.get(activation, [0] * 3)
    high = {"tanh": [1] * 3, "sigmoid": [1] * 3}.get(activation, z[3:])
    assert np.allclose(values, [*low, *high], rtol=eps, atol=1e-40)
    left, right = 0.01 if activation == "leaky-relu" else 0, 0 if activation in ("tanh", "sigmoid") else 1
    assert np.allclose(slopes, [left] * 3 + [right] * 3, rtol=eps, atol=1e-40)


def test_gelu_is_exact_to_rounding_in_its_lower_tail_too():
    z = np.linspace(-37, 37, 3000)
    values, _ = through("gelu", z)
    expected = np.array([at * math.erfc(-at / math.sqrt(2)) / 2 for at in z])
    # Rounding of z² in the exponential, on either side.
    assert (abs(values - expected) <= 4 * np.finfo(float).eps * (1 + z**2 / 2) * abs(expected)).all()
    single, _ = through("gelu", z[abs(z) < 10].astype(np.float32))
    assert np.allclose(single, expected[abs(z) < 10], rtol=0, atol=1e-6)


@pytest.mark.parametrize("model", classes("model"), ids=lambda cls: cls.name)
@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float64", "float32"]),
    depth=st.integers(0, 3),
    k=st.integers(1, 3),
    rows=st.sampled_from([1, 5, 300]),
    zeros=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
)
def test_an_ensemble_gives_what_each_of_its_models_gives(model, seed, dtype, depth, k, rows, zeros):
    rng = np.random.default_rng(seed)
    made = small_model(model, 6, 2, 4, depth, dtype=dtype, **drawn_fields(model, rng))
    xs = np.stack([made.init(rng) for _ in range(k)])
    xs += rng.normal(size=xs.shape).astype(dtype)  # biases, too
    data = (rng.normal(size=(rows, 6)) * (rng.random((rows, 6)) >= zeros)).astype(dtype)
    xs.flags.writeable = data.flags.writeable = False
    outputs, expected = made.ensemble(xs, data), np.stack([made(x, data) for x in xs])
    assert outputs.shape == expected.shape
    assert outputs.dtype == dtype
    # Sums of a few numbers, layer by layer, in another order.
    assert np.allclose(outputs, expected, rtol=0, atol=200 * np.finfo(dtype).eps * (1 + abs(expected).max()))


def test_nothing_goes_around_what_a_subclass_overrides():
    class Doubled(type(optikit.get("model", "mlp", layers=[1, 1]))):
        """Twice the outputs."""

        name = "doubled"

        def __call__(self, params, inputs):
            return 2 * super().__call__(params, inputs)

    class Flat(Doubled):
        """No slope."""

        name = "flat"

        def vjp(self, params, inputs, cotangent):
            return 0 * super().vjp(params, inputs, cotangent)

    class Squared(type(optikit.get("loss", "cross-entropy"))):
        """Squares of the losses, with the gradient of the losses."""

        name = "squared"

        def per_row(self, outputs, targets):
            return super().per_row(outputs, targets) ** 2

    x, data, u = np.array([0.3, 0.2]), np.ones((2, 1)), np.ones((2, 1))
    for model in (Doubled(layers=[1, 1]), Flat(layers=[1, 1])):
        assert np.array_equal(model.ensemble(x[None], data)[0], model(x, data))
        outputs, back = model.pullback(x, data)
        assert np.array_equal(outputs, model(x, data))
        assert np.array_equal(back(u), model.vjp(x, data, u))
    outputs, labels = np.array([[0.0, 1.0]]), np.array([0])
    assert Squared().value_and_grad(outputs, labels)[0] == Squared()(outputs, labels)


@by_activation
def test_a_network_without_bias_is_one_whose_biases_are_zero(activation):
    rng = np.random.default_rng(0)
    with_bias, without = (
        optikit.get("model", "mlp", layers=[3, 4, 2], activation=activation, bias=bias) for bias in (True, False)
    )
    data = rng.normal(size=(5, 3))
    a, b = with_bias.init(np.random.default_rng(1)), without.init(np.random.default_rng(1))
    assert len(b) == 3 * 4 + 4 * 2 == len(a) - 4 - 2
    weights = np.r_[0:12, 16:24]
    assert np.array_equal(a[weights], b)
    assert np.array_equal(with_bias(a, data), without(b, data))
    u = rng.normal(size=(5, 2))
    assert np.array_equal(with_bias.vjp(a, data, u)[weights], without.vjp(b, data, u))


def test_each_array_of_a_network_is_named_by_its_layer():
    mlp = optikit.get("model", "mlp", layers=[3, 4, 2])
    assert list(mlp.shapes().items()) == [
        ("layers[0].weights", (3, 4)), ("layers[0].bias", (4,)), ("layers[1].weights", (4, 2)), ("layers[1].bias", (2,))
    ]  # fmt: skip
    linear = optikit.get("model", "linear", inputs=3, outputs=2)
    assert list(linear.shapes().items()) == [("weights", (3, 2)), ("bias", (2,))]
    x = linear.init(np.random.default_rng(0))
    assert np.array_equal(linear(x, np.eye(3)), x[:6].reshape(3, 2))


def test_a_model_need_not_name_its_parameters():
    class Constant(optikit.Model):
        """The same output for every row."""

        name = "constant"

        def init(self, rng):
            return np.zeros(1)

        def __call__(self, params, inputs):
            return np.full((len(inputs), 1), params[0])

    assert Constant().shapes() == {}
