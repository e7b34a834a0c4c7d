"""The bridge to NLopt: a component is one of its algorithms, and its options are fields.

NLopt's names and defaults are kept.  Its default for a tolerance is 0, which is never met: then an algorithm goes on
until a limit of the run, or to the limit of rounding.  That counts as an arrival here where NLopt says so; some
algorithms fail there instead, and then the message says what to do.  Two cannot do without a tolerance, and have one by
default: COBYLA and AUGLAG say why.  What optikit does itself is no field: evaluations and seconds are limited by
``max_evals`` and ``max_seconds`` (so there is no ``maxeval`` or ``maxtime``), and gradients come from the run's
``gradient``.

What a callback of NLopt raises does not always come out as it went in.  So nothing is raised there: NLopt is told to
stop, and the exception is raised after it has returned.  StoGO does not listen, but stops at a value below `stopval`,
so the answer to whatever is still asked is -inf.

Infinity and NaN make some algorithms crash, or go on forever.  They get a value that is only very large.

NLopt draws from a generator of its own, one for each thread.  A solve seeds it from the rng of the run, so a program
that uses NLopt itself meets it seeded.
"""

import math
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, final

import numpy as np
from pydantic import Field

from optikit import Array, InputError, Oracle, Questions, Solver, Stop

FAILURE = -1

ENDS = {
    1: "NLopt has arrived.",
    2: "A value below stopval is found.",
    3: "A step changes the value by less than ftol_rel or ftol_abs.",
    4: "A step changes x by less than xtol_rel or xtol_abs.",
    5: "NLopt has reached a limit of evaluations of its own.",
    FAILURE: "NLopt has failed, and does not say why",
    -3: "NLopt has run out of memory.",
    -4: "Rounding errors limit any further progress.",
}
"""What NLopt's codes mean."""

ARRIVED = {1, 2, 3, 4, -4}
"""NLopt's codes for a point that is as good as asked for, or as rounding allows."""

INVALID_ARGS = -2

LOWEST = -np.finfo(np.float64).max
"""For `stopval`: only what `Forced` answers is below."""


def _nothing(x: Array, gradient: Array) -> float:
    return 0.0


class Forced:
    """Answers the callbacks of an ``nlopt.opt``; what is raised on the way stops it, and is raised after its return."""

    def __init__(self, opt: Any) -> None:
        # NLopt keeps its callbacks where no garbage collector sees them: a strong reference back would be a leak.
        self._opt, self._raised = weakref.ref(opt), list[BaseException]()

    def answer(self, question: Callable[..., Any]) -> Callable[..., float]:
        """Make a callback of a function."""

        def callback(*arguments: Any) -> float:
            if not self._raised:
                try:
                    return question(*arguments)
                except BaseException as error:
                    self._raised.append(error)
                    if (opt := self._opt()) is not None:
                        opt.force_stop()
            return -math.inf

        return callback

    def optimize(self, x0: Array) -> tuple[Array, int, str | None]:
        """Let NLopt run; give its point, its code and what it says of an error."""
        if (opt := self._opt()) is None:
            raise ReferenceError("the nlopt.opt to be run is gone")
        opt.set_exceptions_enabled(False)
        try:
            x, code, said = opt.optimize(x0), opt.last_optimize_result(), opt.get_errmsg()
        except SystemError as error:  # Ctrl-C just outside of the function that is guarded
            raise error.__cause__ or error from None
        finally:  # or callback, exception, its traceback and opt would keep each other alive
            opt.set_min_objective(_nothing)
            opt.remove_inequality_constraints()
            opt.remove_equality_constraints()
        if self._raised:
            raise self._raised[0]
        return x, code, said


class Nlopt(Solver):
    """An algorithm of NLopt; authors write `algorithm`, and the fields."""

    requires = "nlopt"
    algorithm: ClassVar[str]
    """NLopt's name for it, such as ``"LD_LBFGS"``."""
    ours: ClassVar[frozenset[str]] = frozenset()
    """Fields that are no options of NLopt."""

    stopval: float | None = None
    """Stop at a value below this; never by default."""

    def variant(self, ask: Questions) -> str:
        """Give NLopt's name for the algorithm with these fields, for this problem."""
        return self.algorithm

    def sides(self, ask: Questions) -> tuple[Array, Array]:
        """Give the bounds; without finite ones, what needs a box ends the run here."""
        return ask.bounds

    def restrict(self, opt: Any, ask: Questions, forced: Forced) -> None:
        """Pass constraints on; here none, so that the oracle refuses them."""

    def made(self, ask: Questions) -> Any:
        """Make the ``nlopt.opt`` with all options set."""
        nlopt = import_module("nlopt")
        opt = nlopt.opt(getattr(nlopt, self.variant(ask)), len(ask.x0))
        opt.set_stopval(LOWEST)
        for option, value in self.model_dump(exclude_none=True, exclude=set(self.ours)).items():
            setter: Any = getattr(opt, f"set_{option}", None)
            if setter is None:
                opt.set_param(option, float(value))
            else:
                setter(value)
        return opt

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Run NLopt, and put its outcome into optikit's words."""
        ask = Questions(oracle, x0)
        low, high = self.sides(ask)
        opt = self.made(ask)
        opt.set_lower_bounds(low)
        opt.set_upper_bounds(high)
        forced, finite = Forced(opt), False

        def value(x: Array, gradient: Array) -> float:
            nonlocal finite
            if gradient.size:
                answer, slope = ask.value_and_grad(x)
                gradient[:] = slope if answer < ask.LARGE else 0.0
            else:
                answer = ask.value(x)
            finite |= answer < ask.LARGE
            return min(answer, ask.LARGE)

        opt.set_min_objective(forced.answer(value))
        self.restrict(opt, ask, forced)
        import_module("nlopt").srand(int(rng.integers(2**32)))
        x, code, said = forced.optimize(ask.x0)
        if code == INVALID_ARGS:
            raise InputError(f"NLopt cannot use {self.name} for this problem: {said or 'it does not say why'}")
        if not finite:
            return x, Stop(False, "NLopt has met no finite value.")
        return x, Stop(code in ARRIVED, self._failed if code == FAILURE else ENDS[code])

    @property
    def _failed(self) -> str:
        """What is said of a failure: with what to do, if it was not told when to stop."""
        tolerances = self.model_dump(include={"ftol_rel", "ftol_abs", "xtol_rel", "xtol_abs"})
        if not tolerances or any(tolerances.values()):
            return f"{ENDS[FAILURE]}."
        advice = "perhaps at the limit of accuracy, as its tolerances are 0; set one, such as xtol_rel=1e-8"
        return f"{ENDS[FAILURE]}, {advice}."


class Tolerant(Nlopt):
    """An algorithm that stops at tolerances."""

    ftol_rel: float = Field(default=0.0, ge=0)
    """Stop when a step changes the value by less than this fraction of it; 0 is never."""
    ftol_abs: float = Field(default=0.0, ge=0)
    """Stop when a step changes the value by less than this; 0 is never."""
    xtol_rel: float = Field(default=0.0, ge=0)
    """Stop when a step changes x by less than this fraction of it, in the sum of absolute values; 0 is never."""
    xtol_abs: float = Field(default=0.0, ge=0)
    """Stop when a step changes no coordinate of x by as much as this; 0 is never."""


class Local(Tolerant):
    """A local algorithm that stays inside bounds, so that others may be built around it."""
