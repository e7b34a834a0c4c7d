"""NLopt's optimizers: every algorithm is there, options reach NLopt, and nothing that is raised gets lost in it."""

import gc
import os
import signal
import subprocess
import sys
import weakref

import numpy as np
import pytest
from functions import SMOOTH
from hypothesis import given, settings
from hypothesis import strategies as st
from optikit_nlopt.bridge import FAILURE, Forced
from pydantic import ValidationError

import optikit
from optikit import InputError, Oracle, Problem, Questions, StopReason

nlopt = pytest.importorskip("nlopt")

CLASSES = {name: cls for name, cls in optikit.components("optimizer").items() if name.startswith("nlopt-")}
NAMES = sorted(CLASSES)
BOXED = ["nlopt-ags", "nlopt-crs2-lm", "nlopt-direct", "nlopt-direct-l", "nlopt-esch", "nlopt-isres", "nlopt-mlsl",
         "nlopt-orig-direct", "nlopt-orig-direct-l", "nlopt-stogo"]  # fmt: skip
RANDOM = ["nlopt-crs2-lm", "nlopt-esch", "nlopt-isres"]
SMOOTH_METHODS = ["nlopt-auglag", "nlopt-bobyqa", "nlopt-lbfgs", "nlopt-newuoa", "nlopt-slsqp", "nlopt-tnewton",
                  "nlopt-var1", "nlopt-var2"]  # fmt: skip
CONSTRAINED = ["nlopt-ags", "nlopt-auglag", "nlopt-ccsaq", "nlopt-cobyla", "nlopt-isres", "nlopt-mma",
               "nlopt-orig-direct", "nlopt-orig-direct-l", "nlopt-slsqp"]  # fmt: skip

every = pytest.mark.parametrize("name", NAMES)


def quadratic(x):
    return float((x - 0.3) @ np.diag([1.0, 5.0, 20.0])[: len(x), : len(x)] @ (x - 0.3))


def slope(x):
    return 2 * np.diag([1.0, 5.0, 20.0])[: len(x), : len(x)] @ (x - 0.3)


def minimize(optimizer, fun=quadratic, x0=(1.0, -1.0, 0.5), **arguments):
    named = optimizer["name"] if isinstance(optimizer, dict) else optimizer
    given = {
        "bounds": None if named == "nlopt-newuoa" else (-2.0, 2.0),
        "max_evals": 300,
        "gradient": slope,
        "rng": 0,
        "check_gradient": False,
    }
    return optikit.minimize(fun, np.array(x0), optimizer=optimizer, **{**given, **arguments})


def asking(x0=(1.0, -1.0, 0.5), bounds=(-2.0, 2.0), oracle=Oracle):
    return Questions(oracle(Problem(quadratic, slope, bounds), np.array(x0)), np.array(x0))


# What there is


def test_every_algorithm_of_nlopt_that_is_no_shorthand_is_a_component_or_a_field_of_one():
    variants = {
        "nlopt-direct": [{"scaled": False}],
        "nlopt-direct-l": [{"scaled": s, "randomized": r} for s in (True, False) for r in (True, False)],
        "nlopt-tnewton": [{"precond": p, "restart": r} for p in (True, False) for r in (True, False)],
        "nlopt-stogo": [{"randomized": True}],
        "nlopt-mlsl": [{"low_discrepancy": False}],
        "nlopt-auglag": [{"penalized": "equalities", "optimizer": CLASSES["nlopt-mma"]()}],
    }
    ours = {cls(**fields).variant(asking()) for cls in CLASSES.values() for fields in [{}, *variants.get(cls.name, [])]}
    shorthands = {f"{kind}_{nested}" for kind in ("LN", "LD") for nested in ("AUGLAG", "AUGLAG_EQ")}
    shorthands |= {f"{kind}_{nested}" for kind in ("GN", "GD") for nested in ("MLSL", "MLSL_LDS")}
    theirs = {name for name in dir(nlopt) if name[:3] in ("GN_", "GD_", "LN_", "LD_", "G_M") or name[:6] == "AUGLAG"}
    left = {"LD_LBFGS_NOCEDAL", "LN_NEWUOA_BOUND"}  # NLopt does not compile the one, and the other hangs
    assert ours == theirs - shorthands - left


SET = {"stopval": -7.0, "initial_step": 0.25, "vector_storage": 5, "population": 31, "sigma_reltol": 1e-9}


@every
def test_every_option_reaches_nlopt(name):
    cls = CLASSES[name]
    component = cls(**{field: SET[field] for field in SET if field in cls.model_fields})
    opt = component.made(asking())
    for field, value in component.model_dump(exclude=set(component.ours)).items():
        if hasattr(opt, f"set_{field}"):
            got = opt.get_initial_step([0.1] * 3) if field == "initial_step" else getattr(opt, f"get_{field}")()
            assert np.all(np.asarray(got) == value), field
        else:
            assert opt.get_param(field, -1.0) == value
    assert not any(hasattr(opt, f"set_{field}") for field in component.ours)


@every
def test_options_are_closed_typed_and_in_range(name):
    with pytest.raises(InputError, match="has no field 'maxeval'"):
        optikit.get("optimizer", name, maxeval=3)
    for field in CLASSES[name].model_fields:
        for bad in ("wrong", float("nan"), *([] if field == "stopval" else [-1.0])):
            with pytest.raises(ValidationError, match=field):
                CLASSES[name](**{field: bad})


@pytest.mark.parametrize(
    ("name", "variant", "options"),
    [
        ("lbfgs", "LD_LBFGS", {"ftol_rel": 1e-9}),
        ("slsqp", "LD_SLSQP", {"xtol_rel": 1e-6}),
        ("ccsaq", "LD_CCSAQ", {"ftol_rel": 1e-2}),
        ("sbplx", "LN_SBPLX", {"xtol_rel": 1e-4}),
        ("bobyqa", "LN_BOBYQA", {"initial_step": 0.3, "xtol_rel": 1e-6}),
        ("crs2-lm", "GN_CRS2_LM", {"ftol_rel": 1e-3, "population": 20}),
        ("direct-l", "GN_DIRECT_L", {"xtol_rel": 1e-2}),
    ],
)
def test_it_asks_at_the_same_points_as_when_nlopt_is_called_directly(name, variant, options):
    (value, gradient), x0, asked = SMOOTH["rosenbrock"], np.array([-1.2, 0.8]), ([], [])
    ours = minimize(
        {"name": f"nlopt-{name}", **options}, lambda x: asked[0].append(x.copy()) or value(x), x0, gradient=gradient,
        max_evals=1000,
    )  # fmt: skip

    def fun(x, grad):
        asked[1].append(x.copy())
        if grad.size:
            grad[:] = gradient(x)
        return value(x)

    opt = nlopt.opt(getattr(nlopt, variant), 2)
    opt.set_min_objective(fun)
    opt.set_lower_bounds(-2)
    opt.set_upper_bounds(2)
    for option, number in options.items():
        getattr(opt, f"set_{option}")(number)
    nlopt.srand(int(np.random.default_rng(0).spawn(2)[0].integers(2**32)))
    opt.set_maxeval(1000)
    opt.optimize(x0)
    assert len(asked[0]) == 1000 or ours.success
    assert np.array_equal(asked[0], asked[1])


@pytest.mark.parametrize("name", SMOOTH_METHODS)
@pytest.mark.parametrize("n", [2, 5, 10])
def test_smooth_methods_reach_1e_8_on_quadratics_within_200_evaluations_a_parameter(name, n):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
        matrix, lowest = basis @ np.diag(np.geomspace(1e-3, 1, n)) @ basis.T, rng.uniform(-1, 1, n)
        result = minimize(
            name, lambda x, a=matrix, b=lowest: (x - b) @ a @ (x - b) / 2, rng.uniform(-2, 2, n),
            gradient=lambda x, a=matrix, b=lowest: a @ (x - b), max_evals=200 * n,
        )  # fmt: skip
        assert result.fun <= 1e-8, seed


# Ends


@every
@given(at=st.integers(0, 40), error=st.sampled_from([ValueError, StopIteration, SystemError, SystemExit]))
@settings(max_examples=12)
def test_what_the_function_raises_comes_out_as_it_is_and_nothing_more_is_asked(name, at, error):
    values, raised = [], error("the sensor is unplugged")

    def fails(x):
        if len(values) == at:
            raise raised
        values.append(quadratic(x))
        return values[-1]

    try:
        result = minimize(name, fails, max_evals=60)
        assert result.nfev <= at
    except error as caught:
        result, same = caught.result, caught is raised
        assert (same, result.nfev) == (True, at)
    assert result.fun == min(values, default=np.inf)


@every
def test_ctrl_c_returns_what_was_found(name):
    values = []

    def interrupted(x):
        if len(values) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        values.append(quadratic(x))
        return values[-1]

    result = minimize(name, interrupted)
    assert result.reason is StopReason.INTERRUPTED
    assert 6 <= result.nfev <= 7
    assert result.fun in (min(values[:6]), min(values[:7]))


@every
@given(value=st.sampled_from([np.nan, np.inf, 1e300]), where=st.floats(-2, 2), seed=st.integers(0, 99))
@settings(max_examples=8)
def test_nan_and_infinity_neither_hang_nor_crash_it_nor_are_a_success(name, value, where, seed):
    start = np.random.default_rng(seed).uniform(-2, 2, 3)
    result = minimize(name, lambda x: value if x[0] > where else quadratic(x), start, rng=seed)
    assert result.reason in (StopReason.CONVERGED, StopReason.FAILED, StopReason.MAX_EVALS)
    assert np.isfinite(result.fun) or not result.success
    nowhere = minimize(name, lambda x: value, start, rng=seed)
    assert not nowhere.success


def test_what_nlopt_says_is_in_the_message():
    assert minimize({"name": "nlopt-lbfgs", "stopval": 1e-3}).message == "A value below stopval is found."
    assert minimize({"name": "nlopt-sbplx", "ftol_abs": 1e-3}).message.startswith(
        "A step changes the value by less than"
    )
    assert minimize({"name": "nlopt-sbplx", "xtol_abs": 1e-2}).message.startswith("A step changes x by less than")
    exact = minimize("nlopt-bobyqa", max_evals=3000)
    assert (exact.message, exact.success) == ("Rounding errors limit any further progress.", True)
    nowhere = minimize("nlopt-lbfgs", lambda x: np.inf)
    assert (nowhere.message, nowhere.success) == ("NLopt has met no finite value.", False)


@pytest.mark.parametrize(
    ("name", "fields", "advised"),
    [("lbfgs", {}, True), ("lbfgs", {"xtol_abs": 1e-9}, False), ("orig-direct", {}, True), ("esch", {}, False)],
)
def test_who_fails_without_tolerances_is_told_to_set_one(name, fields, advised, monkeypatch):
    advice = ", perhaps at the limit of accuracy, as its tolerances are 0; set one, such as xtol_rel=1e-8."
    ending, optimizer = advice if advised else ".", {"name": f"nlopt-{name}", **fields}
    optimize = Forced.optimize
    monkeypatch.setattr(Forced, "optimize", lambda self, x0: (optimize(self, x0)[0], FAILURE, None))
    result = minimize({**optimizer, "stopval": 10.0})
    assert result.message == f"NLopt has failed, and does not say why{ending}"


@pytest.mark.parametrize("tolerances", [{"xtol_rel": 0.0}, {"xtol_rel": 0.0, "ftol_rel": 1e-6, "ftol_abs": 1e-6}])
def test_cobyla_without_a_tolerance_of_x_is_refused_since_it_would_hang(tolerances):
    cobyla = {"name": "nlopt-cobyla", **tolerances}
    for optimizer in (cobyla, {"name": "nlopt-auglag", "optimizer": cobyla}):
        with pytest.raises(InputError, match="xtol_rel and xtol_abs are both 0") as caught:
            minimize(optimizer)
        assert "\n" not in str(caught.value)


SURVEY = """
import sys
sys.path[:0] = {path!r}
import numpy as np, optikit
for seed in range(204):
    rng = np.random.default_rng(seed)
    d, kind = 1 + seed % 6, seed // 6 % 4
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    matrix, lowest = (turn * 1e3 ** rng.uniform(size=d)) @ turn.T, rng.normal(size=d) * (seed % 7 > 0)
    bounds = (-1.0, 1.0) if kind in (1, 3) else None
    ball = optikit.NonlinearConstraint(lambda x: x @ x, upper=0.5)
    outer = [None, "nlopt-mlsl" if kind == 1 else "nlopt-auglag"][seed % 5 == 0]
    optikit.minimize(
        lambda x: float((x - lowest) @ matrix @ (x - lowest)), np.zeros(d),
        optimizer={{"name": outer, "optimizer": "nlopt-cobyla"}} if outer else "nlopt-cobyla",
        bounds=bounds, constraints=[ball] if kind >= 2 else (), max_evals=2000, rng=seed,
    )
print("done")
"""


def test_cobyla_never_hangs_on_quadratics_of_any_shape():
    # In a process of its own, as it hangs in C, where no signal of Python's comes through.
    code = SURVEY.format(path=sys.path)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr


def test_auglag_solves_simple_constrained_problems_with_its_defaults():
    a_circle = optikit.NonlinearConstraint(lambda x: x @ x, upper=1.0)
    result = optikit.minimize(
        lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, [0.0, 0.0], optimizer="nlopt-auglag", max_evals=1000,
        gradient="central-difference", constraints=[optikit.LinearConstraint([1.0, 1.0], upper=2.0), a_circle],
    )  # fmt: skip
    assert result.success, result.message
    assert np.allclose(result.x, np.array([2, 1]) / np.sqrt(5), atol=1e-6)


def test_only_who_has_met_no_finite_value_says_so(monkeypatch):
    # AUGLAG tells infinity for its lowest value when it has failed.
    monkeypatch.setattr(nlopt.opt, "last_optimum_value", lambda self: np.inf)
    assert minimize("nlopt-lbfgs").success
    valley = optikit.minimize(
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, [-1.2, 1.0], optimizer="nlopt-auglag",
        gradient="central-difference", max_evals=2000,
    )  # fmt: skip
    assert "no finite value" not in valley.message


def test_who_cannot_stay_inside_bounds_takes_none():
    with pytest.raises(InputError, match="bounds") as caught:
        minimize("nlopt-newuoa", bounds=(-2, 2))
    assert caught.value.result.nfev == 0


@pytest.mark.parametrize("name", BOXED)
def test_who_needs_a_box_says_so_before_anything_is_asked(name):
    with pytest.raises(InputError, match="searches a box; pass finite bounds") as caught:
        minimize(name, bounds=(-2, np.inf))
    assert caught.value.result.nfev == 0


@pytest.mark.parametrize(
    ("optimizer", "n", "said"),
    [
        ("nlopt-newuoa", 1, "NLopt cannot use nlopt-newuoa for this problem: dimension 1 must be >= 2"),
        ({"name": "nlopt-crs2-lm", "population": 3}, 3, "population 3 should be >= dimension"),
        ("nlopt-ags", 11, "NLopt cannot use nlopt-ags for this problem: it does not say why"),
    ],
)
def test_what_nlopt_refuses_is_one_sentence_and_nothing_is_asked(optimizer, n, said):
    with pytest.raises(InputError, match=said) as caught:
        minimize(optimizer, lambda x: float(x @ x), np.zeros(n), gradient=lambda x: 2 * x)
    assert caught.value.result.nfev == 0


@every
def test_nothing_of_a_run_is_kept_alive(name):
    def fun(x):
        return quadratic(x)

    minimize(name, fun, max_evals=20)
    alive = weakref.ref(fun)
    del fun
    gc.collect()
    assert alive() is None


# Chance


@pytest.mark.parametrize("name", RANDOM)
def test_the_rng_of_the_run_decides_whatever_nlopts_own_generator_has_seen(name):
    nlopt.srand(1)
    first = minimize(name, rng=5)
    nlopt.srand(2)
    second, other = minimize(name, rng=5), minimize(name, rng=6)
    assert np.array_equal(first.history.fun, second.history.fun)
    assert not np.array_equal(first.history.fun, other.history.fun)


# Nested algorithms


def test_a_nested_algorithm_is_written_like_every_part():
    table = {"name": "nlopt-mlsl", "optimizer": {"name": "nlopt-lbfgs", "ftol_rel": 1e-9, "vector_storage": 3}}
    assert optikit.get("optimizer", **table).model_dump()["optimizer"]["vector_storage"] == 3
    (value, gradient) = SMOOTH["rastrigin"]
    result = minimize(table, value, (-1.2, 1.3), gradient=gradient, max_evals=1500)
    assert result.fun < -20 + 1e-8
    assert 0 < result.njev < result.nfev  # it samples values
    assert minimize({**table, "optimizer": "nlopt-sbplx"}, value, (-1.2, 1.3), gradient=None).njev == 0


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ("nlopt-direct", "must be a local optimizer of NLopt, and nlopt-direct is none"),
        ("nlopt-auglag", "must be a local optimizer of NLopt, and nlopt-auglag is none"),
        ("random-search", "must be a local optimizer of NLopt, and random-search is none"),
    ],
)
def test_what_cannot_be_nested_is_refused(optimizer, said):
    with pytest.raises(InputError, match=said) as caught:
        optikit.get("optimizer", "nlopt-mlsl", optimizer=optimizer)
    assert "\n" not in str(caught.value)


def test_who_keeps_inequalities_as_they_are_needs_a_nested_algorithm_that_takes_them():
    with pytest.raises(InputError, match="penalized is 'equalities', but nlopt-lbfgs takes no inequalities"):
        optikit.get("optimizer", "nlopt-auglag", penalized="equalities")


# Constraints


@pytest.mark.skipif("LinearConstraint" not in optikit.__all__, reason="the core takes no constraints yet")
@pytest.mark.parametrize("name", CONSTRAINED)
@pytest.mark.parametrize("kind", ["below", "between", "equal"])
def test_constraints_of_every_kind_are_kept_or_refused_before_anything_is_asked(name, kind):
    given_ = {
        "below": ([1.0, 1.0], -np.inf, 1.0),
        "between": ([1.0, 1.0], 0.5, 1.0),
        "equal": ([1.0, 1.0], 1.0, 1.0),
    }[kind]
    arguments = {
        "constraints": [optikit.LinearConstraint([given_[0]], *given_[1:])], "max_evals": 2000, "x0": (0.5, 0.2),
        "gradient": lambda x: 2 * (x - 2),
    }  # fmt: skip

    def fun(x):
        return float(((x - 2) ** 2).sum())

    optimizer = CLASSES[name](**({"ftol_rel": 1e-9} if "ftol_rel" in CLASSES[name].model_fields else {}))
    if kind == "equal" and not CLASSES[name].equalities:
        with pytest.raises(
            InputError, match="takes no equalities, and constraint 0 is one; choose nlopt-slsqp"
        ) as caught:
            optikit.minimize(fun, optimizer=optimizer, bounds=(-2, 2), rng=0, **arguments)
        assert caught.value.result.nfev == 0
        return
    result = optikit.minimize(fun, optimizer=optimizer, bounds=(-2, 2), rng=0, **arguments)
    assert result.violation < 1e-3
    assert abs(result.fun - 4.5) < (1 if name == "nlopt-isres" else 0.2)  # the global ones get near
