"""The points of the battery: what every optimizer owes its users, whoever wrote it, and whatever it is.

A point is a function of a `Contender`; it raises where the optimizer does not keep it.
"""

import json
import math
import tomllib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tomli_w
from battery import BOX, LONG, Contender, Watched, drawn, minimized, quadratic, same, seeds
from global_generator import leaves_the_global_generator_alone
from hypothesis import strategies as st
from other_process import fingerprint, repeats_itself_in_another_process

import optikit
from optikit import InputError, StopReason, journal

limits = st.none() | st.integers(1, 30)


def keeps_the_budget(contender: Contender) -> None:
    own = st.just(None) if not contender.needs_gradient else st.sampled_from([None, "central-difference"])

    @drawn(contender, seed=seeds, max_evals=st.integers(1, 60), d=st.integers(2, 5), differences=own, max_grads=limits)
    def holds(seed: int, max_evals: int, d: int, differences: str | None, max_grads: int | None) -> None:
        gradient = {} if differences is None else {"gradient": differences}
        result, watched = minimized(contender, seed, max_evals, d, max_grads=max_grads, **gradient)
        if max_grads is not None:
            assert result.njev <= max_grads
            assert watched.slopes <= max_grads, "a gradient was computed that nobody was given"
        assert result.njev == max_grads or result.reason is not StopReason.MAX_GRADS
        assert result.nfev == len(watched.points), "an evaluation was not counted"
        assert result.nfev <= max_evals
        assert result.nfev == max_evals or result.reason is not StopReason.MAX_EVALS
        assert np.array_equal(result.history.fun, watched.values)


def reports_the_best_seen(contender: Contender) -> None:
    @drawn(contender, seed=seeds, max_evals=st.integers(1, 60), d=st.integers(2, 5))
    def holds(seed: int, max_evals: int, d: int) -> None:
        result, watched = minimized(contender, seed, max_evals, d)
        assert result.fun == min(watched.values), "the value is not the best that was seen"
        seen = zip(watched.points, watched.values, strict=True)
        lowest = [x for x, value in seen if value == result.fun]
        assert any(np.array_equal(result.x, x) for x in lowest), "the point is not where the best was seen"


def stays_inside_bounds_or_refuses_them(contender: Contender) -> None:
    if not contender.takes_bounds:
        watched = Watched(*quadratic(0, 2)[:2])
        for bounds in [BOX, (-math.inf, 2.0), ([-2, -math.inf], math.inf)]:
            refused(contender, watched, bounds=bounds, check_gradient=True)
        minimized(contender, 0, bounds=(-math.inf, math.inf))  # which are none
        return

    @drawn(contender, seed=seeds, dtype=st.sampled_from(["float64", "float32"]))
    def holds(seed: int, dtype: str) -> None:
        rng, d = np.random.default_rng(seed), 3
        fun, gradient, _ = quadratic(seed, d)
        low = rng.uniform(-2, 0.5, d) * 10.0 ** rng.integers(-2, 3)
        high = low + rng.uniform(0.1, 2, d) * 10.0 ** rng.integers(-2, 3)
        x0 = np.choose(rng.integers(3, size=d), [low, high, rng.uniform(low, high)])
        if not contender.needs_box:
            low, high = np.where(rng.random(d) < 0.3, -np.inf, low), np.where(rng.random(d) < 0.3, np.inf, high)
        watched = Watched(fun, gradient)
        minimized(contender, seed, 60, d, watched, x0.astype(dtype), bounds=(low, high))
        edge = 4 * np.finfo(dtype).eps * abs(x0)  # where x0 itself was rounded to the other side
        assert all(((low - edge <= x) & (x <= high + edge)).all() for x in watched.points), "it asked outside"
        assert watched.points


def starts_at_a_bound(contender: Contender) -> None:
    @drawn(contender, seed=seeds)
    def holds(seed: int) -> None:
        x0 = np.random.default_rng(seed).choice(BOX, size=2)
        result, watched = minimized(contender, seed, 100, x0=x0)
        assert result.fun < watched.fun(x0), "it never left the bound"


def minimises_in_one_dimension(contender: Contender) -> None:
    @drawn(contender, seed=seeds)
    def holds(seed: int) -> None:
        result, watched = minimized(contender, seed, 60, d=1, x0=np.array([1.5]))
        assert result.fun < watched.fun(np.array([1.5]))
        assert result.nfev == len(watched.points) <= 60
        assert result.x.shape == (1,)


def repeats_itself(contender: Contender) -> None:
    def repeats(seed: int, max_evals: int) -> None:
        first = minimized(contender, seed, max_evals)[0]
        minimized(contender, seed + 1)
        assert same(first, minimized(contender, seed, max_evals)[0]), "another run with the same rng is another run"

    repeats(0, LONG)

    @drawn(contender, seed=seeds)
    def holds(seed: int) -> None:
        repeats(seed, 40)


def hands_out_nothing_that_can_be_spoilt(contender: Contender) -> None:
    @drawn(contender, seed=seeds)
    def holds(seed: int) -> None:
        fun, gradient, x0 = quadratic(seed, 2)
        given = x0.copy()
        spoilt = minimized(contender, seed, x0=given)[0]
        assert np.array_equal(given, x0), "it wrote into the start"
        clean = minimized(contender, seed, watched=Watched(fun, gradient, spoils=False))[0]
        assert same(spoilt, clean), "a function that writes into its argument changes the run"


class Trouble(Exception):
    """What a function of a user raises."""


def keeps_what_was_found_when_the_function_raises(contender: Contender) -> None:
    errors = st.sampled_from([Trouble, KeyboardInterrupt, np.linalg.LinAlgError, StopIteration, SystemExit])

    @drawn(contender, seed=seeds, at=st.integers(0, 30), error=errors)
    def holds(seed: int, at: int, error: type[BaseException]) -> None:
        fun, gradient, _ = quadratic(seed, 2)
        watched = Watched(fun, gradient)

        def failing(x: Any) -> float:
            if len(watched.values) == at:
                raise error("the sensor is unplugged")
            return fun(x)

        watched.fun = failing
        try:
            result, _ = minimized(contender, seed, 60, watched=watched)
        except error as caught:
            result, said = caught.result, str(caught)
            assert (said, result.reason) == ("the sensor is unplugged", StopReason.ERROR)
        else:
            raised = len(watched.points) > at
            assert not raised or error is KeyboardInterrupt, f"{error.__name__} did not come out"
            assert raised == (result.reason is StopReason.INTERRUPTED)
        assert result.nfev == len(watched.values)
        assert len(watched.points) <= at + 1, "it went on asking"
        assert result.fun == min(watched.values, default=math.inf)


def is_the_same_after_json_and_toml(contender: Contender) -> None:
    """Of all fields in all their ranges, `test_components` holds the same; here of what the battery runs."""
    given = contender.optimizer
    written = given.model_dump(mode="json")
    for read in (json.loads(json.dumps(written)), tomllib.loads(tomli_w.dumps(without_nulls(written)))):
        again = remade(given, read)
        assert again == given, "it is another one when it is read again"
        assert hash(again) == hash(given)
        assert fingerprint(Contender(name="again", optimizer=again, home="")) == fingerprint(contender)


def continues_where_it_was(contender: Contender) -> None:
    @drawn(contender, seed=seeds, at=st.integers(0, 60), snapshots=st.booleans(), raises=st.booleans(), grads=limits)
    def holds(seed: int, at: int, snapshots: bool, raises: bool, grads: int | None) -> None:
        fun, gradient, _ = quadratic(seed, 3)
        uninterrupted, _ = minimized(contender, seed, 60, d=3, max_grads=grads)

        def failing(x: Any) -> float:
            if raises and len(watched.values) == at:
                raise Trouble
            return fun(x)

        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            if snapshots:  # between any two steps
                for name, value in {"PAUSE": 0.0, "INTERVAL": 0.0, "SHARE": math.inf}.items():
                    patch.setattr(journal, name, value)
            watched, path = Watched(failing, gradient), Path(folder, "run.db")
            with suppress(Trouble):
                most = 60 if raises else min(at + 1, 60)
                minimized(contender, seed, most, d=3, watched=watched, max_grads=grads, checkpoint=path)
            del watched.points[len(watched.values) :]
            watched.fun = fun
            again = {"gradient": watched.gradient, "optimizer": contender.optimizer, "max_evals": 60}
            try:
                result = optikit.resume(path, watched, **again)
            except InputError as error:
                if not raises and "asked something else" in str(error):
                    return  # some plan with their budget
                raise
            assert same(result, uninterrupted), "it goes on to another end"
            assert (result.message, result.nit, result.njev) == (
                uninterrupted.message, uninterrupted.nit, uninterrupted.njev,
            )  # fmt: skip
            assert repr(result.history.steps) == repr(uninterrupted.history.steps)
            assert len(watched.points) == result.nfev, "an evaluation was made twice"


def remade(optimizer: Any, fields: dict[str, Any]) -> Any:
    """Make an optimizer of another's class, with fields as they are written: by its name, if it is installed."""
    cls = type(optimizer)
    installed = optikit.components("optimizer").get(cls.name) is cls
    return optikit.get("optimizer", cls.name, **fields) if installed else cls(**fields)


def without_nulls(table: dict[str, Any]) -> dict[str, Any]:
    """TOML has none; a field that is left out has its default."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in table.items() if value is not None
    }  # fmt: skip


def descends_on_quadratics(contender: Contender) -> None:
    """Local methods for smooth functions reach 1e-8; the others are no worse than random search in 16 of 20 seeds."""
    if contender.local:
        for d in (5, 10):
            for seed in range(20 * contender.examples // 8):
                result, _ = minimized(contender, seed, 200 * d, d, bounds=None)
                assert result.fun <= 1e-8, f"{d} parameters, seed {seed}: {result}"
    else:
        won = sum(minimized(contender, seed, 300, d=3)[0].fun <= _random(seed) for seed in range(20))
        assert won >= 16, f"random search was better in {20 - won} of 20"


@cache
def _random(seed: int) -> float:
    """Give what random search finds in the box."""
    rival = Contender(name="random-search", optimizer=optikit.get("optimizer", "random-search"), home="")
    return minimized(rival, seed, 300, d=3)[0].fun


def nan_is_no_obstacle(contender: Contender) -> None:
    nowhere = Watched(lambda x: math.nan, lambda x: np.full(2, math.nan))
    result, _ = minimized(contender, 0, 30, watched=nowhere)
    assert not result.success, "it was content without a single number"
    assert result.reason in (StopReason.MAX_EVALS, StopReason.FAILED, StopReason.DIVERGED)
    assert 0 < result.nans == result.nfev <= 30

    @drawn(contender, seed=seeds, hole=st.sampled_from([math.nan, math.inf]))
    def holds(seed: int, hole: float) -> None:
        fun, gradient, x0 = quadratic(seed, 2)
        side = np.sign(x0[0]) or 1.0  # the half without the start, of which nothing is known

        def holed(x: Any) -> float:
            return hole if x[0] * side < 0 else fun(x)

        watched = Watched(holed, lambda x: np.full(2, hole) if x[0] * side < 0 else gradient(x))
        result, _ = minimized(contender, seed, 60, watched=watched)
        assert math.isfinite(result.fun)
        assert result.reason is not StopReason.ERROR


def stays_in_single_precision(contender: Contender) -> None:
    fun, gradient, x0 = quadratic(6, 3)  # which starts far from the minimum
    x0 = x0.astype("float32")
    result, watched = minimized(contender, 6, 60, x0=x0, watched=Watched(fun, gradient))
    assert {x.dtype for x in (*watched.points, result.x)} == {np.dtype("float32")}
    assert result.fun < fun(x0), "it gets nowhere in single precision"


OPTIONS = {"lr", "learning_rate"}
"""What libraries call a learning rate."""
BAD: dict[str, dict[str, Any]] = {
    "a budget of 0": {"max_evals": 0},
    "a negative budget": {"max_evals": -3},
    "a budget of NaN": {"max_evals": math.nan},
    "no parameters": {"x0": []},
    "a start at NaN": {"x0": [1.0, math.nan]},
    "a start outside the bounds": {"x0": [3.0, 0.0], "bounds": BOX},
    "a start of whole numbers": {"x0": np.array([1, 1])},
    "a start of objects": {"x0": np.array([None, 1.0])},
    "bounds the wrong way round": {"bounds": (2, -2)},
    "bounds of NaN": {"bounds": (math.nan, 2)},
    "bounds of another length": {"bounds": ([-2, -2, -2], 2)},
}


def refuses_bad_input(contender: Contender) -> None:
    watched = Watched(*quadratic(0, 2)[:2])
    for what, arguments in BAD.items():
        refused(contender, watched, what, **arguments)
    if contender.needs_gradient:
        refused(contender, watched, "no gradient", gradient=None)
    given = contender.optimizer
    fields = given.model_dump(mode="json")
    bad: list[tuple[str, Any]] = [("no_such_option", 1)]
    bad += [(name, value) for name in OPTIONS & set(fields) for value in (0, -1.0)]
    numbers = [name for name in fields if _is_number(type(given).model_fields[name].annotation)]
    bad += [(name, value) for name in numbers for value in (math.nan, "0.1")]
    for name, value in bad:
        with pytest.raises(ValueError, match=name):  # InputError, or pydantic's of a class that is not installed
            remade(given, {**fields, name: value})
    minimized(contender, 0, 1)  # which is what all of it was about


def _is_number(annotation: Any) -> bool:
    return bool({int, float} & {annotation, *getattr(annotation, "__args__", ())})


def refused(contender: Contender, watched: Watched, what: str = "", **arguments: Any) -> None:
    """Check that one sentence refuses a run before anything is asked."""
    with pytest.raises(InputError) as caught:
        minimized(contender, 0, watched=watched, **{"check_gradient": True, **arguments})
    assert "\n" not in str(caught.value), what
    assert len(str(caught.value)) < 400, what
    assert not watched.points, what


POINTS: dict[str, Callable[[Contender], None]] = {
    "budget": keeps_the_budget,
    "best": reports_the_best_seen,
    "bounds": stays_inside_bounds_or_refuses_them,
    "corner": starts_at_a_bound,
    "one dimension": minimises_in_one_dimension,
    "seed": repeats_itself,
    "process": repeats_itself_in_another_process,
    "global generator": leaves_the_global_generator_alone,
    "overwriting": hands_out_nothing_that_can_be_spoilt,
    "raising": keeps_what_was_found_when_the_function_raises,
    "resume": continues_where_it_was,
    "config": is_the_same_after_json_and_toml,
    "quadratics": descends_on_quadratics,
    "nan": nan_is_no_obstacle,
    "float32": stays_in_single_precision,
    "bad input": refuses_bad_input,
}
