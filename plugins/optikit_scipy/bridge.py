"""The bridge to SciPy: its solvers ask the oracle, and their options are fields.

SciPy's names and defaults are kept, and unknown options, which SciPy drops, are refused.  What optikit does itself is
no field: evaluations and seconds are limited by ``max_evals`` and ``max_seconds`` (so there is no ``maxfun`` or
``maxfev``, and SciPy's own limits are lifted), gradients come from the run's ``gradient`` (so there is no step).
"""

import inspect
import math
import warnings
from abc import abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, Failures, Oracle, Questions, Solver, Stop

UNLIMITED = 2**31 - 1
"""As large as the smallest of SciPy's integers takes."""


class NoStart(BaseException):
    """The value at the start is not finite."""


class ScipyQuestions(Questions):
    """The oracle as SciPy asks it: bounds are an object, batches are columns, second derivatives are differences."""

    def __init__(self, oracle: Oracle, x0: Array) -> None:
        super().__init__(oracle, x0)
        self._spacing = np.finfo(x0.dtype).eps ** 0.5
        self.single = x0.dtype == np.float32
        self._last = self._base = np.full(len(x0), np.nan), x0
        self._started = False
        self.lost = False
        """Whether the last point of a descent had no value, or its differences had none."""
        self._worst, self._sound = -math.inf, math.inf

    @property
    def sides(self) -> Any:
        """The bounds as SciPy's object, or None; reading claims to honour them."""
        # Strictly, for the one method that would leave them between iterations.
        return import_module("scipy.optimize").Bounds(*self.bounds, keep_feasible=True) if self.bounded else None

    def columns(self, xs: Array) -> Array:
        """Ask for the values at the columns of an array of shape (n, k), or at one of shape (n,)."""
        return self.values(np.atleast_2d(np.transpose(xs)))

    def value_on_a_descent(self, x: Array) -> float:
        """Ask for a value that a smooth method makes differences of: where there is none, it has not arrived.

        A penalty in place of a value is finite, and makes as little of a gradient; so the last point and the
        differences next to it all have to be sound.
        """
        value = self.value(x)
        if math.isfinite(value) and value != Failures.penalty(self._worst):
            self._worst, self._sound = max(self._worst, value), self._sound + 1
        else:
            self._sound = 0
        self.lost = self._sound <= len(x)
        return value

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Ask for value and gradient at `x`, (n,), and remember them for differences."""
        value, gradient = super().value_and_grad(x)
        self._last, self.lost = (np.array(x), gradient.copy()), not math.isfinite(value)
        return value, gradient

    def from_a_start(self, x: Array) -> tuple[float, Array]:
        """Ask for value and gradient; the first value has to be finite."""
        value, gradient = self.value_and_grad(x)
        self.started(value)
        return value, gradient

    def on_a_line(self, x: Array) -> float:
        """Ask for the value alone, on a line search; the first one has to be finite."""
        value = self.value(x)
        self.started(value)
        return value

    def slope(self, x: Array) -> Array:
        """Ask for the gradient at a point whose value is known."""
        return self.value_and_grad(x)[1]

    def started(self, value: float) -> None:
        """End it all if the first value is not finite.

        Methods that model the function cannot go on then: some raise, and trust-constr goes round and round.
        """
        self._started = self._started or math.isfinite(value)
        if not self._started:
            raise NoStart

    def hessian(self, x: Array) -> Array:
        """Find the Hessian at `x`, (n, n), by forward differences of n gradients."""
        base, steps = self._gradient(x), self._spacing * np.maximum(1, abs(x))
        rows = [self._change(x + step, base) / step.sum() for step in np.diag(steps)]
        return (np.array(rows) + np.transpose(rows)) / 2

    def product(self, x: Array, p: Array) -> Array:
        """Find the product of the Hessian at `x` with `p`, (n,), by a forward difference of one gradient."""
        length = np.linalg.norm(p)
        if length == 0:
            return np.zeros_like(x)
        base, step = self._gradient(x), self._spacing * max(1.0, abs(x).max()) / length
        return self._change(x + step * p, base) / step

    def _change(self, x: Array, base: Array) -> Array:
        """Say how the gradient differs at `x`; not at all, where either is none."""
        change = self.value_and_grad(x)[1] - base
        return np.where(np.isfinite(change), change, 0)

    def _gradient(self, x: Array) -> Array:
        """Give the gradient where differences are taken; it has been asked for mostly."""
        known = [gradient for at, gradient in (self._last, self._base) if np.array_equal(at, x)]
        self._base = x.copy(), known[0] if known else self.value_and_grad(x)[1]
        return self._base[1]


class ScipySolver(Solver):
    """A solver of SciPy; authors write `call`, and the fields."""

    requires = "scipy"
    lifted: ClassVar[dict[str, Any]] = {}
    """SciPy's own limits, and the values that lift them."""
    below: ClassVar[dict[str, str]] = {}
    """Fields that must be below other fields."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for lower, upper in self.below.items():
            if not getattr(self, lower) < getattr(self, upper):
                said = f"{lower} is {getattr(self, lower)!r}, but must be below {upper}, {getattr(self, upper)!r}"
                raise ValueError(f"{self.name}: {said}")
        return self

    @abstractmethod
    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Call the function of ``scipy.optimize``, and give its ``OptimizeResult``."""

    def options(self) -> dict[str, Any]:
        """Give the fields as SciPy's options; None is SciPy's default."""
        return {**self.lifted, **self.model_dump(exclude_none=True)}

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Call SciPy, and put its outcome into optikit's words."""
        ask = ScipyQuestions(oracle, x0)
        with warnings.catch_warnings():
            # Of steps that went wrong on the way; how it ended is in the message.
            warnings.filterwarnings("ignore", module=r"scipy\.|optikit_scipy\.")
            try:
                found = self.call(import_module("scipy.optimize"), ask, ask.x0, rng)
            except NoStart:
                return ask.x0, Stop(False, "The value at the start, or a constraint, is not finite; start where it is.")
        message = found.message if isinstance(found.message, str) else "; ".join(found.message)
        if found.success and ask.lost:
            # L-BFGS-B, and SLSQP in SHGO, take a line search that found no way for one that has arrived.
            message += ". But there was no value at its last point, or next to it, so it may not have arrived."
        return found.x, Stop(bool(found.success) and not ask.lost, " ".join(message.split()))


class Iterative(ScipySolver):
    """A solver whose iterations can be limited."""

    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED}

    maxiter: int | None = Field(default=None, ge=1, le=UNLIMITED)
    """Iterations, in SciPy's sense; by default only the limits of the run count, not SciPy's own."""


class Minimize(ScipySolver):
    """A method of ``scipy.optimize.minimize`` that asks for values."""

    method: ClassVar[str]

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Say what SciPy is given: what it asks, and where something else is to be passed than by `call`."""
        return {"fun": ask.value}

    @final
    def call(self, optimize: Any, ask: ScipyQuestions, x0: Array, rng: np.random.Generator) -> Any:
        """Minimise from x0."""
        return optimize.minimize(method=self.method, **{"x0": x0, "options": self.options(), **self.asks(ask)})


class MinimizeByGradient(Minimize):
    """A method of ``scipy.optimize.minimize`` that asks for values with gradients."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give value and gradient with one question."""
        return {"fun": ask.from_a_start, "jac": True}


class Inside(Minimize):
    """A method that asks inside the bounds only; the others never read them, so that they take none."""

    def asks(self, ask: ScipyQuestions) -> dict[str, Any]:
        """Give the bounds too."""
        return {**super().asks(ask), "bounds": ask.sides}


def seeded(function: Callable[..., Any], rng: np.random.Generator) -> dict[str, Any]:
    """Pass randomness under the name that this version of SciPy has for it."""
    return {"rng" if "rng" in inspect.signature(function).parameters else "seed": rng}
