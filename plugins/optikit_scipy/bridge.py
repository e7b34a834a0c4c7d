"""The bridge to SciPy: its solvers ask the oracle, and their options are fields.

SciPy's names and defaults are kept, and unknown options, which SciPy drops, are refused.  What optikit does itself is
no field: evaluations and seconds are limited by ``max_evals`` and ``max_seconds`` (so there is no ``maxfun`` or
``maxfev``, and SciPy's own limits are lifted), gradients come from the run's ``gradient`` (so there is no step).
"""

import inspect
import warnings
from abc import abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, Constraints, InputError, Oracle, Solver, Stop

UNLIMITED = 2**31 - 1
"""As large as the smallest of SciPy's integers takes."""


class Questions:
    """The oracle as SciPy asks it: everything is float64, and what rounding puts outside the bounds is clipped."""

    def __init__(self, oracle: Oracle, x0: Array) -> None:
        self._oracle, self.x0 = oracle, x0
        self.low, self.high = (side.astype(np.float64) for side in oracle.bounds)
        self.bounded = bool(np.isfinite([self.low, self.high]).any())
        sides = np.array([self.low, self.high, x0])
        self._rounding = 1e-12 * np.where(np.isfinite(sides), abs(sides), 0.0).max(axis=0)
        self._spacing = np.finfo(x0.dtype).eps ** 0.5
        self._last = self._base = np.full(len(x0), np.nan), x0

    def bounds(self, optimize: Any) -> Any:
        """Give SciPy's object for the bounds, or None."""
        # Strictly, for the one method that would leave them between iterations.
        return optimize.Bounds(self.low, self.high, keep_feasible=True) if self.bounded else None

    def box(self, optimize: Any) -> Any:
        """Give the same, all finite, or end the run."""
        return optimize.Bounds(*(side.astype(np.float64) for side in self._oracle.box))

    def contains(self, x: Array) -> bool:
        """Say whether `x`, (n,), is inside the bounds, rounding aside."""
        return bool((abs(np.clip(x, self.low, self.high) - x) <= self._rounding).all())

    def _inside(self, x: Any) -> Array:
        x = np.asarray(x, dtype=np.float64)
        # What is further outside is a fault, which the oracle shall see.
        return np.clip(x, self.low, self.high) if self.contains(x) else x

    def clipped(self, x: Any) -> Array:
        """Give the point inside the bounds at which constraints are asked.

        Some versions of trust-constr ask outside, where the value is +inf, so that it does not matter what is answered.
        """
        return np.clip(np.asarray(x, dtype=np.float64), self.low, self.high)

    @property
    def constraints(self) -> Constraints | None:
        """What the result shall satisfy; None if there is nothing."""
        return self._oracle.constraints

    def value(self, x: Any) -> float:
        """Ask for the value at `x`, (n,)."""
        return self._oracle.value(self._inside(x))

    def values(self, columns: Any) -> Array:
        """Ask for the values at the columns of an array of shape (n, k), or at one of shape (n,)."""
        return self._oracle.values(self._inside(np.atleast_2d(np.transpose(columns))))

    def value_and_grad(self, x: Any) -> tuple[float, Array]:
        """Ask for value and gradient at `x`, (n,)."""
        x = self._inside(x)
        value, gradient = self._oracle.value_and_grad(x)
        self._last = x.copy(), gradient.astype(np.float64)
        return value, self._last[1].copy()

    def hessian(self, x: Array) -> Array:
        """Find the Hessian at `x`, (n, n), by forward differences of n gradients."""
        base, steps = self._gradient(x), self._spacing * np.maximum(1, abs(x))
        rows = [(self.value_and_grad(x + step)[1] - base) / step.sum() for step in np.diag(steps)]
        return (np.array(rows) + np.transpose(rows)) / 2

    def product(self, x: Array, p: Array) -> Array:
        """Find the product of the Hessian at `x` with `p`, (n,), by a forward difference of one gradient."""
        length = np.linalg.norm(p)
        if length == 0:
            return np.zeros_like(x)
        base, step = self._gradient(x), self._spacing * max(1.0, abs(x).max()) / length
        return (self.value_and_grad(x + step * p)[1] - base) / step

    def _gradient(self, x: Array) -> Array:
        """Give the gradient where differences are taken; it has been asked for mostly."""
        known = [gradient for at, gradient in (self._last, self._base) if np.array_equal(at, x)]
        self._base = x.copy(), known[0] if known else self.value_and_grad(x)[1]
        return self._base[1]


class ScipySolver(Solver):
    """A solver of SciPy; authors write `call`, and the fields."""

    requires = "scipy"
    takes_bounds: ClassVar[bool] = True
    """Whether every point it asks for is inside the bounds."""
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
    def call(self, optimize: Any, ask: Questions, x0: Array, rng: np.random.Generator) -> Any:
        """Call the function of ``scipy.optimize``, and give its ``OptimizeResult``."""

    def options(self) -> dict[str, Any]:
        """Give the fields as SciPy's options; None is SciPy's default."""
        return {**self.lifted, **self.model_dump(exclude_none=True)}

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Call SciPy, and put its outcome into optikit's words."""
        ask = Questions(oracle, x0)
        if ask.bounded and not self.takes_bounds:
            raise InputError(
                f"{self.name} cannot stay inside bounds; leave them out, or choose scipy-lbfgsb (with a gradient), "
                "scipy-powell or scipy-nelder-mead"
            )
        with warnings.catch_warnings():
            # Of steps that went wrong on the way; how it ended is in the message.
            warnings.filterwarnings("ignore", module=r"scipy\.|optikit_scipy\.")
            found = self.call(import_module("scipy.optimize"), ask, x0.astype(np.float64), rng)
        message = found.message if isinstance(found.message, str) else "; ".join(found.message)
        return found.x, Stop(bool(found.success), " ".join(message.split()))


class Iterative(ScipySolver):
    """A solver whose iterations can be limited."""

    lifted: ClassVar[dict[str, Any]] = {"maxiter": UNLIMITED}

    maxiter: int | None = Field(default=None, ge=1, le=UNLIMITED)
    """Iterations, in SciPy's sense; by default only the limits of the run count, not SciPy's own."""


class Minimize(ScipySolver):
    """A method of ``scipy.optimize.minimize`` that asks for values."""

    method: ClassVar[str]

    def asks(self, ask: Questions) -> dict[str, Any]:
        """Say what SciPy is given to ask."""
        return {"fun": ask.value}

    @final
    def call(self, optimize: Any, ask: Questions, x0: Array, rng: np.random.Generator) -> Any:
        """Minimise from x0."""
        arguments = {"bounds": ask.bounds(optimize), "options": self.options(), **self.asks(ask)}
        return optimize.minimize(x0=x0, method=self.method, **arguments)


class MinimizeByGradient(Minimize):
    """A method of ``scipy.optimize.minimize`` that asks for values with gradients."""

    def asks(self, ask: Questions) -> dict[str, Any]:
        """Give value and gradient with one question."""
        return {"fun": ask.value_and_grad, "jac": True}


def seeded(function: Callable[..., Any], rng: np.random.Generator) -> dict[str, Any]:
    """Pass randomness under the name that this version of SciPy has for it."""
    return {"rng" if "rng" in inspect.signature(function).parameters else "seed": rng}
