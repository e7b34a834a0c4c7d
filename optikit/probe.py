"""A probe: what an optimizer can do and what it needs, found out by running it for a moment on a tiny problem.

Nothing is declared by its author, so nothing can be declared wrongly.  The same quadratic of two parameters is
minimised with and without a gradient, in a box and without bounds, and what the optimizer asks is looked at.  Its
minimum is far outside the box, and the start point close to the sides that are in the way: whoever does not mind the
bounds is out at the first step, where the oracle refuses it.  A constraint that the minimum violates is tried, too.
"""

import io
import threading
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
from pydantic import Field

from optikit.budget import Budget
from optikit.constraint import NonlinearConstraint
from optikit.described import Described
from optikit.fault import said
from optikit.library import import_library
from optikit.loop import Progress, Run, execute
from optikit.optimizer import Optimizer
from optikit.oracle import Oracle
from optikit.problem import Problem
from optikit.stop import StopReason, Unwind
from optikit.types import Array

MAX_EVALS = 200
"""Evaluations of one run: enough for a local search inside a global one to arrive, and the next to be drawn."""
MAX_SECONDS = 1.0
"""Seconds of one run, from its first question on: a library may load, or compile, before it."""
PATIENCE = 10.0
"""Seconds of all runs together, after which they are left alone."""

_LACKS = {
    "needs_gradient": "needs no gradient",
    "bounds": "takes no bounds",
    "needs_box": "needs no finite box",
    "constraints": "takes no constraints",
    "batches": "evaluates one point at a time",
    "stochastic": "is deterministic",
}
"""What is said of who has not an ability; of who has it, the title of the field."""

_START, _BOX = np.array([1e-3, 2e-3]), (0.0, 2.0)
_SUM = NonlinearConstraint(lambda x: x[0] + x[1], lower=1.0, gradient=np.ones_like)


class Abilities(Described):
    """What an optimizer can do and what it needs; None where that is not known.

    An ability is that of the optimizer with the fields that it has: a population may be evaluated in batches or not.
    """

    needs_gradient: bool | None = Field(default=None, title="needs a gradient")
    """Whether it asks for gradients: then the function needs one, or the run an estimator."""
    bounds: bool | None = Field(default=None, title="takes bounds")
    """Whether it takes bounds and stays inside them."""
    needs_box: bool | None = Field(default=None, title="needs a finite box")
    """Whether it needs bounds, and all of them finite."""
    constraints: bool | None = Field(default=None, title="takes constraints")
    """Whether it takes constraints, nonlinear ones too, and recommends a point that satisfies them."""
    batches: bool | None = Field(default=None, title="evaluates in batches")
    """Whether it ever asks for the values at several points at once, which can be found in parallel."""
    stochastic: bool | None = Field(default=None, title="is stochastic")
    """Whether it goes another way with another seed."""
    unknown: str = ""
    """Why nothing is known."""

    @property
    def complete(self) -> bool:
        """Whether all of them are known."""
        return not self.unknown and all(value is not None for _, value in self)

    @property
    def in_words(self) -> str:
        """All of them in one line."""
        if self.unknown:
            return f"what it can do is unknown: {self.unknown}"
        had = {name: type(self).model_fields[name].title or name for name in _LACKS if getattr(self, name)}
        return ", ".join({**_LACKS, **had}.values())


def probed(optimizer: Optimizer[Any]) -> Abilities:
    """Find out what an optimizer can do.

    It runs in a thread for a few milliseconds, and for `PATIENCE` seconds at most.  What it prints is dropped, and so
    are its warnings.

    Parameters
    ----------
    optimizer : Optimizer
        With all its fields.

    Returns
    -------
    Abilities
        All of them, or none and the reason: nothing that the optimizer does is an error here.
    """
    found: list[Abilities] = []
    over = threading.Event()
    silence = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(silence), redirect_stderr(silence):
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=lambda: found.append(_probed(optimizer, over)), daemon=True)
        try:
            # Not in the thread, as some libraries can be loaded in the main one only.
            _ = optimizer.requires and import_library(optimizer.requires)
            thread.start()
            thread.join(PATIENCE)
        except Exception as error:
            return Abilities(unknown=f"{optimizer.requires} cannot be loaded ({said(error)})")
        finally:
            over.set()  # at its next question a run ends that is left alone, or interrupted
    return found[0] if found else Abilities(unknown=f"{optimizer.name} did not end within {PATIENCE:g} seconds")


def _probed(optimizer: Optimizer[Any], over: threading.Event) -> Abilities:
    free, boxed = _Trial(optimizer, over), _Trial(optimizer, over, bounds=_BOX)
    if not (free.works or boxed.works):
        return Abilities(unknown=f"it fails with bounds and without; {boxed.failure}")
    bounds = None if free.works else _BOX
    home = free if free.works else boxed
    other = _Trial(optimizer, over, seed=1, bounds=bounds)
    return Abilities(
        needs_gradient=not _Trial(optimizer, over, exact=False, bounds=bounds).works,
        bounds=boxed.works,
        needs_box=not free.works,
        constraints=_Trial(optimizer, over, bounds=bounds, constrained=True).works,
        batches=free.batches or boxed.batches,
        stochastic=home.differs(other),
    )


class _Trial:
    """One run, and what was seen of it."""

    def __init__(
        self,
        optimizer: Optimizer[Any],
        over: threading.Event,
        *,
        seed: int = 0,
        exact: bool = True,
        bounds: Any = None,
        constrained: bool = False,
    ) -> None:
        self.points: list[bytes] = []
        self.batches = False
        self._over, self._until, self._oracle = over, 0.0, None
        self._constrained, self._x = constrained, np.array([1.0, 1.0]) if constrained else _START
        problem = Problem(self._fun, _gradient if exact else None, bounds, [_SUM] if constrained else ())
        run = Run(problem=problem, x0=self._x, optimizer=optimizer, gradient=None, budget=Budget(max_evals=MAX_EVALS))
        rng = np.random.default_rng(seed)
        _, self.error = execute(run, rng, callback=self._recommended, make_oracle=self._watch)

    def _recommended(self, progress: Progress) -> None:
        self._x = progress.x

    def _watch(self, *args: Any, **options: Any) -> Oracle:
        self._oracle = _Watched(self, *args, **options)
        return self._oracle

    def _fun(self, x: Array) -> float:
        """Give the value of a quadratic with its minimum at (-2, -2).

        It is so curved that descent with the usual learning rate of 0.01 arrives, and so does what comes after it.
        """
        now = time.perf_counter()
        self._until = self._until or now + MAX_SECONDS
        if self._oracle is not None and (now > self._until or self._over.is_set()):
            self._oracle.ended = Unwind(StopReason.MAX_SECONDS, "The probe is over.")
        self.points.append(x.tobytes())
        u, v = x.tolist()
        return 20 * (u * u + u * v + 2 * v * v + 6 * u + 10 * v)

    @property
    def works(self) -> bool:
        """Whether it has asked, nothing that it asked was wrong, and it recommends what satisfies the constraint."""
        return bool(self.points) and self.error is None and not (self._constrained and self._x.sum() < 0.99)

    @property
    def failure(self) -> str:
        """Why it does not work."""
        return "it asks nothing" if self.error is None else said(self.error)

    def differs(self, other: "_Trial") -> bool:
        """Whether other points were asked for, as far as both have come."""
        return any(a != b for a, b in zip(self.points, other.points, strict=False))


def _gradient(x: Array) -> Array:
    """Give the gradient of the same."""
    return np.array([[40.0, 20.0], [20.0, 80.0]]) @ x + (120.0, 200.0)


class _Watched(Oracle):
    """An oracle that sees batches, which the function does not."""

    def __init__(self, trial: _Trial, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._trial = trial

    def values(self, xs: Array) -> Array:
        self._trial.batches |= len(xs) > 1
        return super().values(xs)
