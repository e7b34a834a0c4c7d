"""What an optimizer asks, and what it finds: counts, the best point, bounds, bad input."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optikit.component import Component
from optikit.errors import InputError
from optikit.stop import StopReason
from optikit.testing.components import refusal, remade
from optikit.testing.optimizers.trial import (
    BOX,
    OptimizerSubject,
    Watched,
    limits,
    minimized,
    quadratic,
    refused,
    same,
)
from optikit.testing.subject import seeds


def keeps_the_budget(subject: OptimizerSubject) -> None:
    """Make no evaluation that is not counted, and none beyond the budget."""
    own = st.just(None) if not subject.needs_gradient else st.sampled_from([None, "central-difference"])

    @subject.drawn(seed=seeds, max_evals=st.integers(1, 60), d=st.integers(2, 5), differences=own, max_grads=limits)
    def holds(seed: int, max_evals: int, d: int, differences: str | None, max_grads: int | None) -> None:
        gradient: dict[str, Any] = {} if differences is None else {"gradient": differences}
        result, watched = minimized(subject, seed, max_evals, d, max_grads=max_grads, **gradient)
        if max_grads is not None:
            assert result.njev <= max_grads, "it went beyond the budget of gradients"
            assert watched.slopes <= max_grads, "a gradient was computed that nobody was given"
        assert result.nfev == len(watched.points), "an evaluation was not counted"
        assert result.nfev <= max_evals, "it went beyond the budget"
        spent = result.nfev == max_evals or result.reason is not StopReason.MAX_EVALS
        assert spent, "it says that the budget is spent, and it is not"
        assert np.array_equal(result.history.fun, watched.values), "the history has other values than were given"


def reports_the_best_seen(subject: OptimizerSubject) -> None:
    """Return the best point that was seen, and its value."""

    @subject.drawn(seed=seeds, max_evals=st.integers(1, 60), d=st.integers(2, 5))
    def holds(seed: int, max_evals: int, d: int) -> None:
        result, watched = minimized(subject, seed, max_evals, d)
        assert result.fun == min(watched.values), "the value is not the best that was seen"
        seen = zip(watched.points, watched.values, strict=True)
        lowest = [x for x, value in seen if value == result.fun]
        assert any(np.array_equal(result.x, x) for x in lowest), "the point is not where the best was seen"


def stays_inside_bounds_or_refuses_them(subject: OptimizerSubject) -> None:
    """Never ask outside the bounds, or refuse them before anything is asked."""
    if not subject.takes_bounds:
        watched = Watched(subject, *quadratic(0, 2)[:2])
        for bounds in [BOX, (-math.inf, 2.0), ([-2, -math.inf], math.inf)]:
            refused(subject, watched, f"bounds {bounds}", bounds=bounds)
        minimized(subject, 0, bounds=(-math.inf, math.inf))  # which are none
        return

    @subject.drawn(seed=seeds, dtype=st.sampled_from(["float64", "float32"]))
    def holds(seed: int, dtype: str) -> None:
        rng, d = np.random.default_rng(seed), 3
        fun, gradient, _ = quadratic(seed, d)
        low = rng.uniform(-2, 0.5, d) * 10.0 ** rng.integers(-2, 3)
        high = low + rng.uniform(0.1, 2, d) * 10.0 ** rng.integers(-2, 3)
        x0 = np.choose(rng.integers(3, size=d), [low, high, rng.uniform(low, high)])
        if not subject.needs_box:
            low, high = np.where(rng.random(d) < 0.3, -np.inf, low), np.where(rng.random(d) < 0.3, np.inf, high)
        watched = Watched(subject, fun, gradient)
        minimized(subject, seed, 60, d, watched, x0.astype(dtype), bounds=(low, high))
        edge = 4 * np.finfo(dtype).eps * abs(x0)  # where x0 itself was rounded to the other side
        inside = all(((low - edge <= x) & (x <= high + edge)).all() for x in watched.points)
        assert inside, "a point outside the bounds was asked for"
        assert watched.points, "it asks nothing where there are bounds"


def takes_bounds(subject: OptimizerSubject) -> None:
    """Take bounds, and not refuse them."""
    said = refusal(lambda: minimized(subject, 0, bounds=BOX), InputError)
    assert said is None, f"it refuses bounds; read oracle.bounds before the first question: {said}"


def starts_at_a_bound(subject: OptimizerSubject) -> None:
    """Find something better when it starts in a corner of the box."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        x0 = np.random.default_rng(seed).choice(BOX, size=2)
        result, watched = minimized(subject, seed, 100, x0=x0)
        assert result.fun < watched.fun(x0), "it never left the bound"


def minimises_in_one_dimension(subject: OptimizerSubject) -> None:
    """Minimise a function of a single parameter, too."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        result, watched = minimized(subject, seed, 60, d=1, x0=np.array([1.5]))
        assert result.fun < watched.fun(np.array([1.5])), "it finds nothing better than the start"
        assert result.nfev == len(watched.points) <= 60, "an evaluation was not counted"
        assert result.x.shape == (1,), f"the result has shape {result.x.shape}"


def hands_out_nothing_that_can_be_spoilt(subject: OptimizerSubject) -> None:
    """Leave the start as it was, and go the same way if the function writes into its argument."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        fun, gradient, x0 = quadratic(seed, 2)
        given = x0.copy()
        spoilt = minimized(subject, seed, x0=given)[0]
        assert np.array_equal(given, x0), "it wrote into the start"
        clean = minimized(subject, seed, watched=Watched(subject, fun, gradient, spoils=False))[0]
        assert same(spoilt, clean), "a function that writes into its argument changes the run"


def stays_in_single_precision(subject: OptimizerSubject) -> None:
    """Ask in single precision if the start is in it, and get somewhere."""
    fun, gradient, x0 = quadratic(6, 3)  # which starts far from the minimum
    x0 = x0.astype("float32")
    result, watched = minimized(subject, 6, 60, d=3, x0=x0, watched=Watched(subject, fun, gradient))
    found = {str(x.dtype) for x in (*watched.points, result.x)}
    assert found == {"float32"}, f"the start is in float32, and it asks in {' and '.join(sorted(found))}"
    assert result.fun < fun(x0), "it gets nowhere in single precision"


RATES = {"lr", "learning_rate"}
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


def refuses_bad_input(subject: OptimizerSubject) -> None:
    """Refuse bad input in one sentence before anything is asked, and learning rates that are not positive."""
    watched = Watched(subject, *quadratic(0, 2)[:2])
    for what, arguments in BAD.items():
        refused(subject, watched, what, **arguments)
    if subject.needs_gradient and not subject.does_without:
        refused(subject, watched, "no gradient", gradient=None)
    given: Component = subject.component
    fields = given.model_dump(mode="json")
    for name, value in ((name, value) for name in sorted(RATES & set(fields)) for value in (0, -1.0)):
        said = refusal(lambda name=name, value=value: remade(type(given), {**fields, name: value}), ValueError)
        assert said is not None, f"{name} = {value} is taken; give it a range: Field(gt=0)"
        assert name in said, f"{name} = {value} is refused without its name: {said}"
    minimized(subject, 0, 1)  # which is what all of it was about
