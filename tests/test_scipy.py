"""SciPy's optimizers: each option is known to SciPy, and everything that optikit promises holds for all of them."""

import inspect
import json
import math
import os
import signal
import sys
import warnings
from typing import get_args

import numpy as np
import pytest
from functions import SMOOTH
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import optikit
from optikit import Failures, InputError, StopReason, catalogue, page
from optikit.cli import main

optimize = pytest.importorskip("scipy.optimize")

CLASSES = {name: cls for name, cls in optikit.components("optimizer").items() if name.startswith("scipy-")}
if tuple(map(int, sys.modules["scipy"].__version__.split(".")[:2])) < (1, 14):
    del CLASSES["scipy-cobyqa"]  # it says so, see below
NAMES = sorted(CLASSES)
BY_GRADIENT = ["scipy-bfgs", "scipy-cg", "scipy-lbfgsb", "scipy-newton-cg", "scipy-slsqp", "scipy-tnc",
               "scipy-trust-constr"]  # fmt: skip
BY_HESSIAN = ["scipy-dogleg", "scipy-trust-exact", "scipy-trust-krylov", "scipy-trust-ncg"]
BY_VALUES = sorted({"scipy-cobyla", "scipy-cobyqa", "scipy-nelder-mead", "scipy-powell"} & set(NAMES))
GLOBAL = ["scipy-basinhopping", "scipy-differential-evolution", "scipy-direct", "scipy-dual-annealing", "scipy-shgo"]
UNBOUNDED = ["scipy-bfgs", "scipy-cg", "scipy-cobyla", "scipy-newton-cg", *BY_HESSIAN]
BOUNDED = sorted(set(NAMES) - set(UNBOUNDED))
BOXED = sorted(set(GLOBAL) - {"scipy-basinhopping"})

every = pytest.mark.parametrize("name", NAMES)


def method(name):
    return next(m for m in ("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA",
                            "SLSQP", "trust-constr", "dogleg", "trust-exact", "trust-krylov", "trust-ncg")
                if m.lower() == name.removeprefix("scipy-").replace("lbfgsb", "l-bfgs-b"))  # fmt: skip


class Quadratic:
    """A seeded quadratic with its minimum, 0, inside the box from -2 to 2; it notes where it was asked."""

    def __init__(self, seed=0, n=4, condition=1e3):
        rng = np.random.default_rng(seed)
        basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
        self.matrix = basis @ np.diag(np.geomspace(1, condition, n)) @ basis.T
        self.minimum, self.points, self.values = rng.uniform(-1, 1, n), [], []

    def __call__(self, x):
        d = x - self.minimum
        self.points.append(x.copy())
        self.values.append(float(d @ self.matrix @ d / 2))
        x[:] = np.nan  # what an objective may do
        return self.values[-1]

    def gradient(self, x):
        gradient = self.matrix @ (x - self.minimum)
        x[:] = np.nan
        return gradient


def minimize(name, fun, x0=(0.0, 0.0, 0.0, 0.0), bounds="default", **arguments):
    """Minimise a quadratic; in the box if the optimizer can."""
    if bounds == "default":
        bounds = (-2.0, 2.0) if name in BOUNDED else None
    optimizer = arguments.pop("optimizer", name)
    given = {"rng": 1, "max_evals": 3000, "gradient": getattr(fun, "gradient", None), "check_gradient": False}
    return optikit.minimize(fun, np.array(x0), optimizer=optimizer, bounds=bounds, **{**given, **arguments})


def test_all_methods_of_minimize_and_all_global_ones_are_there():
    assert sorted([*BY_GRADIENT, *BY_HESSIAN, *BY_VALUES, *GLOBAL]) == NAMES
    assert len({*NAMES, "scipy-cobyqa"}) == 20


# Options


SET = {
    "scipy-cg": {"norm": 2.0}, "scipy-bfgs": {"norm": 2.0, "xrtol": 1e-9}, "scipy-cobyqa": {"f_target": -1e9},
    "scipy-tnc": {"maxCGit": 3, "eta": 0.3, "stepmx": 5.0, "accuracy": 1e-9, "minfev": -1.0, "ftol": 1e-9, "xtol": 1e-9,
                  "gtol": 1e-9, "rescale": 1.0},
    "scipy-shgo": {"local_iter": 3}, "scipy-direct": {"maxfun": 500, "f_min": 0.0},
    "scipy-basinhopping": {"niter": 3, "niter_success": 2},
}  # fmt: skip
"""Values for the fields that are None."""


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(GLOBAL)))
@pytest.mark.filterwarnings("error")
def test_every_option_of_a_method_is_known_to_scipy(name):
    cls, fun = CLASSES[name], Quadratic(n=2)
    limit = {"maxiter": 5} if "maxiter" in cls.model_fields else {}
    component = cls(**SET.get(name, {}), **limit)
    assert all(value is not None for value in component.model_dump().values())
    given = {} if name in BY_VALUES else {"jac": lambda x: fun.gradient(x.copy())}
    if name in BY_HESSIAN:
        given["hess"] = lambda x: fun.matrix

    def directly(**more):
        options = component.options() | more
        with np.errstate(all="ignore"):
            optimize.minimize(lambda x: fun(x.copy()), np.zeros(2), method=method(name), options=options, **given)

    # SciPy warns of options that it does not know, and a warning is an error here.
    directly()
    with pytest.raises((optimize.OptimizeWarning, TypeError), match="unknown"):
        directly(unknown=1)


@pytest.mark.parametrize("name", GLOBAL)
def test_every_option_of_a_function_is_known_to_scipy(name):
    function = getattr(optimize, name.removeprefix("scipy-").replace("-", "_"))
    known = set(inspect.signature(function).parameters)
    fields = {"init" if field == "initial" else field for field in CLASSES[name].model_fields}
    if name == "scipy-shgo":  # these are in its table `options`, which takes anything
        assert all(f" {option} : " in function.__doc__ for option in ("minimize_every_iter", "local_iter"))
        fields -= {"minimize_every_iter", "local_iter"}
    assert fields <= known


ANY_NUMBER = {("scipy-cobyqa", "f_target"), ("scipy-direct", "f_min"), ("scipy-tnc", "minfev")}


@every
def test_options_are_closed_typed_and_in_range(name):
    cls = CLASSES[name]
    with pytest.raises(InputError, match="has no field 'disp'"):
        optikit.get("optimizer", name, disp=True)
    for field, info in cls.model_fields.items():
        with pytest.raises(ValidationError, match=field):
            cls(**{field: "wrong"})
        if (name, field) not in ANY_NUMBER and {int, float} & {info.annotation, *get_args(info.annotation)}:
            bad = 0 if name == "scipy-dual-annealing" and field == "accept" else -1e6
            with pytest.raises(ValidationError, match=field):
                cls(**{field: bad if float in {info.annotation, *get_args(info.annotation)} else -1})
        with pytest.raises(ValidationError, match=field):
            cls(**{field: float("nan")})


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("scipy-bfgs", {"c1": 0.9, "c2": 0.5}, "scipy-bfgs: c1 is 0.9, but must be below c2, 0.5"),
        ("scipy-cg", {"c1": 0.4}, "scipy-cg: c1 is 0.4, but must be below c2, 0.4"),
        ("scipy-trust-ncg", {"max_trust_radius": 0.5}, "initial_trust_radius is 1.0, but must be below"),
        ("scipy-cobyla", {"rhobeg": 1e-5}, "tol is 0.0001, but must be below rhobeg, 1e-05"),
        ("scipy-cobyqa", {"initial_tr_radius": 1e-7}, "final_tr_radius is 1e-06, but must be below"),
        ("scipy-differential-evolution", {"mutation": (0.5, 2.0)}, "mutation.1 is 2.0, but must be less than 2"),
        ("scipy-lbfgsb", {"maxfun": 9}, "scipy-lbfgsb has no field 'maxfun'"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(name, options, said):
    with pytest.raises(InputError, match=said) as caught:
        optikit.get("optimizer", name, **options)
    assert "\n" not in str(caught.value)


def test_a_limit_of_iterations_is_scipys_own_only_if_it_is_set():
    fun = Quadratic(n=10)
    stopped = minimize("scipy-cg", fun, np.zeros(10), optimizer=CLASSES["scipy-cg"](maxiter=3))
    assert (stopped.reason, stopped.success) == (StopReason.FAILED, False)
    assert "Maximum number of iterations" in stopped.message
    rosenbrock, gradient = SMOOTH["rosenbrock"]
    x0 = np.full(12, -1.2)
    slow = optimize.minimize(rosenbrock, x0, method="Nelder-Mead")
    assert not slow.success  # after 200 n iterations
    on = minimize("scipy-nelder-mead", rosenbrock, x0, bounds=None, gradient=gradient, max_evals=slow.nfev + 500)
    assert on.nfev > slow.nfev


# What optikit promises of every optimizer


@pytest.mark.parametrize("name", ["scipy-basinhopping", "scipy-differential-evolution", "scipy-dual-annealing"])
def test_another_seed_gives_other_points(name):
    funs = [Quadratic(), Quadratic()]
    for seed, fun in enumerate(funs):
        minimize(name, fun, max_evals=300, rng=seed)
    assert not np.array_equal(funs[0].points, funs[1].points)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_who_cannot_stay_inside_bounds_says_so_before_anything_is_asked(name):
    fun = Quadratic()
    with pytest.raises(InputError, match="bounds") as caught:
        minimize(name, fun, bounds=(-2, np.inf))
    assert caught.value.result.nfev == 0
    assert not fun.points


@pytest.mark.parametrize("name", BOXED)
def test_who_needs_a_box_says_so_before_anything_is_asked(name):
    fun = Quadratic()
    with pytest.raises(InputError, match="searches a box; pass finite bounds"):
        minimize(name, fun, bounds=(-2, np.inf))
    assert not fun.points


@pytest.mark.parametrize("name", [*BY_GRADIENT, *BY_HESSIAN, "scipy-basinhopping"])
def test_who_needs_a_gradient_says_so_before_anything_is_asked(name):
    calls = []
    with pytest.raises(InputError, match="has no gradient of its own; pass gradient='central-difference'"):
        minimize(name, lambda x: calls.append(1) or 0.0)
    assert not calls


@every
def test_ctrl_c_returns_what_was_found(name):
    fun = Quadratic()

    def interrupted(x):
        if len(fun.values) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return fun(x)

    result = minimize(name, interrupted, gradient=fun.gradient)
    assert result.reason is StopReason.INTERRUPTED
    # Where the answer met the interrupt is not certain to one evaluation.
    assert 6 <= result.nfev <= 8
    assert min(fun.values) <= result.fun <= min(fun.values[:6])


# What SciPy promises


@pytest.mark.parametrize("name", [*BY_GRADIENT, *BY_VALUES])
@pytest.mark.parametrize("problem", ["rosenbrock", "quartic", "ellipsoid"])
def test_a_method_asks_at_the_same_points_as_when_scipy_is_called_directly(name, problem):
    (value, gradient), x0, asked = SMOOTH[problem], np.array([-1.2, 0.8, 0.3]), ([], [])

    def noted(into, jac):
        def fun(x):
            into.append(x.copy())
            return (value(x), gradient(x)) if jac else value(x)

        return fun

    bounds = (-1.5, 0.9) if name in BOUNDED else None
    arguments = {"optimizer": name, "gradient": gradient, "bounds": bounds, "check_gradient": False}
    ours = optikit.minimize(noted(asked[0], False), x0, **arguments)
    by_gradient = name in BY_GRADIENT
    pairs = None if bounds is None else optimize.Bounds(np.full(3, -1.5), np.full(3, 0.9), keep_feasible=True)
    options = {"maxiter": 10_000, "maxfun": 10_000}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = optimize.minimize(
            noted(asked[1], by_gradient), x0, method=method(name), jac=by_gradient or None, bounds=pairs,
            # Their own limits are too low here: 1000 evaluations, 100 n, and 100 iterations.
            options={key: options[key] for key in {"scipy-cobyla": ["maxiter"], "scipy-tnc": ["maxfun"],
                                                   "scipy-slsqp": ["maxiter"]}.get(name, [])},
        )  # fmt: skip
    assert np.array_equal(asked[0], asked[1])
    assert ours.fun == min(value(x) for x in asked[1]) <= theirs.fun
    assert ours.success == theirs.success
    assert ours.nfev == len(asked[1])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("differential-evolution", {"maxiter": 8}),
        ("differential-evolution", {"maxiter": 8, "updating": "deferred", "initial": "sobol", "strategy": "rand1exp"}),
        ("dual-annealing", {"maxiter": 20}),
        ("dual-annealing", {"maxiter": 50, "no_local_search": True}),
        ("shgo", {}),
        ("shgo", {"sampling_method": "sobol", "n": 64, "iters": 2}),
        ("direct", {"maxiter": 50}),
        ("direct", {"maxfun": 400, "locally_biased": False}),
        ("basinhopping", {"niter": 5}),
    ],
)
def test_a_function_asks_at_the_same_points_as_when_scipy_is_called_directly(name, options):
    (value, gradient), x0, asked = SMOOTH["rastrigin"], np.array([-1.2, 0.3]), ([], [])
    ours = optikit.minimize(
        lambda x: asked[0].append(x.copy()) or value(x), x0, bounds=None if name == "basinhopping" else (-2.0, 1.5),
        optimizer={"name": f"scipy-{name}", **options}, rng=7, gradient=gradient, check_gradient=False,
    )  # fmt: skip
    function = getattr(optimize, name.replace("-", "_"))
    keywords = {"init" if key == "initial" else key: value for key, value in options.items()}
    if name in ("differential-evolution", "dual-annealing", "basinhopping"):
        keyword = "rng" if "rng" in inspect.signature(function).parameters else "seed"
        keywords |= {keyword: np.random.default_rng(7).spawn(2)[0], "x0": x0}
    if name == "basinhopping":
        keywords["minimizer_kwargs"] = {"jac": True, "method": "L-BFGS-B"}
    else:
        keywords["bounds"] = [(-2.0, 1.5)] * 2

    def fun(x):
        asked[1].append(np.copy(x))
        return (value(x), gradient(x)) if name == "basinhopping" else value(x)

    theirs = function(fun, **keywords)
    assert np.array_equal(asked[0], asked[1])
    assert ours.fun == min(map(value, asked[1])) <= theirs.fun
    assert ours.success == theirs.success


def test_deferred_evolution_asks_in_batches():
    sizes = []

    class Counting(optikit.Oracle):
        def values(self, xs):
            sizes.append(len(xs))
            return super().values(xs)

    optimizer = CLASSES["scipy-differential-evolution"](updating="deferred", popsize=5, maxiter=3, polish=False)
    oracle = Counting(optikit.Problem(lambda x: float(x @ x), bounds=(-1, 1)), np.zeros(4))
    optimizer.solve(oracle, np.zeros(4), np.random.default_rng(0))
    assert sizes == [20] * 4


@pytest.mark.parametrize("name", BY_HESSIAN)
def test_second_derivatives_are_differences_of_counted_gradients(name):
    value, gradient = SMOOTH["root"]
    x0 = np.array([0.5, -0.4, 0.3])
    result = optikit.minimize(value, x0, optimizer=name, gradient=gradient, check_gradient=False)
    exact = optimize.minimize(value, x0, jac=gradient, hess=lambda x: np.diag((1 + x * x) ** -1.5), method=method(name))
    assert np.allclose(result.x, exact.x, atol=1e-6)
    assert result.nfev == result.njev > exact.nfev


# With samples, and without SciPy


@pytest.mark.parametrize("name", ["scipy-lbfgsb", "scipy-slsqp", "scipy-nelder-mead", "scipy-differential-evolution"])
def test_a_model_is_fitted_to_all_samples_whatever_the_minibatch(name):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 2))
    targets = inputs @ [[1.0], [-2.0]] + 0.5 + 0.01 * rng.normal(size=(60, 1))
    model, loss = optikit.get("model", "linear", inputs=2), optikit.get("loss", "mean-squared-error")
    if name in BOXED:
        with pytest.raises(InputError, match="pass finite bounds"):
            optikit.fit(model, loss, (inputs, targets), optimizer=name, batch_size=7, epochs=500)
        return
    result = optikit.fit(model, loss, (inputs, targets), optimizer=name, batch_size=7, epochs=1000, rng=0)
    best = np.linalg.lstsq(np.column_stack([inputs, np.ones(60)]), targets, rcond=None)[1][0] / 60
    assert result.success
    assert abs(result.fun / loss(model(result.x, inputs), targets) - 1) < 1e-12
    assert result.fun < best * 1.01


def test_cobyqa_says_which_scipy_it_needs(monkeypatch):
    from optikit_scipy import by_values

    monkeypatch.setattr(by_values, "version", lambda distribution: "1.13.1")
    with pytest.raises(InputError, match=r"needs scipy 1.14 or newer, and 1.13.1 is installed; run `python -m pip"):
        optikit.minimize(lambda x: x @ x, [1.0], optimizer="scipy-cobyqa")


@every
def test_without_scipy_it_is_listed_with_the_command_and_refused_before_anything_is_asked(name, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy", None)  # to Python, that is as if it were not there
    fun = Quadratic()
    with pytest.raises(InputError, match=r"needs scipy, .*; run `python -m pip install 'optikit\[scipy\]'`"):
        minimize(name, fun)
    assert not fun.points
    assert not page.described(catalogue.find(name))["available"]
    monkeypatch.setattr(sys, "argv", ["optikit", "list", "--json"])
    with pytest.raises(SystemExit):
        main()
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["name"] == name]
    assert row["remedy"] == "run `python -m pip install 'optikit[scipy]'`"


@pytest.mark.parametrize("name", ["scipy-direct", "scipy-dual-annealing"])
def test_who_needs_room_in_the_box_says_so_before_anything_is_asked(name):
    calls = []
    with pytest.raises(InputError, match=r"the bounds of x\[1\] are equal, and this optimizer needs room; give fixed="):
        optikit.minimize(
            lambda x: calls.append(1) or 0.0, [0.0, 1.0], optimizer=name, bounds=([-1, 1], [1, 1]),
            gradient="central-difference",
        )  # fmt: skip
    assert not calls


@settings(max_examples=60)
@given(
    n=st.integers(1, 3),
    back=st.integers(0, 12),
    answer=st.sampled_from([None, math.nan, math.inf, -math.inf]),
    action=st.sampled_from(["skip", "penalise"]),
)
def test_shgo_has_arrived_only_if_its_last_differences_have_values(n, back, answer, action):
    centre = np.linspace(0.2, 0.7, n)
    failing = math.inf

    def fun(x):
        nonlocal asked
        asked += 1
        if asked != failing:
            return float((x - centre) @ (x - centre))
        if answer is None:
            raise ZeroDivisionError
        return answer

    def minimized():
        nonlocal asked
        asked = 0
        policy = Failures(error=action, nan=action, inf=action, minus_inf=action)
        return optikit.minimize(
            fun, np.zeros(n), optimizer="scipy-shgo", bounds=(-1, 1), on_error=policy, check_gradient=False
        )

    asked = 0
    sound = minimized()
    assert sound.success, "without a failure it has arrived"
    assert sound.fun < 1e-10
    failing = sound.nfev - back
    failed = minimized()
    late = failed.nfev - failing <= n
    assert not (failed.success and late), "the last point and the n differences next to it have values"
    assert failed.success or not late or failed.fun == math.inf or "may not have arrived" in failed.message
