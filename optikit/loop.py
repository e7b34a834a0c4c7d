"""The one loop of the library: every run of every optimizer, on a function or on a model, goes through `execute`."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit.bounds import outside
from optikit.budget import Budget
from optikit.errors import InputError
from optikit.gradient import GradientEstimator
from optikit.optimizer import Optimizer, State
from optikit.oracle import Oracle
from optikit.problem import Problem
from optikit.result import Result
from optikit.stop import StopReason, Unwind
from optikit.types import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What callbacks and observers see after a step."""

    step: int
    """Finished steps."""
    x: Array
    """The point recommended now, a copy, shape (n,)."""
    fun: float
    """The lowest answer of this step; NaN if nothing was asked."""
    best: float
    """The lowest value so far."""
    nfev: int
    njev: int
    seconds: float
    accuracy: float | None = None
    """Of a training: the accuracy on held-out samples when last measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Everything that determines a run; observers get it before the first step."""

    problem: Problem
    x0: Array
    optimizer: Optimizer[Any]
    gradient: GradientEstimator | None
    budget: Budget
    planned: int | None = None
    """Steps of all epochs; a run that has made them has ended as planned."""


Watcher = Callable[[Progress], Any]


def execute(
    run: Run,
    rng: np.random.Generator,
    *,
    measure: Callable[[Progress], Progress] | None = None,
    observers: Sequence[Watcher] = (),
    callback: Watcher | None = None,
) -> tuple[Result, Exception | None]:
    """Run an optimizer until something ends it.

    Parameters
    ----------
    run : Run
        What to do.
    rng : numpy.random.Generator
        Gives the streams of the optimizer and of the estimator.
    measure : callable, optional
        Adds to what callback and observers see.
    observers : sequence of callable
        Called after every step; one that raises is reported once and dropped.
    callback : callable, optional
        The user's own; what it raises ends the run, StopIteration without an error.

    Returns
    -------
    result : Result
        With the flat point.
    error : Exception or None
        What ended the run, if it was an exception; to be raised by `deliver`.
    """
    optimizer_rng, gradient_rng = rng.spawn(2)
    oracle = Oracle(run.problem, run.x0, gradient=run.gradient, budget=run.budget, rng=gradient_rng)
    low, high = oracle.bounds
    if (i := outside(run.x0, (low, high))) is not None:
        raise InputError(f"x0 is {run.x0[i]:g} in coordinate {i}, outside its bounds [{low[i]:g}, {high[i]:g}]")
    state = State(x=run.x0)
    watchers = list(observers)
    nit, error = 0, None
    try:
        # Overflow and NaN are counted and reported by the oracle, once; NumPy's warnings would say it again each time.
        with np.errstate(over="ignore", invalid="ignore"):
            state = run.optimizer.init(run.x0.copy(), optimizer_rng)
            while (ended := _ended(run, state, nit)) is None:
                oracle.begin_step(nit)
                state = run.optimizer.step(oracle, state)
                nit += 1
                oracle.end_step()
                if watchers or callback or measure:
                    progress = _progress(oracle, state, nit)
                    _show(measure(progress) if measure else progress, watchers, callback)
        reason, message = ended
    except Unwind as unwind:
        reason, message, error = unwind.reason, unwind.message, unwind.error
    except KeyboardInterrupt:
        reason, message = StopReason.INTERRUPTED, "Interrupted from the keyboard."
    except Exception as raised:
        reason, message, error = StopReason.ERROR, f"{type(raised).__name__}: {raised}", raised
    x, fun = _best(run.problem, oracle, state, reason)
    if oracle.nans:
        message += f" ({oracle.nans:,} of {oracle.nfev:,} evaluations gave NaN and counted as +inf.)"
    result = Result(
        x=x,
        fun=fun,
        reason=reason,
        message=message,
        nfev=oracle.nfev,
        njev=oracle.njev,
        nit=nit,
        nans=oracle.nans,
        seconds=oracle.seconds,
        history=oracle.history,
    )
    return result, error


def deliver(result: Any, error: Exception | None) -> Any:
    """Return the result, or raise what ended the run with the result as its attribute `result`."""
    if error is None:
        return result
    error.__dict__["result"] = result
    raise error


def _ended(run: Run, state: State, nit: int) -> tuple[StopReason, str] | None:
    if state.stop is not None:
        success, message, reason = state.stop
        return reason or (StopReason.CONVERGED if success else StopReason.FAILED), message
    if nit == run.planned:
        return StopReason.EPOCHS, "All epochs are done."
    if nit == run.budget.max_steps:
        return StopReason.MAX_STEPS, f"The budget of {nit:,} steps is used up."
    return None


def _progress(oracle: Oracle, state: State, nit: int) -> Progress:
    return Progress(
        step=nit,
        x=np.array(state.x),
        fun=oracle.answer,
        best=oracle.best_fun,
        nfev=oracle.nfev,
        njev=oracle.njev,
        seconds=oracle.seconds,
    )


def _show(progress: Progress, watchers: list[Watcher], callback: Watcher | None) -> None:
    for watcher in list(watchers):
        try:
            watcher(progress)
        except Exception as fault:
            watchers.remove(watcher)
            warnings.warn(f"an observer raised {fault!r} and is no longer called", RuntimeWarning, stacklevel=3)
    if callback is not None:
        try:
            callback(progress)
        except StopIteration:
            raise Unwind(StopReason.CALLBACK, "The callback ended the run.") from None


def _best(problem: Problem, oracle: Oracle, state: State, reason: StopReason) -> tuple[Array, float]:
    """Choose the point that the result gives.

    Values of one function compare: the best point seen wins.  Values of different minibatches do not: there the
    optimizer's recommendation counts, judged on all samples, and the luckiest point seen stands in only where the
    recommendation is of no use.
    """
    if not problem.stochastic:
        return oracle.best_x, oracle.best_fun
    x, fun = np.array(state.x), _judged(problem, state.x)
    if reason in (StopReason.DIVERGED, StopReason.ERROR) or not math.isfinite(fun):
        seen = _judged(problem, oracle.best_x)
        if not fun <= seen:
            return oracle.best_x, seen
    return x, fun


def _judged(problem: Problem, x: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return problem.whole.value(x)
        except Exception:  # what raised has ended the run already; here it only means that this point is no good
            return math.inf
