"""CMA-ES of pycma, Py-BOBYQA and MINUIT: what is special to their bridges."""

import warnings
from importlib import import_module

import numpy as np
import pytest
from functions import SMOOTH
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, StopReason


def have(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycma's, about pictures
        return pytest.importorskip(module)


NAMES = ["cma-es", "minuit-migrad", "minuit-simplex", "py-bobyqa"]
CLASSES = optikit.components("optimizer")
every = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def _library(request):
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    if name:
        have(CLASSES[name].requires)


def bowl(x):
    return float(((x - 0.3) ** 2 * np.arange(1, len(x) + 1)).sum())


def minimize(optimizer, fun=bowl, x0=(1.0, -1.0, 0.5), **arguments):
    return optikit.minimize(
        fun, np.array(x0), optimizer=optimizer, **{"bounds": (-2.0, 2.0), "max_evals": 1000, "rng": 0, **arguments}
    )


@every
@given(seed=st.integers(0, 2**32 - 1), sides=st.sampled_from(["both", "some", "none"]))
@settings(max_examples=6, deadline=None)
def test_the_minimum_is_found_inside_bounds_of_any_kind(name, seed, sides):
    rng = np.random.default_rng(seed)
    low, high = np.full(3, -2.0), np.full(3, 2.0)
    if sides != "both":
        free = rng.random((2, 3)) < (0.5 if sides == "some" else 1)
        low, high = np.where(free[0], -np.inf, low), np.where(free[1], np.inf, high)
    x0, seen = rng.uniform(-1.9, 1.9, 3), []
    optimizer = {"name": name, **({"tol": 1e-5} if name.startswith("minuit") else {})}
    result = minimize(optimizer, lambda x: seen.append(x.copy()) or bowl(x), x0, bounds=(low, high), rng=seed)
    assert ((np.array(seen) >= low) & (np.array(seen) <= high)).all()
    assert result.fun < 1e-2
    assert result.fun <= bowl(x0)


@every
@given(at=st.integers(0, 12), error=st.sampled_from([ValueError, OverflowError, SystemExit, KeyboardInterrupt]))
@settings(max_examples=8, deadline=None)
def test_what_the_function_raises_keeps_what_was_found(name, at, error):
    values = []

    def fails(x):
        if len(values) == at:
            raise error("the sensor is unplugged")
        values.append(bowl(x))
        return values[-1]

    try:
        result = minimize(name, fails)
        assert error is KeyboardInterrupt or result.nfev <= at
    except error as caught:
        result = caught.result
    assert (result.nfev, result.fun) == (len(values), min(values, default=np.inf))


@every
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_function_without_any_finite_value_ends_and_is_no_success(name, value):
    result = minimize(name, lambda x: value, max_evals=200)
    assert not result.success
    assert result.reason in (StopReason.FAILED, StopReason.MAX_EVALS, StopReason.DIVERGED)


@every
def test_one_parameter_is_enough(name):
    assert minimize(name, x0=(1.0,), max_evals=300).fun < bowl(np.ones(1))


@pytest.mark.parametrize("name", ["cma-es", "minuit-migrad", "minuit-simplex"])
def test_parameters_between_equal_bounds_stay_where_they_are(name):
    result = minimize(name, bounds=([-2, 0.5, -2], [2, 0.5, 2]), x0=(1.0, 0.5, 0.5))
    assert result.x[1] == 0.5
    assert minimize(name, bounds=(1, 1), x0=(1.0, 1.0)).nfev == 1


@pytest.mark.parametrize("name", ["cma-es"])
def test_a_generation_is_one_batch_from_the_rng_of_the_run(name):
    sizes, state = [], np.random.get_state()[1].copy()  # noqa: NPY002 - seen to be untouched

    class Counting(optikit.Oracle):
        def values(self, xs):
            sizes.append(len(xs))
            return super().values(xs)

    points = []
    for seed in (1, 1, 2):
        oracle = Counting(optikit.Problem(lambda x: points.append(x.copy()) or bowl(x)), np.zeros(3))
        CLASSES[name](popsize=9, maxiter=4).solve(oracle, np.zeros(3), np.random.default_rng(seed))
    assert sizes == [9] * 12
    assert np.array_equal(points[:36], points[36:72])
    assert not np.array_equal(points[:36], points[72:])
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("name", ["cma-es"])
@pytest.mark.parametrize("limit", [{"minstd": 0.1}, {"maxstd": 0.5}])
def test_the_standard_deviation_of_a_single_parameter_has_no_limits(name, limit):
    assert minimize({"name": name, **limit}).nfev > 1
    with pytest.raises(InputError, match="leave them out") as caught:
        minimize({"name": name, **limit}, bounds=([-2, 0.5], [2, 0.5]), x0=(1.0, 0.5))
    assert caught.value.result.nfev == 0
    # So far from the minimum that it would grow beyond pycma's own limit, a third of the box.
    assert minimize({"name": name, "sigma0": 1.3}, lambda x: float(np.exp(x[0])), x0=(1.9,)).x < -1.9


@pytest.mark.parametrize("name", ["cma-es"])
def test_every_option_is_known_to_pycma_and_has_its_default(name):
    known = have("cma").CMAOptions()
    for field, value in CLASSES[name]().model_dump(exclude={"sigma0", "popsize", "maxiter", "ftarget"}).items():
        theirs = str(known[field]).split(" ")[0].split("*")[0]
        assert value is None or float(value) == float({"True": 1, "False": 0}.get(theirs, theirs)), field
    assert {"popsize", "maxiter", "ftarget"} <= set(known)


@pytest.mark.parametrize("name", ["minuit-migrad"])
def test_migrad_differentiates_itself_or_takes_the_gradient_of_the_run(name):
    value, gradient = SMOOTH["rosenbrock"]
    tight = {"name": name, "tol": 1e-6}
    own = minimize(tight, value, (-1.2, 0.8), gradient=gradient)
    given_ = minimize({**tight, "grad": True}, value, (-1.2, 0.8), gradient=gradient)
    assert own.fun < 1e-8
    assert given_.fun < 1e-8
    assert own.njev == 0 < given_.njev


@pytest.mark.parametrize("name", ["py-bobyqa"])
def test_py_bobyqa_asks_at_the_same_points_as_when_it_is_called_directly(name):
    value, asked = SMOOTH["rosenbrock"][0], ([], [])
    minimize({"name": name, "rhobeg": 0.2, "npt": 6}, lambda x: asked[0].append(x.copy()) or value(x), (-1.2, 0.8))
    import_module("pybobyqa").solve(
        lambda x: asked[1].append(x.copy()) or value(x), np.array([-1.2, 0.8]), npt=6, rhobeg=0.2, maxfun=1000,
        bounds=(np.full(2, -2.0), np.full(2, 2.0)), do_logging=False,
    )  # fmt: skip
    assert np.array_equal(asked[0], asked[1])


@pytest.mark.parametrize("name", ["py-bobyqa"])
def test_what_py_bobyqa_refuses_is_one_sentence_and_nothing_is_asked(name):
    for options, bounds, said in [
        ({"npt": 99}, (-2, 2), "npt must be <="),
        ({"rhobeg": 3.0}, (-2, 2), "gap between lower and upper"),
        ({}, ([-2, 0.5, -2], [2, 0.5, 2]), "needs a distance between the bounds"),
        ({"scaling_within_bounds": True}, (-2, np.inf), "pass finite bounds"),
    ]:
        with pytest.raises(InputError, match=said) as caught:
            minimize({"name": name, **options}, bounds=bounds, x0=(1.0, 0.5, 0.5))
        assert caught.value.result.nfev == 0
    with pytest.raises(InputError, match="must be below rhobeg"):
        optikit.get("optimizer", name, rhobeg=1e-9)
