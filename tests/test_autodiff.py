"""Automatic differentiation: exact for whatever a library can follow, and never wrong without a word.

Tests that need a library are skipped where it is not installed; CI installs all three and allows no skip.
"""

import gc
import math
import warnings
import weakref
from contextlib import suppress
from importlib import import_module

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, Problem, StopReason
from optikit.mapped import flat_problem
from optikit.parameters import Parameters
from optikit.structure import flatten_like
from optikit.testing import checks, examine, posed

LIBRARIES = {"autograd": "autograd.numpy", "jax": "jax.numpy", "torch": "torch"}
for namespace in LIBRARIES.values():
    with suppress(ImportError):
        import_module(namespace)  # here, as importing JAX moves NumPy's global generator, which no test may

# A library is set up once, not for every example; and to compile takes JAX a twentieth of a second.
once = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Library:
    """One of the libraries: its namespace, and functions written in it."""

    def __init__(self, name):
        self.name, self.np = name, pytest.importorskip(LIBRARIES[name])

    def array(self, x):
        """Begin a function as the documentation says."""
        return self.np.as_tensor(x) if self.name == "torch" else x

    def gradient(self, **fields):
        return optikit.get("gradient", self.name, **fields)

    def oracle(self, problem, x):
        return optikit.Oracle(problem, x, gradient=self.gradient())

    def minimize(self, fun, x0=(1.0, 2.0), gradient=None, **options):
        return optikit.minimize(
            fun, x0 if isinstance(x0, dict) else np.asarray(x0), gradient=gradient or self.gradient(),
            optimizer=optikit.get("optimizer", "gradient-descent", learning_rate=0.1), **options,
        )  # fmt: skip


@pytest.fixture(params=LIBRARIES)
def library(request):
    made = Library(request.param)
    if made.name != "jax":
        yield made
        return
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield made
    jax.config.update("jax_enable_x64", before)


only_jax = pytest.mark.parametrize("library", ["jax"], indirect=True)
only_torch = pytest.mark.parametrize("library", ["torch"], indirect=True)


def test_the_suite_of_estimators_is_passed(library):
    subject = posed(library.gradient(), examples=5)
    report = examine(subject, checks(subject))
    assert report.passed, report
    assert report.checks == 13


def rosenbrock(xp, x):
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x):
    g, bend = np.zeros_like(x), x[1:] - x[:-1] ** 2
    g[1:] += 200 * bend
    g[:-1] -= 400 * x[:-1] * bend + 2 * (1 - x[:-1])
    return g


def elements_gradient(x):
    g = np.zeros_like(x)
    g[0] += x[1] ** 2
    g[1] += 2 * x[0] * x[1]
    g[-1] += np.exp(x[-1])
    return g


SMOOTH = {
    "sphere": (lambda xp, x: xp.sum(x * x), lambda x: 2 * x, 4),
    "rosenbrock": (rosenbrock, rosenbrock_gradient, 5000),
    "elements": (lambda xp, x: x[0] * x[1] ** 2 + xp.exp(x[-1]), elements_gradient, 20),
    # Rounding of an argument of size 14 or 18 goes into the result.
    "fast sine": (lambda xp, x: xp.sum(xp.sin(7 * x)), lambda x: 7 * np.cos(7 * x), 7 * 14),
    "bell": (lambda xp, x: xp.exp(-xp.sum(x * x)), lambda x: -2 * x * np.exp(-np.sum(x * x)), 18),
    "tanh": (lambda xp, x: xp.sum(xp.tanh(x)), lambda x: 1 / np.cosh(x) ** 2, 1),
    "logistic": (lambda xp, x: xp.sum(xp.log(1 + xp.exp(x))), lambda x: 1 / (1 + np.exp(-x)), 1),
    "softmax": (lambda xp, x: xp.log(xp.sum(xp.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x)), 1),
    "root": (lambda xp, x: xp.sum(xp.sqrt(1 + x * x)), lambda x: x / np.sqrt(1 + x * x), 2),
    "cauchy": (lambda xp, x: xp.log(1 + xp.sum(x * x)), lambda x: 2 * x / (1 + np.sum(x * x)), 4),
    "constant slope": (lambda xp, x: x[0] - 3 * x[-1], lambda x: np.eye(len(x))[0] - 3 * np.eye(len(x))[-1], 3),
}
"""Name: (function of a namespace and x, its gradient, the largest term of it for coordinates between -2 and 2)."""

# Few functions, few shapes: JAX compiles each combination.
points = st.tuples(st.integers(0, 2**32 - 1), st.integers(2, 5), st.sampled_from(["float64", "float32"]))


def drawn(point):
    seed, n, dtype = point
    return np.random.default_rng(seed).uniform(-1.9, 1.9, size=n).astype(dtype)


@pytest.mark.parametrize("function", SMOOTH)
@once
@given(point=points)
def test_gradients_are_exact_at_the_cost_of_one_evaluation(library, function, point):
    fun, exact, size = SMOOTH[function]
    x = drawn(point)
    kept = x.copy()
    oracle = library.oracle(Problem(lambda x: fun(library.np, library.array(x))), x)
    value, gradient = oracle.value_and_grad(x)
    # A few dozen roundings of the largest term.
    tolerance = 32 * np.finfo(x.dtype).eps * size
    wide = x.astype(np.float64)
    assert abs(gradient - exact(wide)).max() <= tolerance
    assert abs(value - fun(np, wide)) <= tolerance * (1 + abs(fun(np, wide)))
    assert gradient.dtype == x.dtype
    assert type(value) is float
    assert np.array_equal(x, kept)
    assert (oracle.nfev, oracle.njev, len(oracle.history)) == (1, 1, 1)
    assert library.gradient().cost(len(x)) == 1
    assert np.array_equal(oracle.best[1], x)


@once
@given(point=points)
def test_structures_keep_their_trace(library, point):
    rng = np.random.default_rng(point[0])
    x0 = {"w": rng.normal(size=(2, 3)), "b": float(rng.normal()), "rest": [rng.normal(size=2), 0.5]}
    seen = []

    def fun(p):
        seen.append(p["w"].shape)
        w, b, (u, c) = library.array(p["w"]), p["b"], p["rest"]
        return library.np.sum(library.np.sin(w)) * b + library.np.sum(library.array(u) ** 2) * c + c**3

    parameters = Parameters(x0)
    _, gradient = library.oracle(flat_problem(parameters, fun), parameters.start).value_and_grad(parameters.start)
    w, b, (u, c) = x0["w"], x0["b"], x0["rest"]
    exact = {"w": np.cos(w) * b, "b": np.sin(w).sum(), "rest": [2 * u * c, (u**2).sum() + 3 * c**2]}
    assert np.allclose(gradient, flatten_like(exact, x0, "it"), rtol=1e-13, atol=1e-13)
    assert set(seen) == {(2, 3)}


@once
@given(point=points)
def test_fixed_and_scaled_parameters_need_nothing_of_the_library(library, point):
    rng = np.random.default_rng(point[0])
    x0 = {"w": rng.normal(size=(2, 3)), "b": float(rng.normal()), "c": -0.0}
    mask, scale = rng.random((2, 3)) < 0.5, np.exp(rng.normal(size=(2, 3)))
    mask[0, 0] = False

    def fun(p):
        return library.np.sum(library.np.sin(library.array(p["w"]))) * p["b"] + p["c"]

    parameters = Parameters(x0, fixed={"w": mask, "c": True}, scale={"w": scale})
    oracle = library.oracle(flat_problem(parameters, fun), parameters.start)
    value, gradient = oracle.value_and_grad(parameters.start)
    exact = [*(np.cos(x0["w"]) * x0["b"] * scale)[~mask], np.sin(x0["w"]).sum()]
    assert np.allclose(gradient, exact, rtol=1e-13, atol=1e-13)
    assert np.isclose(value, np.sin(x0["w"]).sum() * x0["b"], rtol=1e-13, atol=1e-14)
    assert oracle.nfev == 1


def test_minimize_speaks_the_structure_and_counts_an_evaluation_a_step(library):
    def fun(p):
        return (p["a"] - 1.5) ** 2 + library.np.sum((library.array(p["b"]) - 2) ** 2)

    result = library.minimize(fun, {"a": 0.0, "b": np.zeros((2, 2))})
    assert result.success
    assert isinstance(result.x["a"], float)
    assert abs(result.x["a"] - 1.5) < 1e-7
    assert result.x["b"].shape == (2, 2)
    assert abs(result.x["b"] - 2).max() < 1e-7
    assert result.nfev == result.njev == result.nit


def test_a_run_goes_the_way_of_the_exact_gradient_and_keeps_budget_and_bounds(library):
    def fun(x):
        return library.np.sum((library.array(x) - 0.7) ** 2)

    mine, exact = (
        library.minimize(fun if gradient is None else lambda x: np.sum((x - 0.7) ** 2), gradient=gradient, max_evals=7)
        for gradient in (None, lambda x: 2 * (x - 0.7))
    )
    assert (mine.nfev, mine.reason) == (7, StopReason.MAX_EVALS)
    assert np.allclose(mine.history.fun, exact.history.fun, rtol=1e-12)
    oracle = library.oracle(Problem(fun, bounds=(-1, 1)), np.zeros(2))
    with pytest.raises(optikit.stop.Unwind, match="outside the bounds"):
        oracle.value_and_grad(np.array([0.0, 2.0]))
    assert oracle.nfev == 0


def test_optimizers_that_ask_for_values_alone_take_the_same_function(library):
    def fun(x):
        return library.np.sum(library.array(x) ** 2)

    result = optikit.minimize(fun, [1.0, 1.0], optimizer="random-search", bounds=(-1, 1), max_evals=30, rng=0)
    assert result.fun == pytest.approx(float(result.x @ result.x), rel=1e-15)
    with pytest.raises(ObjectiveError, match=r"returned an array of shape \(2,\); it must return one real number"):
        optikit.minimize(lambda x: library.array(x) * 2, [1.0, 1.0], optimizer="random-search", bounds=(-1, 1))


@only_torch
def test_a_value_may_have_a_gradient_of_its_own_and_keeps_it(library):
    weight = library.np.ones(2, dtype=library.np.float64, requires_grad=True)

    def fun(x):
        return library.np.sum(weight * library.array(x) ** 2)

    assert Problem(fun).at(0).value(np.array([1.0, 2.0])) == 5
    with pytest.raises(ObjectiveError, match="returned an array of shape"):
        Problem(lambda x: weight * library.array(x)).at(0).value(np.ones(2))
    _, gradient = library.oracle(Problem(fun), np.ones(2)).value_and_grad(np.array([1.0, 2.0]))
    assert np.array_equal(gradient, [2, 4])
    assert weight.grad is None, "somebody else's gradient was written to"


@only_torch
def test_a_torch_function_may_write_into_its_argument_and_gradients_may_be_off(library):
    def fun(x):
        x = library.array(x)
        x *= 3
        return (x**2).sum()

    x = np.array([1.0, 2.0])
    with library.np.no_grad():
        value, gradient = library.oracle(Problem(fun), x).value_and_grad(x)
    assert value == 45
    assert np.array_equal(gradient, 18 * x)
    assert np.array_equal(x, [1, 2])


def zero(library, x):
    return library.np.sum(0 * library.array(x)) + 3.0


def test_a_flat_function_has_a_gradient_of_zero(library):
    value, gradient = library.oracle(Problem(lambda x: zero(library, x)), np.ones(2)).value_and_grad(np.ones(2))
    assert (value, gradient.tolist()) == (3, [0, 0])


def test_a_function_that_does_not_look_at_x_is_told_apart_where_it_can_be(library):
    oracle = library.oracle(Problem(lambda x: 3.0), np.ones(2))
    if library.name == "torch":
        with pytest.raises(optikit.stop.Unwind, match="no gradient, so it left torch on the way"):
            oracle.value_and_grad(np.ones(2))
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert oracle.value_and_grad(np.ones(2))[1].tolist() == [0, 0]
    said = ["Output seems independent of input."] if library.name == "autograd" else []
    assert [str(warning.message) for warning in caught] == said


WRONG = {
    "NumPy": ({"jax", "torch"}, lambda xp, x: np.sin(x).sum()),
    "an array of NumPy": ({"autograd", "jax", "torch"}, lambda xp, x: np.asarray(x, dtype=float).sum()),
    "linear algebra of NumPy": ({"autograd", "jax", "torch"}, lambda xp, x: np.linalg.inv(np.eye(2) * x[0])[0, 0]),
    "math": ({"autograd", "jax", "torch"}, lambda xp, x: math.sin(x[0])),
    "math in a part": ({"autograd", "jax", "torch"}, lambda xp, x: math.sin(x[0]) + xp.sum(x**2)),
    "float": ({"autograd", "jax", "torch"}, lambda xp, x: float(x[0]) * x[1]),
    "filling": ({"autograd", "jax", "torch"}, lambda xp, x: np.array([float(x[0]), 1]).sum()),
    "item": ({"autograd", "jax"}, lambda xp, x: x[0].item() * x[1]),
    "tolist": ({"autograd", "jax"}, lambda xp, x: sum(x.tolist())),
    "methods of NumPy": ({"torch"}, lambda xp, x: x.astype(float).sum()),
}


@pytest.mark.parametrize("way", WRONG)
def test_a_function_that_leaves_the_library_is_one_sentence_each_time(library, way):
    affected, fun = WRONG[way]
    if library.name not in affected:
        return  # the library follows it, or takes it as meant
    for _ in range(2):  # torch warns once a process only
        with pytest.raises(ObjectiveError) as caught:
            library.minimize(lambda x: fun(library.np, x))
        said = str(caught.value)
        assert said.startswith(f"the objective is not written in {library.name} (")
        assert said.endswith(f"); write it with {LIBRARIES[library.name]}, or pass gradient='central-difference'")
        assert "\n" not in said
        assert caught.value.__cause__ is not None, "the library's own words are lost"
        assert caught.value.result.nfev == 0


@only_torch
@pytest.mark.parametrize("way", ["detach", "item", "tolist", "tensor", "no_grad", "unused"])
def test_a_result_without_a_gradient_is_an_error(library, way):
    torch = library.np
    fun = {
        "detach": lambda x: x.detach().sum(),
        "item": lambda x: x[0].item() + x[1].item(),
        "tolist": lambda x: sum(x.tolist()),
        "tensor": lambda x: torch.tensor(x.tolist()).sum(),
        "no_grad": torch.no_grad()(lambda x: x.sum()),
        "unused": lambda x: torch.ones(1, requires_grad=True).sum(),
    }[way]
    with pytest.raises(ObjectiveError, match=r"no gradient, so it left torch on the way .* or does not depend on x; "):
        library.minimize(fun)


@pytest.mark.parametrize(
    ("fun", "said"),
    [
        (lambda xp, x: x, r"an array of shape \(2,\)"),
        (lambda xp, x: x[:1], r"an array of shape \(1,\)"),
        (lambda xp, x: None, "something of type NoneType"),
        (lambda xp, x: 3, "something of type int"),
        (lambda xp, x: True, "something of type bool"),
        (lambda xp, x: "3.0", "something of type str"),
        (lambda xp, x: [1.0], "something of type list"),
        (lambda xp, x: xp.sum(x) * 1j, "something of type .*complex128"),
        (lambda xp, x: xp.sum(x > 0), r"something of type .*int\d+"),
    ],
)
def test_an_answer_that_is_no_real_number_is_an_error(library, fun, said):
    with pytest.raises(ObjectiveError, match=f"returned {said}; it must return one real floating-point number"):
        library.minimize(lambda x: fun(library.np, x))


def test_what_the_function_raises_goes_through_with_the_partial_result(library):
    calls = []

    def fun(x):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError("boom")
        return library.np.sum(library.array(x) ** 2)

    gradient = library.gradient(jit=False) if library.name == "jax" else None
    with pytest.raises(ZeroDivisionError, match="boom") as caught:
        library.minimize(fun, gradient=gradient)
    assert caught.value.result.nfev == 2


def test_nan_counts_as_infinity_and_a_slope_that_is_not_finite_is_an_error(library):
    with np.errstate(all="ignore"):
        oracle = library.oracle(Problem(lambda x: library.np.sum(library.np.log(library.array(x)))), np.ones(1))
        assert oracle.value_and_grad(-np.ones(1))[0] == math.inf
        assert oracle.nans == 1
        with pytest.raises(ObjectiveError, match=r"the gradient is inf at x\[1\], where the value, 1, is finite"):
            library.minimize(lambda x: library.np.sum(library.np.sqrt(library.array(x))), [1.0, 0.0])
        with pytest.raises(ObjectiveError, match="-inf at evaluation 1"):
            library.minimize(lambda x: library.np.sum(library.np.log(library.array(x))), [1.0, 0.0])


def test_a_model_with_data_is_refused(library):
    model, loss = optikit.get("model", "linear", inputs=2), optikit.get("loss", "mean-squared-error")
    with pytest.raises(InputError, match="no function that a library could differentiate; pass gradient='analytic'"):
        optikit.fit(model, loss, (np.ones((3, 2)), np.ones((3, 1))), optimizer="gradient-descent",
                    gradient=library.name, epochs=1)  # fmt: skip


# JAX


@only_jax
def test_a_function_is_traced_once_a_run(library):
    traced = []

    def fun(x):
        traced.append(type(x))
        return library.np.sum(x**2)

    assert library.minimize(fun, max_steps=10).njev == 10
    assert len(traced) == 1
    library.minimize({"a": fun}["a"], np.ones(2), max_steps=10)
    library.minimize(lambda p: fun(p["a"]), {"a": np.ones(2)}, max_steps=10)
    assert len(traced) == 3
    library.minimize(fun, gradient=library.gradient(jit=False), max_steps=10)
    assert len(traced) == 13


@only_jax
def test_what_a_function_reads_is_read_anew_by_every_run(library):
    target = [1.0]

    def fun(x):
        return library.np.sum((x - target[0]) ** 2)

    for value in (1.0, 5.0):
        target[0] = value
        assert abs(library.minimize(fun).x - value).max() < 1e-7


@only_jax
def test_what_was_compiled_is_forgotten_with_the_run(library):
    class Scaled:
        def __call__(self, x):
            return library.np.sum(x**2)

    fun = Scaled()
    watched = weakref.ref(fun)
    library.minimize(fun, max_steps=3)
    del fun
    gc.collect()
    assert watched() is None


@only_jax
@pytest.mark.parametrize(
    "fun",
    [
        lambda jnp, x: jnp.sum(x) if x[0] > 0 else -jnp.sum(x),
        lambda jnp, x: jnp.sum(x[x > 0]),
        lambda jnp, x: [x[0], 2 * x[1]][(x[0] > 0).astype(int)],
    ],
    ids=["branch", "mask", "choice"],
)
def test_branches_on_values_need_jit_off(library, fun):
    with pytest.raises(ObjectiveError, match=r"by values, which a compiled function cannot; set jit = false, or write"):
        library.minimize(lambda x: fun(library.np, x))
    assert library.minimize(lambda x: fun(library.np, x), gradient=library.gradient(jit=False), max_steps=2).nfev == 2


@only_jax
def test_float64_is_never_rounded_to_float32_without_a_word(library):
    import jax

    jax.config.update("jax_enable_x64", False)
    calls = []

    def fun(x):
        calls.append(1)
        return library.np.sum(x**2)

    with pytest.raises(InputError, match=r"call jax.config.update\('jax_enable_x64', True\) first, or pass a float32"):
        library.minimize(fun)
    assert not calls
    result = library.minimize(fun, np.ones(2, dtype=np.float32), max_steps=3)
    assert result.x.dtype == np.float32


# Whatever the library


def doubled(fun, x):
    """Differentiate the sphere, and no other function."""
    value, gradient = fun(x), 2 * x
    x[:] = math.nan
    return value, gradient


def test_a_rule_gets_one_function_for_a_problem_and_a_point_of_its_own():
    got, fun, x = [], lambda x: float(x @ x), np.array([1.0, 2.0])

    def rule(fun, x):
        got.append(fun)
        return doubled(fun, x)

    for _ in range(2):
        objective = Problem(fun).at(0)
        for _ in range(2):
            value, gradient = objective.differentiated(rule, x)
            assert value == 5
            assert np.array_equal(gradient, [2, 4])
    assert np.array_equal(x, [1, 2])
    assert got[0] is got[1]
    assert got[2] is got[3]
    assert got[0] is not got[2]
    assert got[0](x) == 5


class ByRule(optikit.GradientEstimator):
    """Takes the rule above."""

    name = "by-rule"

    def value_and_grad(self, objective, x, rng):
        return objective.differentiated(doubled, x)


@given(max_evals=st.integers(1, 20))
def test_a_rule_costs_an_evaluation_and_keeps_the_budget(max_evals):
    result = optikit.minimize(
        lambda x: float(x @ x), [1.0, 2.0], optimizer=optikit.get("optimizer", "gradient-descent", gtol=0),
        gradient=ByRule(), max_evals=max_evals,
    )  # fmt: skip
    assert result.nfev == result.njev == max_evals
    assert result.fun == result.history.fun.min() == result.x @ result.x


def test_the_value_of_a_rule_is_checked_like_every_value():
    with pytest.raises(ObjectiveError, match="must return one real number"):
        optikit.minimize(lambda x: x, [1.0, 2.0], optimizer="gradient-descent", gradient=ByRule())
    with pytest.raises(ObjectiveError, match="-inf at evaluation 1"):
        optikit.minimize(lambda x: -math.inf, [1.0, 2.0], optimizer="gradient-descent", gradient=ByRule())


def test_a_number_of_a_structure_is_a_plain_number_without_a_trace():
    seen = []
    x0 = {"a": 1.0, "b": np.ones(2, dtype=np.float32)}
    optikit.minimize(lambda p: seen.append(type(p["a"])) or p["a"] ** 2, x0, optimizer="gradient-descent",
                     gradient="complex-step", max_steps=1)  # fmt: skip
    assert set(seen) == {float, complex}


class Scalar:
    """A number of another library, which NumPy cannot read."""

    shape = ()

    def __array__(self, *args, **kwargs):
        raise TypeError("not on this device")

    def item(self):
        return 1.5


def test_a_number_of_another_library_is_a_value():
    assert Problem(lambda x: Scalar()).at(0).value(np.ones(1)) == 1.5
