"""The convolutional network: what it computes is what loops over pixels compute, and its gradient is the adjoint."""

import itertools

import numpy as np
import pytest
from drawn import ACTIVATIONS
from hypothesis import given
from hypothesis import strategies as st
from optikit_models import cnn
from optikit_models.convolution import POOLINGS, convolve, cotangent_below, weight_gradients

import optikit
from optikit import InputError


@st.composite
def networks(draw, activations=ACTIVATIONS):
    """Draw a small network of any geometry: each image is as large as the blocks after it need, or somewhat larger."""
    kernel, pool = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    filters = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    sides = [draw(st.integers(1, 2)), draw(st.integers(1, 2))]
    for _ in filters:
        sides = [side * pool + draw(st.integers(0, pool - 1)) + kernel - 1 for side in sides]
    return optikit.get(
        "model",
        "cnn",
        image=sides + draw(st.sampled_from([[], [1], [2], [3]])),
        outputs=draw(st.integers(1, 3)),
        filters=filters,
        kernel=kernel,
        pool=pool,
        pooling=draw(st.sampled_from(["max", "average"])),
        dense=draw(st.lists(st.integers(1, 4), max_size=2)),
        activation=draw(st.sampled_from(activations)),
        bias=draw(st.booleans()),
    )


seeds, row_counts = st.integers(0, 2**32 - 1), st.integers(1, 4)


def drawn(model, seed, rows):
    rng = np.random.default_rng(seed)
    x = model.init(rng) + 0.1 * rng.normal(size=len(model.init(rng)))
    return rng, x, rng.normal(size=(rows, int(np.prod(model.image))))


def activated(model, z):
    """Put numbers through the activation function by means of an mlp of one unit, which test_models.py trusts."""
    unit = optikit.get("model", "mlp", layers=[1, 1, 1], activation=model.activation, bias=False)
    return unit(np.ones(2), np.reshape(z, (-1, 1))).reshape(np.shape(z))


def arrays(model, x):
    """Cut the parameters up as the docstring says, knowing nothing of the code."""
    found, rest = {}, list(x)
    for name, shape in model.shapes().items():
        size = int(np.prod(shape))
        found[name], rest = np.array(rest[:size]).reshape(shape), rest[size:]
    assert not rest
    return found


def slowly(model, x, row):
    """Compute the outputs of one row, one number after the other."""
    height, width, *channels = model.image
    image = row.reshape(height, width, *channels or [1])
    params, pool = arrays(model, x), model.pool
    reduce = max if model.pooling == "max" else np.mean
    for block, filters in enumerate(model.filters):
        weights = params[f"filters[{block}].weights"]
        bias = params.get(f"filters[{block}].bias", np.zeros(filters))
        height, width = image.shape[0] - model.kernel + 1, image.shape[1] - model.kernel + 1
        z = np.empty((height, width, filters))
        for y, x, f in np.ndindex(z.shape):
            terms = (weights[i, j, c, f] * image[y + i, x + j, c] for i, j, c in np.ndindex(weights.shape[:3]))
            z[y, x, f] = bias[f] + sum(terms)
        a = activated(model, z)
        image = np.empty((height // pool, width // pool, filters))
        for y, x, f in np.ndindex(image.shape):
            window = itertools.product(range(pool * y, pool * y + pool), range(pool * x, pool * x + pool))
            image[y, x, f] = reduce([a[at][f] for at in window])
    values = np.array([image[y, x, f] for f, y, x in np.ndindex(image.shape[2], *image.shape[:2])])
    for layer in range(len(model.dense)):
        weights = params[f"dense[{layer}].weights"]
        values = activated(model, values @ weights + params.get(f"dense[{layer}].bias", 0.0))
    return values @ params["outputs.weights"] + params.get("outputs.bias", 0.0)


@given(model=networks(), seed=seeds, rows=row_counts)
def test_the_outputs_are_those_of_loops_over_pixels(model, seed, rows):
    _, x, data = drawn(model, seed, rows)
    expected = np.array([slowly(model, x, row) for row in data])
    # Sums of some dozens of terms in another order.
    assert np.allclose(model(x, data), expected, rtol=1e-12, atol=1e-12 * (1 + abs(expected).max()))


@given(model=networks(), seed=seeds, rows=row_counts)
def test_back_propagation_is_the_adjoint_of_a_small_change(model, seed, rows):
    rng, x, data = drawn(model, seed, rows)
    u, v = rng.normal(size=(rows, model.outputs)), rng.normal(size=len(x))
    h = 1e-5
    once, twice = ((model(x + step * v, data) - model(x - step * v, data)) / (2 * step) for step in (h, 2 * h))
    # Truncation, and a kink or another largest pixel within h, show between the steps; rounding is divided by h.
    tolerance = 4 * np.vdot(abs(u), abs(once - twice)) + 1e-10 * (1 + np.vdot(abs(u), abs(once)))
    assert abs(np.vdot(u, once) - model.vjp(x, data, u) @ v) <= tolerance


@given(model=networks(activations=["relu", "leaky-relu"]), seed=seeds, rows=row_counts)
def test_without_bias_the_gradient_in_each_layer_obeys_the_theorem_of_euler(model, seed, rows):
    """With relu, twice the weights of a layer are twice the outputs; so w · df/dw = f, exactly and at kinks, too."""
    model = model.model_copy(update={"bias": False})
    rng, x, data = drawn(model, seed, rows)
    u = rng.normal(size=(rows, model.outputs))
    gradient, outputs = model.vjp(x, data, u), model(x, data)
    stops = np.cumsum([np.prod(shape) for shape in model.shapes().values()])[:-1]
    for own, slopes in zip(np.split(x, stops), np.split(gradient, stops), strict=True):
        scale = np.linalg.norm(u) * np.linalg.norm(outputs) + np.linalg.norm(own) * np.linalg.norm(slopes)
        assert abs(own @ slopes - np.vdot(u, outputs)) <= 1e-12 * len(x) * scale


@given(
    seed=seeds,
    kernel=st.integers(1, 3),
    extra=st.tuples(*[st.integers(0, 4)] * 2),
    sizes=st.tuples(*[st.integers(1, 3)] * 3),
)
def test_convolution_is_linear_and_its_adjoints_are_exact(seed, kernel, extra, sizes):
    rng, (channels, filters, rows) = np.random.default_rng(seed), sizes
    images = rng.normal(size=(channels, kernel + extra[0], kernel + extra[1], rows))
    weights, bias = rng.normal(size=(kernel, kernel, channels, filters)), rng.normal(size=filters)
    sums, patches = convolve(images, weights, bias)
    u, to_weights, to_bias = rng.normal(size=sums.shape), np.empty_like(weights), np.empty_like(bias)
    weight_gradients(patches, u, to_weights, to_bias)
    without_bias, _ = convolve(images, weights, None)
    product, scale = np.vdot(u, without_bias), np.linalg.norm(u) * np.linalg.norm(without_bias)
    assert abs(np.vdot(to_weights, weights) - product) <= 1e-12 * weights.size * (1 + scale)
    assert abs(np.vdot(cotangent_below(u, weights, images.shape), images) - product) <= 1e-12 * images.size * (
        1 + scale
    )
    assert np.allclose(to_bias, u.sum(axis=(1, 2, 3)), rtol=1e-12, atol=1e-12 * np.linalg.norm(u))


@pytest.mark.parametrize("pooling", POOLINGS)
@given(seed=seeds, side=st.integers(1, 4), more=st.tuples(*[st.integers(0, 7)] * 2), ties=st.booleans())
def test_pooling_keeps_its_adjoint_with_ties_too_and_leaves_out_what_fills_no_window(pooling, seed, side, more, ties):
    rng = np.random.default_rng(seed)
    shape = (2, side + more[0], side + more[1], 3)
    images = rng.integers(3, size=shape) - 1.0 if ties else rng.normal(size=shape)
    pooled = POOLINGS[pooling].value(images, side)
    u = rng.normal(size=pooled.shape)
    back = POOLINGS[pooling].adjoint(images, pooled, u, side)
    # Both are sums of the same products, in another order.
    assert np.isclose(np.vdot(back, images), np.vdot(u, pooled), rtol=0, atol=1e-13 * abs(u).sum() * abs(images).max())
    assert np.isclose(back.sum(), u.sum(), rtol=0, atol=1e-13 * abs(u).sum())
    down, across = side * (shape[1] // side), side * (shape[2] // side)
    assert not back[:, down:].any()
    assert not back[:, :, across:].any()


def test_of_equally_large_pixels_the_first_one_by_rows_has_the_derivative():
    images = np.array([[3.0, 1.0], [2.0, 3.0]]).reshape(1, 2, 2, 1)
    back = POOLINGS["max"].adjoint(images, np.full((1, 1, 1, 1), 3.0), np.full((1, 1, 1, 1), 5.0), 2)
    assert np.array_equal(back.reshape(2, 2), [[5, 0], [0, 0]])


@given(model=networks(), seed=seeds, rows=st.integers(0, 4), dtype=st.sampled_from(["float64", "float32"]))
def test_flat_rows_and_images_are_the_same(model, seed, rows, dtype):
    _, x, data = drawn(model, seed, rows)
    x, data = x.astype(dtype), data.astype(dtype)
    images, u = data.reshape(rows, *model.image), np.ones((rows, model.outputs), dtype=dtype)
    assert model(x, data).dtype == model.vjp(x, data, u).dtype == dtype
    assert np.array_equal(model(x, data), model(x, images))
    assert np.array_equal(model.vjp(x, data, u), model.vjp(x, images, u))


@given(model=networks(), seed=seeds, rows=st.integers(2, 7), chunk=st.integers(1, 3000))
def test_rows_are_independent_and_chunks_change_nothing(model, seed, rows, chunk):
    rng, x, data = drawn(model, seed, rows)
    u = rng.normal(size=(rows, model.outputs))
    outputs, gradient = model(x, data), model.vjp(x, data, u)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cnn, "_CHUNK", chunk)
        # Sums of some dozens of terms in another order.
        assert np.allclose(model(x, data), outputs, rtol=1e-12, atol=1e-12 * (1 + abs(outputs).max()))
        assert np.allclose(model.vjp(x, data, u), gradient, rtol=1e-12, atol=1e-12 * (1 + abs(gradient).max()))
    alone = sum(model.vjp(x, data[i : i + 1], u[i : i + 1]) for i in range(rows))
    assert np.allclose(alone, gradient, rtol=1e-12, atol=1e-12 * (1 + abs(gradient).max()))


def test_a_batch_of_no_rows_has_no_outputs_and_no_gradient():
    model = optikit.get("model", "cnn", image=[28, 28], outputs=10)
    x = model.init(np.random.default_rng(0))
    assert model(x, np.empty((0, 784))).shape == (0, 10)
    assert np.array_equal(model.vjp(x, np.empty((0, 784)), np.empty((0, 10))), np.zeros(len(x)))


def test_the_parameters_are_laid_out_as_documented():
    model = optikit.get("model", "cnn", image=[28, 28, 3], outputs=10, dense=[64, 32])
    assert list(model.shapes().items()) == [
        ("filters[0].weights", (3, 3, 3, 8)),
        ("filters[0].bias", (8,)),
        ("filters[1].weights", (3, 3, 8, 16)),
        ("filters[1].bias", (16,)),
        ("dense[0].weights", (5 * 5 * 16, 64)),
        ("dense[0].bias", (64,)),
        ("dense[1].weights", (64, 32)),
        ("dense[1].bias", (32,)),
        ("outputs.weights", (32, 10)),
        ("outputs.bias", (10,)),
    ]


@pytest.mark.parametrize("initializer", ["he", "xavier", "normal"])
def test_the_initial_weights_have_the_promised_deviation(initializer):
    model = optikit.get("model", "cnn", image=[9, 9, 20], outputs=300, filters=[60], dense=[], initializer=initializer)
    found = arrays(model, model.init(np.random.default_rng(0)))
    for name, inputs, outputs in (("filters[0]", 9 * 20, 9 * 60), ("outputs", 3 * 3 * 60, 300)):
        expected = {"he": (2 / inputs) ** 0.5, "xavier": (2 / (inputs + outputs)) ** 0.5, "normal": 0.01}[initializer]
        # Five standard errors of a deviation estimated from 10,800 numbers or more.
        assert abs(found[f"{name}.weights"].std() / expected - 1) < 5 / (2 * 10_800) ** 0.5
        assert not found[f"{name}.bias"].any()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"image": [2, 9]}, "kernel = 3 is larger than the 2 x 9 pixels that filters[0] gets"),
        ({"filters": [4, 4, 4, 4]}, "kernel = 3 is larger than the 1 x 1 pixels that filters[3] gets"),
        ({"pool": 27}, "pool = 27 leaves nothing of the 26 x 26 pixels that filters[0] gives"),
        ({"image": [28, 3]}, "pool = 2 leaves nothing of the 26 x 1 pixels that filters[0] gives"),
        ({"image": [28]}, "image is (28,), but must have 2 or more items"),
        ({"image": [28, 28, 3, 1]}, "image is (28, 28, 3, 1), but must have 3 or fewer items"),
        ({"filters": []}, "filters is (), but must have 1 or more items"),
        ({"kernel": 0}, "kernel is 0"),
        ({"pooling": "mean"}, "pooling is 'mean'"),
        ({"dense": [0]}, "dense"),
    ],
)
def test_what_is_impossible_is_refused_when_it_is_made(fields, said):
    with pytest.raises(InputError) as caught:
        optikit.get("model", "cnn", **{"image": [28, 28], "outputs": 10, **fields})
    assert str(caught.value).startswith("cnn: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(5, 783), (5, 28, 27), (5, 28, 28, 1), (5,)])
def test_rows_of_another_shape_are_refused(shape):
    model = optikit.get("model", "cnn", image=[28, 28], outputs=10)
    x = model.init(np.random.default_rng(0))
    for ask in (lambda data: model(x, data), lambda data: model.vjp(x, data, np.ones((5, 10)))):
        with pytest.raises(InputError) as caught:
            ask(np.zeros(shape))
        assert str(caught.value) == (
            f"cnn: image = [28, 28] needs input rows of shape (784,) or (28, 28), but they have shape {shape[1:]}"
        )
