"""Structured, fixed and scaled parameters: the map to what the optimizer sees loses nothing, and names everything."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optikit_gradients.block import Block

import optikit
from optikit import ContractError, GradientError, InputError, ObjectiveError, Optimizer, Problem, State
from optikit.mapped import flat_problem
from optikit.names import label
from optikit.parameters import Parameters

# Structures, drawn; what the tests need of them is written here a second time, and simply.

seeds = st.integers(0, 2**32 - 1)
arrays = st.tuples(seeds, st.lists(st.integers(1, 3), max_size=2)).map(
    lambda drawn: np.random.default_rng(drawn[0]).normal(scale=10, size=drawn[1])
)
leaves = arrays.map(lambda array: array if array.ndim else float(array))
trees = st.recursive(
    leaves,
    lambda inner: (
        st.dictionaries(st.sampled_from(["w", "b", "a b", "c'd"]), inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: [*items, np.ones(1)])
    ),
    max_leaves=5,
)


def ravel(x):
    if isinstance(x, dict):
        return np.concatenate([ravel(part) for part in x.values()])
    if isinstance(x, list):
        return np.concatenate([ravel(part) for part in x])
    return np.ravel(x)


def like(x0, flat):
    """Give numbers the structure of x0; `flat` is an iterator."""
    if isinstance(x0, dict):
        return {key: like(part, flat) for key, part in x0.items()}
    if isinstance(x0, list):
        return [like(part, flat) for part in x0]
    return np.array([next(flat) for _ in range(np.size(x0))]).reshape(np.shape(x0))[()]


def same(one, other):
    """Whether two structures are bitwise the same."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return np.shape(one) == np.shape(other) and np.asarray(one).tobytes() == np.asarray(other).tobytes()


def bowl(v):
    return float((np.arange(1, len(v) + 1) * (v - 0.7) ** 2).sum() + np.cos(v).sum())


def bowl_gradient(v):
    return 2 * np.arange(1, len(v) + 1) * (v - 0.7) - np.sin(v)


def drawn_mask(x0, rng):
    """Draw what is fixed, something free and something not, where that is possible."""
    mask = rng.random(len(ravel(x0))) < 0.5
    mask[rng.integers(len(mask))] = False
    return mask


GRADIENTS = ["own", "central-difference", "richardson", "spsa"]
OPTIMIZERS = {
    "gradient-descent": optikit.get("optimizer", "gradient-descent", learning_rate=0.01),
    "conjugate-gradients": "conjugate-gradients",
    "random-search": "random-search",
    "adam": "adam",
}


def run(fun, x0, gradient="own", own=None, optimizer="gradient-descent", **options):
    return optikit.minimize(
        fun, x0, gradient=own if gradient == "own" else gradient, optimizer=OPTIMIZERS[optimizer], max_evals=150, rng=0,
        check_gradient=False, **options,
    )  # fmt: skip


# The map


@given(x0=trees, seed=seeds, scaled=st.booleans(), single=st.booleans())
def test_the_start_comes_back_bitwise_whatever_is_fixed_and_scaled(x0, seed, scaled, single):
    rng = np.random.default_rng(seed)
    if single:
        x0 = {"w": ravel(x0).astype(np.float32)}
    size = len(ravel(x0))
    parameters = Parameters(
        x0,
        fixed=like(x0, iter(drawn_mask(x0, rng))),
        scale=like(x0, iter(np.exp(rng.normal(scale=5, size=size)))) if scaled else None,
    )
    assert same(parameters.restore(parameters.start), x0)
    # Other points differ from it in what is free only, and complex ones in the imaginary part only.
    other = parameters.restore(parameters.start + 1)
    assert np.count_nonzero(ravel(other) == ravel(x0)) == size - len(parameters.start)
    shifted = parameters.units.spread(parameters.start + 1e-20j)
    assert np.array_equal(shifted.real, ravel(x0))
    assert np.count_nonzero(shifted.imag) == len(parameters.start)


@given(x0=trees, seed=seeds)
def test_slopes_come_back_by_the_chain_rule(x0, seed):
    rng = np.random.default_rng(seed)
    scale = 2.0 ** rng.integers(-5, 5, size=len(ravel(x0)))
    parameters = Parameters(
        x0, fixed=like(x0, iter(drawn_mask(x0, rng))), scale=like(x0, iter(scale)), bounds=(-1e9, 1e9)
    )
    slopes, z, step = rng.normal(size=len(scale)), parameters.start, rng.normal(size=len(parameters.start))
    change = parameters.units.spread(z + 1024 * step) - parameters.units.spread(z)
    # The map is linear: a long way is as good as a short one, and loses fewer digits.
    assert np.isclose(
        parameters.units.reduce(slopes) @ step * 1024, slopes @ change, rtol=1e-9, atol=1e-9 * 1024 * 32 * 30
    )


@given(x0=trees, seed=seeds)
def test_the_name_of_a_parameter_is_an_expression_that_gives_it(x0, seed):
    rng = np.random.default_rng(seed)
    parameters = Parameters(x0, fixed=like(x0, iter(drawn_mask(x0, rng))))
    problem = flat_problem(parameters, lambda x: 0.0)
    names = [problem.label(i) for i in range(len(parameters.start))]
    assert len(set(names)) == len(names)
    assert [problem.whole.label(i) for i in range(len(names))] == names
    rows = rng.permutation(len(names))
    assert [Block(problem.whole, parameters.start, rows).label(i) for i in range(len(rows))] == [names[i] for i in rows]
    marked = parameters.restore(np.arange(1000.0, 1000 + len(names)))
    assert [eval(name, {"x": marked}) for name in names] == list(range(1000, 1000 + len(names)))


def test_a_flat_array_goes_without_any_wrapper():
    assert type(flat_problem(Parameters(np.ones(3), bounds=(0, 1)), lambda x: 0.0)) is Problem
    seen = []
    run(lambda x: seen.append(x) or bowl(x), np.ones(3), own=bowl_gradient)
    assert all(x.base is None for x in seen)  # its own copy, no view of anything


# Fixed parameters


@settings(max_examples=30)
@given(x0=trees, seed=seeds, gradient=st.sampled_from(GRADIENTS), optimizer=st.sampled_from(list(OPTIMIZERS)))
def test_a_run_with_fixed_parameters_is_the_run_of_the_reduced_function(x0, seed, gradient, optimizer):
    rng = np.random.default_rng(seed)
    mask, whole = drawn_mask(x0, rng), ravel(x0)

    def embedded(z):
        x = whole.copy()
        x[~mask] = z
        return x

    kept = run(
        lambda x: bowl(ravel(x)), x0, gradient, lambda x: like(x0, iter(bowl_gradient(ravel(x)))), optimizer,
        fixed=like(x0, iter(mask)), bounds=(-100, 100),
    )  # fmt: skip
    reduced = run(
        lambda z: bowl(embedded(z)), whole[~mask], gradient, lambda z: bowl_gradient(embedded(z))[~mask], optimizer,
        bounds=(-100, 100),
    )  # fmt: skip
    assert np.array_equal(kept.history.fun, reduced.history.fun)
    assert same(kept.x, like(x0, iter(embedded(reduced.x))))
    assert (kept.nfev, kept.njev, kept.nit, kept.message) == (reduced.nfev, reduced.njev, reduced.nit, reduced.message)


def test_names_fix_whole_parts():
    x0 = {"w": np.ones((2, 2)), "layer": {"w": np.ones(2), "b": 0.5}, "rest": [np.zeros(2), 3.0]}
    for fixed, free in (
        (["w"], ["layer", "rest"]),
        (["w", "layer"], ["rest"]),
        ({"layer": ["b"], "w": True}, ["layer", "rest"]),
        ({"layer": {"w": True}, "rest": True}, ["w", "layer"]),
        ({"rest": [True, False]}, ["w", "layer", "rest"]),
        ({"rest": {1: True}}, ["w", "layer", "rest"]),
    ):
        names = [part.name for part in Parameters(x0, fixed=fixed).blocks]
        assert list(dict.fromkeys(name.split("'")[1] for name in names)) == free
    places = Parameters({"w": np.ones((2, 2))}, fixed={"w": [[True, False], [False, True]]})
    assert [label(places.blocks, i) for i in range(2)] == ["x['w'][0, 1]", "x['w'][1, 0]"]


def test_what_the_gradient_says_of_fixed_parameters_does_not_matter():
    x0, target = {"w": np.zeros(3), "b": 5.0}, np.array([1.0, 2.0, 3.0])

    def fun(x):
        return float(((x["w"] - target) ** 2).sum() + x["b"] ** 2)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = optikit.minimize(
            fun,
            x0,
            gradient=lambda x: {"w": 2 * (x["w"] - target), "b": np.nan},
            optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=0.2),
            fixed=["b"],
            check_gradient="raise",
        )
    assert result.success
    assert result.nfev_check > 0
    assert result.x["b"] == 5.0
    assert np.allclose(result.x["w"], target)


# Scales


@settings(max_examples=30)
@given(x0=trees, seed=seeds, gradient=st.sampled_from(GRADIENTS), optimizer=st.sampled_from(list(OPTIMIZERS)))
def test_a_run_scaled_by_powers_of_two_is_bitwise_that_of_the_function_scaled_by_hand(x0, seed, gradient, optimizer):
    rng = np.random.default_rng(seed)
    whole = ravel(x0)
    scale = 2.0 ** rng.integers(-3, 4, size=len(whole))
    low, high = whole - rng.random(len(whole)), whole + rng.random(len(whole))
    scaled = run(
        lambda x: bowl(ravel(x)), x0, gradient, lambda x: like(x0, iter(bowl_gradient(ravel(x)))), optimizer,
        scale=like(x0, iter(scale)), bounds=(like(x0, iter(low)), like(x0, iter(high))),
    )  # fmt: skip
    by_hand = run(
        lambda z: bowl(z * scale), whole / scale, gradient, lambda z: bowl_gradient(z * scale) * scale, optimizer,
        bounds=(low / scale, high / scale),
    )  # fmt: skip
    assert np.array_equal(scaled.history.fun, by_hand.history.fun)
    assert same(scaled.x, like(x0, iter(by_hand.x * scale)))
    assert (scaled.nfev, scaled.njev, scaled.nit) == (by_hand.nfev, by_hand.njev, by_hand.nit)


@settings(max_examples=50)
@given(
    seed=seeds, n=st.integers(1, 4), single=st.booleans(), optimizer=st.sampled_from(list(OPTIMIZERS)),
    gradient=st.sampled_from([*GRADIENTS, "complex-step"]),
)  # fmt: skip
def test_with_any_scale_start_and_bounds_are_kept_exactly(seed, n, single, gradient, optimizer):
    rng, asked = np.random.default_rng(seed), []
    dtype = np.dtype(np.float32 if single else np.float64)
    x0, scale = rng.normal(size=n).astype(dtype), np.exp(rng.normal(scale=3, size=n))
    low = np.where(rng.random(n) < 0.3, x0, x0 - 0.3 * rng.random(n).astype(dtype))
    high = np.where(rng.random(n) < 0.3, x0, x0 + 0.3 * rng.random(n).astype(dtype))

    def fun(x):
        asked.append(x["w"].real.copy())
        answer = (x["w"] ** 2).sum() + 3 * x["w"].sum()
        return complex(answer) if np.iscomplexobj(answer) else float(answer)

    result = run(
        fun, {"w": x0}, gradient, lambda x: {"w": 2 * x["w"] + 3}, optimizer,
        scale={"w": scale}, bounds={"w": (low, high)},
    )  # fmt: skip
    assert all(((x >= low) & (x <= high)).all() for x in asked)
    assert {x.dtype for x in asked} == {dtype}
    if optimizer == "gradient-descent" and gradient != "spsa":
        assert same(asked[0], x0)
    assert result.fun == fun(result.x)
    assert any(same(x, result.x["w"]) for x in asked[:-1])


@given(seed=seeds)
def test_a_minimum_at_a_bound_is_found_at_that_number(seed):
    rng = np.random.default_rng(seed)
    low, scale = rng.normal(size=4), np.exp(rng.normal(size=4))
    result = optikit.minimize(
        lambda x: float((x / scale).sum()), low + scale, gradient=lambda x: 1 / scale, scale=scale, bounds=(low, None),
        optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=0.3),
    )  # fmt: skip
    assert result.success
    assert same(result.x, low)


def test_a_step_of_one_is_one_scale():
    asked = []
    optikit.minimize(
        lambda x: asked.append(x) or float(x @ x), [0.0, 0.0], scale=[3.0, 0.1], gradient=lambda x: [-1 / 3, -10.0],
        optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=1.0), max_evals=2, check_gradient=False,
    )  # fmt: skip
    assert np.allclose(asked[1], [3.0, 0.1], rtol=1e-15)


def test_the_check_of_the_gradient_speaks_in_the_units_of_the_function():
    x0 = {"w": np.array([1.0, 2.0]), "b": 3.0}
    with pytest.raises(GradientError, match=r"x\['w'\]\[1\]: 8 given, 4 by differences"):
        optikit.minimize(
            lambda x: float(x["w"] @ x["w"] + x["b"]), x0, gradient=lambda x: {"w": 2 * x["w"] * [1, 2], "b": 1.0},
            fixed=["b"], scale={"w": [0.3, 70.0]}, check_gradient="raise", optimizer="gradient-descent",
        )  # fmt: skip


# Bounds by name


@given(x0=trees, seed=seeds)
def test_bounds_by_name_are_bounds_by_structure(x0, seed):
    rng = np.random.default_rng(seed)
    low, high = ravel(x0) - rng.random(len(ravel(x0))), ravel(x0) + rng.random(len(ravel(x0)))

    def named(x0, low, high):
        """Take the pair at a random depth."""
        if isinstance(x0, dict) and rng.random() < 0.8:
            return {key: named(x0[key], low[key], high[key]) for key in x0}
        if isinstance(x0, list) and rng.random() < 0.8:
            return {i: named(x0[i], low[i], high[i]) for i in range(len(x0))}
        return low, high

    sides = like(x0, iter(low)), like(x0, iter(high))
    by_structure = Parameters({"x": x0}, bounds=({"x": sides[0]}, {"x": sides[1]})).bounds
    by_name = Parameters({"x": x0}, bounds={"x": named(x0, *sides)}).bounds
    for one, other, wanted in zip(by_structure, by_name, (low, high), strict=True):
        assert same(one, other)
        assert same(one, wanted)


def test_what_is_missing_or_none_is_unbounded():
    x0 = {"w": np.ones(2), "b": 0.5, "c": 1.0}
    inf = np.inf
    for bounds, low, high in (
        ({"w": (0, 1), "b": (None, 5)}, [0, 0, -inf, -inf], [1, 1, 5, inf]),
        ({"w": (None, [1, 2]), "b": None}, [-inf] * 4, [1, 2, inf, inf]),
        (({"w": 0}, {"c": 4}), [0, 0, -inf, -inf], [inf, inf, inf, 4]),
        ((None, 7), [-inf] * 4, [7] * 4),
        (None, [-inf] * 4, [inf] * 4),
        ({}, [-inf] * 4, [inf] * 4),
    ):
        found = Parameters(x0, bounds=bounds).bounds
        assert (found[0].tolist(), found[1].tolist()) == (low, high)


# Names in messages and results


class Outside(Optimizer[State]):
    """Ask outside the bounds."""

    name = "outside"

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        return State(x=oracle.bounds[1] + np.eye(len(state.x))[-1] * oracle.value(oracle.bounds[1] + 1))


def test_messages_of_a_run_name_the_parameter():
    x0 = {"b": 0.5, "w": np.ones((2, 2))}
    with pytest.raises(ContractError, match=r"outside the bounds was asked for: x\['w'\]\[0, 1\] = 3"):
        optikit.minimize(lambda x: 0.0, x0, optimizer=Outside(), bounds=(-2, 2), fixed={"b": True, "w": np.eye(2) > 0})
    answer = {"b": 1.0, "w": np.array([[0.0, 1.0], [np.nan, 0.0]])}
    for fixed, scale in ((None, None), (["b"], 3.0)):
        with pytest.raises(ObjectiveError, match=r"the gradient is nan at x\['w'\]\[1, 0\], where the value"):
            optikit.minimize(
                lambda x: 0.0, x0, optimizer="gradient-descent", gradient=lambda x: answer, fixed=fixed, scale=scale
            )


@pytest.mark.parametrize(
    "name", ["central-difference", "forward-difference", "random-coordinates", "spsa", "richardson"]
)
def test_a_step_lost_in_rounding_is_refused_by_name(name):
    fields = {"block": 1} if name == "random-coordinates" else {}
    gradient = optikit.get("gradient", name, h=1e-9, **fields)
    with pytest.raises(InputError, match=r"does not change x\['w'\]\[0, 1\] = 1e\+09; give a larger h"):
        optikit.minimize(
            lambda x: 0.0, {"b": 0.5, "w": [[0.0, 1e9]]}, optimizer="gradient-descent", gradient=gradient, fixed=["b"]
        )


def test_a_model_names_its_parameters():
    model = optikit.get("model", "mlp", layers=[2, 3, 1])
    problem = Problem.of(model, optikit.get("loss", "mean-squared-error"), np.ones((4, 2)), np.ones((4, 1)))
    names = [problem.label(i) for i in range(problem.n)]
    assert len(set(names)) == problem.n
    assert {name.rpartition("[")[0] for name in names} == set(model.shapes())


def test_the_callback_sees_what_the_function_takes():
    x0, seen = {"w": np.ones(2), "b": 0.5}, []

    def callback(progress):
        seen.append(progress.x["w"].copy())
        assert progress.x["b"] == 0.5
        progress.x["w"][:] = np.nan  # it is a copy

    result = run(
        lambda x: float(x["w"] @ x["w"]), x0, own=lambda x: {"w": 2 * x["w"], "b": 0.0}, fixed=["b"], scale=0.3,
        callback=callback,
    )  # fmt: skip
    assert len(seen) == result.nit
    assert np.isfinite(seen).all()


def test_the_result_is_printed_by_name():
    result = run(lambda x: 0.0, {"w": np.ones((2, 2)), "layer": {"b": 0.5}}, own=lambda x: x)
    lines = str(result).splitlines()
    assert lines[1:4] == ["         x['w']: [[1. 1.]", 18 * " " + "[1. 1.]]", "x['layer']['b']: 0.5"]
    assert str(run(lambda x: 0.0, [0.0] * 30, own=lambda x: x)).count("\n") == 3
    many = str(run(lambda x: 0.0, [np.ones(1)] * 30, own=lambda x: x))
    assert "x[9]: [1.]" in many
    assert "x[10]" not in many
    assert "...: and 20 more" in many


BAD = [
    ({"bounds": {"ww": (0, 1)}}, r"bounds: x has no part 'ww'; did you mean 'w'\?"),
    ({"bounds": {"layer": {"d": (0, 1)}}}, r"bounds: x\['layer'\] has no part 'd'"),
    ({"bounds": ({"v": 0}, 1)}, "the lower bound: x has no part 'v'"),
    ({"bounds": {"w": (2, 1)}}, r"the lower bound 2 of x\['w'\]\[0\] is above its upper bound 1"),
    ({"bounds": {"w": (0, np.ones(3))}}, r"the upper bound of x\['w'\] is .*; pass a number, or .* of shape \(2,\)"),
    ({"bounds": {"w": (0, "a")}}, r"the upper bound of x\['w'\] is 'a'; pass a number"),
    ({"bounds": {"w": 3}}, r"the bounds 3 do not fit x\['w'\]; pass a pair \(low, high\)"),
    ({"bounds": {"w": (0, np.nan)}}, r"a bound of x\['w'\]\[0\] is NaN"),
    ({"bounds": {"layer": {"b": (5, 6)}}}, r"x0 is 0.5 at x\['layer'\]\['b'\], outside its bounds \[5, 6\]"),
    ({"bounds": {"layer": {"b": (5, 6)}}, "fixed": ["layer"]}, r"x0 is 0.5 at x\['layer'\]\['b'\], outside"),
    ({"bounds": [(0, 1), (0, 1)]}, r"SciPy's pairs"),
    ({"x0": [1.0, 2.0], "bounds": {0: (0, 1), 1: (0, 1)}}, "do not fit"),
    ({"fixed": ["v"]}, "fixed: x has no part 'v'"),
    ({"fixed": {"w": ["a"]}}, r"fixed of x\['w'\] is \['a'\]; pass True or False"),
    ({"fixed": "w"}, "fixed of x is 'w'; pass True or False.* or a list of names"),
    ({"fixed": 1}, "fixed of x is 1"),
    ({"fixed": [["w"]]}, "fixed: x has no part"),
    ({"fixed": {"w": [True]}}, r"fixed of x\['w'\] is \[True\]"),
    ({"fixed": {"rest": [True]}}, r"fixed of x\['rest'\] has 1 items; pass 2"),
    ({"fixed": ["w", "layer", "rest"]}, "all parameters are fixed"),
    ({"x0": [1.0, 2.0], "fixed": [0]}, r"fixed of x is \[0\]; pass True or False, or an array of them of shape \(2,\)"),
    ({"x0": [1.0, 2.0], "fixed": [True, True]}, "all parameters are fixed"),
    ({"scale": 0}, r"the scale of x\['w'\]\[0\] is 0; pass a positive number"),
    ({"scale": {"layer": -1.0}}, r"the scale of x\['layer'\]\['b'\] is -1; pass a positive number"),
    ({"scale": {"w": [1, np.nan]}}, r"the scale of x\['w'\]\[1\] is nan"),
    ({"scale": {"w": [1, np.inf]}}, r"the scale of x\['w'\]\[1\] is inf"),
    ({"scale": {"v": 1}}, "scale: x has no part 'v'"),
    ({"scale": "big"}, "scale of x is 'big'"),
    ({"scale": {"w": True}}, r"scale of x\['w'\] is True; pass a number"),
    ({"scale": ["w"]}, r"scale of x is \['w'\]; pass a number"),
    ({"scale": {"w": [1, 2, 3]}}, r"scale of x\['w'\] is \[1, 2, 3\]"),
    ({"scale": {"w": 1e-320}}, r"x0 is 1 at x\['w'\]\[0\], too much for a scale of"),
    ({"x0": {"w": [1.0, np.nan]}}, r"x0\['w'\]\[1\] is nan; start from finite numbers"),
    ({"fun": Problem(lambda x: 0.0), "gradient": None, "fixed": ["w"]}, "fun is a Problem, which takes a vector"),
]


def test_a_masked_start_is_refused_as_its_mask_would_be_dropped():
    for x0, where in [(np.ma.array([1.0, 2.0], mask=[0, 1]), "x0"), ({"w": np.ma.array([1.0])}, r"x0\['w'\]")]:
        with pytest.raises(InputError, match=f"{where} is a masked array; pass a plain one"):
            optikit.minimize(lambda x: 0.0, x0, optimizer="random-search", bounds=(0, 3))


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=lambda value: str(value).partition(" at 0x")[0])
def test_bad_input_is_one_sentence_that_names_the_parameter_and_no_evaluation(arguments, said):
    calls = []
    good = {
        "fun": lambda x: calls.append(1) or 0.0, "optimizer": "gradient-descent", "gradient": "central-difference",
        "x0": {"w": np.ones(2), "layer": {"b": 0.5}, "rest": [np.zeros(2), 3.0]}, "max_evals": 10,
    }  # fmt: skip
    with pytest.raises(InputError, match=said) as caught:
        optikit.minimize(**{**good, **arguments})
    assert "\n" not in str(caught.value)
    assert not calls


@given(seed=seeds, power=st.integers(-3, 3))
def test_constraints_speak_of_the_users_parameters_whatever_is_fixed_or_scaled(seed, power):
    """A run of four numbers by name, of which one is fixed, ends where that of the three by hand does."""
    rng = np.random.default_rng(seed)
    rows, bottom, kept, scale = rng.normal(size=(2, 4)), rng.normal(size=4), rng.normal(), 2.0**power
    limit = rows @ np.append(rng.uniform(-0.5, 0.5, size=3), kept) + 0.1

    def distance(x):
        return float((x - bottom) @ (x - bottom))

    def run(fun, x0, constraints, **options):
        result = optikit.minimize(
            fun, x0, optimizer="scipy-slsqp", gradient="central-difference", constraints=constraints, **options
        )
        assert result.success
        return result.x

    found = run(
        lambda p: distance(np.array([*p["a"], p["b"]["c"], p["b"]["d"]])),
        {"a": np.zeros(2), "b": {"c": 0.0, "d": kept}},
        [
            optikit.LinearConstraint({"a": rows[:, :2], "b": {"c": rows[:, 2], "d": rows[:, 3]}}, upper=limit),
            optikit.NonlinearConstraint(lambda p: p["a"] @ p["a"] + p["b"]["d"], upper=kept + 1),
        ],
        fixed={"b": ["d"]},
        scale={"a": scale, "b": {"c": scale}},
    )
    wanted = run(
        lambda z: distance(np.append(z * scale, kept)),
        np.zeros(3),
        [
            optikit.LinearConstraint(rows[:, :3] * scale, upper=limit - rows[:, 3] * kept),
            optikit.NonlinearConstraint(lambda z: (z[:2] * scale) @ (z[:2] * scale) + kept, upper=kept + 1),
        ],
    )
    assert found["b"]["d"] == kept
    assert np.allclose([*found["a"], found["b"]["c"]], wanted * scale, rtol=1e-4, atol=1e-4)


def test_a_matrix_in_another_structure_is_refused_before_anything_is_asked():
    for matrix, said in (
        ({"b": [1.0]}, r"constraints\[0\]: A has the key 'b', which x0 has not"),
        ({"a": [[1.0, 2.0, 3.0]]}, r"constraints\[0\]: A\['a'\]"),
        ({"a": [["x", "y"]]}, "A is no array of numbers"),
    ):
        with pytest.raises(InputError, match=said):
            optikit.minimize(
                lambda p: pytest.fail("asked"), {"a": np.zeros(2)}, optimizer="scipy-slsqp",
                constraints=optikit.LinearConstraint(matrix, upper=1.0),
            )  # fmt: skip
