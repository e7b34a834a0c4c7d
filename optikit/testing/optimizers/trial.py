"""How optimizers are put to work: on random quadratics that remember what they were asked.

What an optimizer is (whether it takes bounds, needs a box, asks for gradients) is found by trying it, so that nobody
can declare a check away.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optikit.errors import InputError
from optikit.probe import probed
from optikit.result import Result
from optikit.run import minimize
from optikit.testing.components import refusal
from optikit.testing.subject import Subject
from optikit.types import Array

BOX = (-2.0, 2.0)
LONG = 400
"""Evaluations of a run that shall show what comes late."""


@dataclass(eq=False, kw_only=True)
class OptimizerSubject(Subject):
    """An optimizer under examination; with the claim ``"local"`` a local method for smooth functions.

    With the claim ``"bounds"`` it takes bounds, which who refuses them does not owe otherwise.

    Its fields should suit functions of a few parameters of size 1, and a budget of 300 evaluations.
    """

    examples: int = 8
    shrinks = 40

    @cached_property
    def found(self) -> str:
        """What it can do and what it needs, and to who refuses bounds, perhaps by mistake, what would take them."""
        abilities = probed(self.component)
        refuses = "; problems with bounds are refused: to take them, read oracle.bounds before the first question"
        return abilities.in_words + (refuses if abilities.bounds is False else "")

    @cached_property
    def takes_bounds(self) -> bool:
        """Whether it does anything but refuse them before it asks."""
        return not self._refuses(BOX)

    @cached_property
    def needs_box(self) -> bool:
        """Whether it refuses bounds that are not all finite."""
        return self.takes_bounds and self._refuses((-2.0, math.inf))

    @cached_property
    def needs_gradient(self) -> bool:
        """Whether it asks for gradients."""
        with self.aside():
            return bool(minimized(self, 0, 5)[0].njev)

    @cached_property
    def does_without(self) -> bool:
        """Whether it asks for gradients where there are some, and does without where there are none."""
        try:
            return self.needs_gradient and not minimized(self, 0, 5, gradient=None)[0].njev
        except InputError:
            return False

    def _refuses(self, bounds: Any) -> bool:
        with self.aside():
            watched = Watched(self, *quadratic(0, 2)[:2])
            try:
                minimized(self, 0, 1, watched=watched, bounds=bounds)
            except InputError:
                return not watched.points
            return False


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A quadratic with its minimum, 0, at `lowest`."""

    hessian: Array
    lowest: Array
    formula = "(x - lowest) @ hessian @ (x - lowest) / 2"

    def __call__(self, x: Array) -> float:
        """Give the value."""
        return float((x - self.lowest) @ self.hessian @ (x - self.lowest)) / 2

    def gradient(self, x: Array) -> Any:
        """Give the gradient."""
        return self.hessian @ (x - self.lowest)


def quadratic(seed: int, d: int, condition: float = 1e3) -> tuple[Quadratic, Callable[[Array], Any], Any]:
    """Give value, gradient and start of a random quadratic with its minimum in the box."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    scales = condition ** rng.uniform(-1, 0, size=d)
    fun = Quadratic((turn * scales) @ turn.T, rng.uniform(-1, 1, size=d))
    return fun, fun.gradient, rng.uniform(*BOX, size=d)


class Watched:
    """A function that remembers what it was asked, and treats its argument badly.

    Parameters
    ----------
    subject : Subject
        Who asks.
    fun, gradient : callable
        What is asked.
    spoils : bool
        Whether it writes into its argument.
    formula : str, optional
        What `fun` is, if it does not come from the quadratic.
    """

    def __init__(
        self, subject: Subject, fun: Callable[[Array], float], gradient: Callable[[Array], Any], spoils: bool = True,
        formula: str | None = None,
    ) -> None:  # fmt: skip
        self.subject, self.fun, self.slope, self.spoils, self.formula = subject, fun, gradient, spoils, formula
        self.points: list[Array] = []
        self.values: list[float] = []
        self.slopes = 0

    def __call__(self, x: Array) -> float:
        """Give the value."""
        self.subject.asked += 1
        self.points.append(x.copy())
        self.values.append(self.fun(x))
        if self.spoils:
            x[:] = np.nan
        return self.values[-1]

    def gradient(self, x: Array) -> Array:
        """Give the gradient."""
        self.slopes += 1
        slope = self.slope(x).astype(x.dtype)
        if self.spoils:
            x[:] = np.nan
        return slope


limits = st.none() | st.integers(1, 30)
"""Draws budgets of gradients."""


def minimized(
    subject: OptimizerSubject, seed: int, max_evals: int = 40, d: int = 2, watched: Watched | None = None,
    x0: Any = None, **options: Any,
) -> tuple[Result, Watched]:  # fmt: skip
    """Minimise a random quadratic, or what is watched, in the box if the optimizer takes bounds."""
    fun, gradient, start = quadratic(seed, d)
    watched = watched or Watched(subject, fun, gradient)
    if "bounds" not in options:
        options["bounds"] = BOX if subject.takes_bounds else None
    usual: dict[str, Any] = {"gradient": watched.gradient, "check_gradient": False, "max_evals": max_evals, "rng": seed}
    x0 = start if x0 is None else x0
    if watched.formula is None:
        subject.note(objective=fun.formula, hessian=fun.hessian, lowest=fun.lowest)
    else:
        subject.note(objective=watched.formula)
    subject.note(x0=x0, max_evals=max_evals, rng=seed, **options)
    return minimize(watched, x0, optimizer=subject.component, **{**usual, **options}), watched


def same(first: Result, second: Result) -> bool:
    """Whether two runs are the same, to the last bit."""
    return np.array_equal(first.history.fun, second.history.fun) and np.array_equal(first.x, second.x)


def refused(subject: OptimizerSubject, watched: Watched, what: str, **arguments: Any) -> None:
    """Hold that one sentence refuses a run before anything is asked."""
    asked = len(watched.points)
    said = refusal(lambda: minimized(subject, 0, watched=watched, **{"check_gradient": True, **arguments}), InputError)
    assert said is not None, f"{what}: this is not refused"
    short = "\n" not in said and len(said) < 400
    assert short, f"{what}: it is not refused in one sentence: {said}"
    assert len(watched.points) == asked, f"{what}: it is refused too late, when something has been asked"
