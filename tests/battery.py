"""How the battery puts optimizers to work: on random quadratics that remember what they were asked.

What an optimizer is (whether it takes bounds, needs a box, asks for gradients) is found by trying it, so that nobody
can declare a point away.
"""

import faulthandler
import math
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError

BOX = (-2.0, 2.0)
LONG = 400
"""Evaluations of a run that shall show what comes late."""
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Contender:
    """An optimizer, and how the battery treats it."""

    name: str
    optimizer: Any
    home: str
    """The module whose `CONTENDERS` has it under its name, for another process."""
    local: bool = False
    """Whether it is a local method for smooth functions: those have to reach 1e-8."""
    examples: int = 8
    """Of each property; fewer for those whose runs are slow."""
    fails: Mapping[str, str] = field(default_factory=dict)
    """Points that it cannot pass, and why: strictly, so one that passes is an error."""

    @cached_property
    def takes_bounds(self) -> bool:
        """Whether it does anything but refuse them before it asks."""
        return not self._refuses(BOX)

    @cached_property
    def needs_box(self) -> bool:
        return self.takes_bounds and self._refuses((-2.0, math.inf))

    @cached_property
    def needs_gradient(self) -> bool:
        return bool(minimized(self, 0, 5)[0].njev)

    def _refuses(self, bounds: Any) -> bool:
        watched = Watched(*quadratic(0, 2)[:2])
        try:
            minimized(self, 0, 1, watched=watched, bounds=bounds)
        except InputError:
            return not watched.points
        return False


def quadratic(seed: int, d: int, condition: float = 1e3) -> tuple[Any, Any, Any]:
    """Give value, gradient and start of a random quadratic with its minimum, 0, in the box."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    scales = condition ** rng.uniform(-1, 0, size=d)
    hessian = (turn * scales) @ turn.T
    lowest = rng.uniform(-1, 1, size=d)

    def fun(x: Any) -> float:
        return float((x - lowest) @ hessian @ (x - lowest)) / 2

    return fun, lambda x: hessian @ (x - lowest), rng.uniform(*BOX, size=d)


class Watched:
    """A function that remembers what it was asked, and treats its argument badly."""

    evaluations = 0
    """By all of them together, to see that a point has put its optimizer to work."""

    def __init__(self, fun: Any, gradient: Any, spoils: bool = True) -> None:
        self.fun, self.slope, self.spoils = fun, gradient, spoils
        self.points: list[Any] = []
        self.values: list[float] = []
        self.slopes = 0

    def __call__(self, x: Any) -> float:
        Watched.evaluations += 1
        self.points.append(x.copy())
        self.values.append(self.fun(x))
        if self.spoils:
            x[:] = np.nan
        return self.values[-1]

    def gradient(self, x: Any) -> Any:
        self.slopes += 1
        slope = self.slope(x).astype(x.dtype)
        if self.spoils:
            x[:] = np.nan
        return slope


def minimized(
    contender: Contender, seed: int, max_evals: int = 40, d: int = 2, watched: Watched | None = None, x0: Any = None,
    **options: Any,
) -> tuple[Any, Watched]:  # fmt: skip
    """Minimise a random quadratic, or what is watched, in the box if the optimizer takes bounds."""
    fun, gradient, start = quadratic(seed, d)
    watched = watched or Watched(fun, gradient)
    if "bounds" not in options:
        options["bounds"] = BOX if contender.takes_bounds else None
    usual = {"gradient": watched.gradient, "check_gradient": False, "max_evals": max_evals, "rng": seed}
    x0 = start if x0 is None else x0
    return optikit.minimize(watched, x0, optimizer=contender.optimizer, **{**usual, **options}), watched


def same(first: Any, second: Any) -> bool:
    """Whether two runs are the same, to the last bit."""
    return np.array_equal(first.history.fun, second.history.fun) and np.array_equal(first.x, second.x)


def drawn(contender: Contender, **strategies: Any) -> Callable[[Callable[..., None]], None]:
    """Check a property at once, in as many examples as the optimizer is quick."""

    # Not made smaller where it fails: no seed is simpler than another.
    drawing = settings(max_examples=contender.examples, phases=[Phase.generate], report_multiple_bugs=False)

    def check(holds: Callable[..., None]) -> None:
        drawing(given(**strategies)(holds))()

    return check


class Hung(BaseException):
    """Nothing has come back for too long."""


def put_to(contender: Contender, point: Callable[[Contender], None], seconds: float = 300.0) -> None:
    """Put an optimizer to a point; one that hangs, does not pass.

    One that hangs in C hears no signal: that ends the process, so that the run ends and its runner names the test.
    """

    def ring(signum: int, frame: Any) -> None:
        raise Hung(f"{contender.name}: nothing came back for {seconds:g} seconds")

    asked, handler = Watched.evaluations, signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + 60, exit=True)
    try:
        point(contender)
    except pytest.skip.Exception as skipped:
        raise AssertionError(f"no point of the battery is skipped: {skipped}") from None
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert Watched.evaluations > asked, "the point has asked nothing"
