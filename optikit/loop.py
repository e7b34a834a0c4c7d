"""The one loop of the library: every run of every optimizer, on a function or on a model, goes through `execute`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from optikit.bounds import inside
from optikit.budget import Budget
from optikit.component import packages
from optikit.convergence import Convergence
from optikit.database import CheckpointError
from optikit.errors import ContractError, InputError, OptikitError, raised
from optikit.failures import Failures
from optikit.gradient import GradientEstimator
from optikit.history import Kept
from optikit.interrupts import held
from optikit.journal import Journal
from optikit.optimizer import Optimizer, State, TellingState
from optikit.oracle import Oracle
from optikit.plain import encode
from optikit.problem import Problem
from optikit.result import Result
from optikit.source import Source
from optikit.stop import INTERRUPTED, Stop, StopReason, Unwind
from optikit.stopping import Stopping
from optikit.types import Array
from optikit.watch import Watchers


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What callbacks and observers see after a step, and observers within one."""

    step: int
    """Finished steps."""
    x: Any
    """The point recommended now, a copy, in the structure of the `x0` that the user gave, fixed parameters included."""
    fun: float
    """The lowest answer of this step; NaN if nothing was asked."""
    best: float
    """The lowest value so far; with constraints the lowest at a feasible point, infinite until there is one."""
    nfev: int
    njev: int
    seconds: float
    accuracy: float | None = None
    """Of a training: the accuracy on held-out samples when last measured."""
    held_out_loss: float | None = None
    """Of a training: the loss on held-out samples when last measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Everything that determines a run; observers get it before the first step."""

    problem: Problem
    x0: Array
    """As the optimizer sees it, shape (n,); `problem.restore` gives it the structure that the user knows."""
    optimizer: Optimizer[Any]
    gradient: GradientEstimator | None
    budget: Budget
    planned: int | None = None
    """Steps of all epochs; a run that has made them has ended as planned."""
    failures: Failures = field(default_factory=Failures)
    """What is told of evaluations that fail."""
    keep: Kept = "values"
    """What the history keeps."""
    continued: bool = False
    """Whether it goes on from a checkpoint, so that some steps have been seen before."""
    stopping: tuple[Stopping[Any], ...] = ()
    """What ends it when it gets nowhere."""


Watcher = Callable[[Progress], Any]

_ARRIVED = StopReason.CONVERGED, StopReason.EPOCHS
"""Ends at the point where the optimizer is, and not at the best one seen."""


class Measure(Protocol):
    """Adds to what callback and observers see, and has a memory that a continued run needs."""

    def measure(self, progress: Progress) -> Progress:
        """Add to what is known after a step."""
        ...

    def memory(self) -> dict[str, Any]:
        """Give what a continued run has to know."""
        ...

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from there."""
        ...


def execute(
    run: Run,
    rng: np.random.Generator,
    *,
    look: Callable[[Array], int] | None = None,
    measure: Measure | None = None,
    watchers: Watchers | None = None,
    callback: Watcher | None = None,
    source: Source | None = None,
    journal: Journal | None = None,
    make_oracle: Callable[..., Oracle] = Oracle,
) -> tuple[Result, BaseException | None]:
    """Run an optimizer until something ends it.

    Parameters
    ----------
    run : Run
        What to do.
    rng : numpy.random.Generator
        Gives the streams of the optimizer and of the estimator.
    look : callable, optional
        Called with the start point before the first exact gradient is asked for; gives how many evaluations it made.
    measure : Measure, optional
        Adds to what callback and observers see.
    watchers : Watchers, optional
        Shown every step, and what is known within steps that take long.
    callback : callable, optional
        The user's own; what it raises ends the run, StopIteration without an error.
    source : Source, optional
        Who computes the answers; the problem itself, in this process, if not given.
    journal : Journal, optional
        Where answers are written down; one that has some already continues that run.
    make_oracle : callable
        Makes the oracle, for who wants to see what is asked.

    Returns
    -------
    result : Result
        With the point in the structure that the user knows.
    error : BaseException or None
        What ended the run, if it was an exception; to be raised by `deliver`.

    Raises
    ------
    InputError
        If `x0` does not fit the problem, or the journal is not one of this run; nothing has been asked then.
    """
    optimizer_rng, gradient_rng = rng.spawn(2)
    x0 = start(run.problem, run.x0)
    source = source or Source(run.problem, lenient=run.failures.error != "raise")
    first_look = None if look is None else partial(look, x0.copy())
    if journal is not None:
        journal.attach(source, run.keep)
        source, first_look = journal, None if first_look is None else journal.once(first_look)
    settings: dict[str, Any] = {"gradient": run.gradient, "budget": run.budget, "rng": gradient_rng, "look": first_look}
    settings |= {"failures": run.failures, "keep": run.keep, "stopping": run.stopping}
    oracle = make_oracle(run.problem, x0, source=source, **settings)
    state = State(x=x0)
    if watchers:
        # Only what can be told without asking anything: nobody who watches may change what a step does.
        oracle.tick = partial(watchers.within, lambda: _progress(run, oracle, oracle.best[1].copy()))

    def memory() -> dict[str, Any]:
        return {"state": state, "oracle": oracle.memory(), "measure": measure and measure.memory()}

    # Overflow and NaN are counted and reported by the oracle, once; NumPy's warnings would say it again each time.
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            state = _checked(run, run.optimizer.init(x0.copy(), optimizer_rng))
            if journal is not None:
                taken = journal.snapshot(packages(run.optimizer))
                if taken is None:
                    journal.write(encode(memory()))  # a state that cannot be saved is refused before anything is asked
                else:
                    state = _recalled(taken, oracle, measure, journal)
                oracle.hold(journal.spent)
                journal.begin_live(oracle.release, lambda: oracle.seconds)
            while (ended := _ended(run, oracle, state)) is None:
                oracle.begin_step()
                state = run.optimizer.step(oracle, state)
                oracle.end_step()
                state = _checked(run, state)
                if watchers or callback or measure:
                    # Callbacks may keep what they see; without any, nothing need be copied.
                    x = np.array(state.x) if watchers or callback else state.x
                    progress = _progress(run, oracle, x)
                    progress = measure.measure(progress) if measure else progress
                    if watchers:
                        watchers.show(progress)
                        progress = replace(progress, x=run.problem.restore(np.array(state.x))) if callback else progress
                    if callback:
                        _call(callback, progress)
                if journal is not None:
                    journal.end_step(oracle.last_step, memory)
        except BaseException as caught:
            # Whatever came out of the step: if the oracle has ended the run, that was the cause.
            ended = oracle.ended or _unwind(caught)
            if isinstance(ended.error, ContractError) and ended.error.__traceback__ is None:
                ended.error.__traceback__ = caught.__traceback__  # so that its author sees which line has asked
            if journal is not None and oracle.in_step and not journal.proven:
                ended = _doubted(run, journal, ended, asked=oracle.ended is not None)
        x, fun, violation = _best(run.problem, oracle, state, ended)
        convergence = Convergence.of(oracle, x, run.failures)
        ended = _feasibly(oracle, state, ended)
    message = ended.message
    if oracle.nans:
        message += f" ({oracle.nans:,} of {oracle.nfev:,} evaluations gave NaN; history.failures says which.)"
    if oracle.failed:
        message += f" ({oracle.failed:,} of {oracle.nfev:,} evaluations failed; history.failures says why.)"
    oracle.history.units = run.problem.units(run.x0)
    result = Result(
        x=run.problem.restore(x),
        fun=fun,
        violation=violation,
        reason=ended.reason,
        message=message,
        nfev=oracle.nfev,
        njev=oracle.njev,
        nit=oracle.history.nit,
        nfev_check=oracle.looked,
        nans=oracle.nans,
        seconds=oracle.seconds,
        log=list(state.log) if isinstance(state, TellingState) else [],
        history=oracle.history,
        convergence=convergence,
    )
    error = ended.error
    if journal is not None:
        last = None if oracle.in_step else encode(memory())
        totals = fun, result.nfev, result.njev, result.nit, result.seconds
        try:
            with held():
                journal.finish(result.reason.value, message, totals, last)
        except CheckpointError as unwritten:
            error = error or unwritten
    return result, error


def _recalled(taken: dict[str, Any], oracle: Oracle, measure: Measure | None, journal: Journal) -> State:
    """Go on from a snapshot."""
    try:
        state, memory = taken["state"], taken["measure"]
        stop: Any = getattr(state, "stop", None)
        if not isinstance(state, State) or np.shape(state.x) != oracle.best[1].shape:
            raise ValueError("no state of this run")
        if stop is not None and not (isinstance(stop, Stop) and stop.reason in (None, *StopReason)):
            raise ValueError("no reason to stop")
        oracle.recall(taken["oracle"], journal.recall)
        if measure:
            measure.recall(memory)
    except Exception as error:  # data of a file, put where numbers are expected, raise many things
        if isinstance(error, InputError):
            raise
        raise InputError(f"{journal.path}: run {journal.run} is damaged: its snapshot lacks something") from error
    return state


def _doubted(run: Run, journal: Journal, ended: Unwind, *, asked: bool) -> Unwind:
    """Tell that an optimizer could not make a step from a state that was read, rather than what it tripped over.

    What the objective raises is no doubt about the state: a question was asked then, and the oracle has ended the run.
    """
    error = ended.error
    ours = isinstance(error, OptikitError) and not isinstance(error, ContractError)
    if not isinstance(error, Exception) or ours or (asked and not isinstance(error, ContractError)):
        return ended
    misfit = InputError(
        f"{journal.path}: run {journal.run} cannot be continued: in the first step from its snapshot "
        f"{run.optimizer.name} {raised(error)}; was the file changed, or another version installed? if not, its author "
        "must mend it"
    )
    misfit.__cause__ = error
    return _unwind(misfit)


def deliver(result: Any, error: BaseException | None) -> Any:
    """Return the result, or raise what ended the run with the result as its attribute `result`."""
    if error is None:
        return result
    error.__dict__["result"] = result
    raise error


def start(problem: Problem, x0: Array) -> Array:
    """Check a start point; one that only rounding has put outside its bounds is moved back.

    Raises
    ------
    InputError
        If it does not fit the problem, or is outside the bounds.
    """
    n = problem.n
    if n is not None and len(x0) != n:
        raise InputError(f"x0 has {len(x0):,} parameters, but the problem has {n:,}; pass as many")
    return inside(x0, problem.bounds(len(x0)), problem.label)


def _checked(run: Run, state: State) -> State:
    """Refuse what is no state: a step without a return statement, most often."""
    if not hasattr(state, "x") or not hasattr(state, "stop"):
        raise ContractError(f"{run.optimizer.name} gave {state!r} for a state; init and step return a State")
    return state


def _ended(run: Run, oracle: Oracle, state: State) -> Unwind | None:
    """Say whether the run ends between two steps."""
    nit = oracle.history.nit
    if state.stop is not None:
        success, message, reason = state.stop
        return Unwind(reason or (StopReason.CONVERGED if success else StopReason.FAILED), message)
    if oracle.due is not None and oracle.due.reason.success:
        return oracle.due
    if nit == run.planned:
        return Unwind(StopReason.EPOCHS, "All epochs are done.")
    if nit == run.budget.max_steps:
        return Unwind(StopReason.MAX_STEPS, f"The budget of {nit:,} steps is used up.")
    return oracle.due


def _unwind(raised: BaseException) -> Unwind:
    if isinstance(raised, Unwind):
        return raised
    if isinstance(raised, KeyboardInterrupt):
        return Unwind(StopReason.INTERRUPTED, INTERRUPTED)
    return Unwind(StopReason.ERROR, f"{type(raised).__name__}: {raised}", raised)


def _progress(run: Run, oracle: Oracle, x: Array) -> Progress:
    return Progress(
        step=oracle.history.nit,
        x=run.problem.restore(x),
        fun=oracle.answer,
        best=oracle.best_fun,
        nfev=oracle.nfev,
        njev=oracle.njev,
        seconds=oracle.seconds,
    )


def _call(callback: Watcher, progress: Progress) -> None:
    try:
        callback(progress)
    except StopIteration:
        raise Unwind(StopReason.CALLBACK, "The callback ended the run.") from None


def _feasibly(oracle: Oracle, state: State, ended: Unwind) -> Unwind:
    """Let no run succeed that has not arrived at a point that satisfies the constraints."""
    if not oracle.feasible and (oracle.nfev or ended.reason.success):
        said = "No point that was evaluated satisfies the constraints; x is the one that violates them least."
    elif ended.reason in _ARRIVED and (violation := _violation(oracle, state.x)) is not None:
        said = f"It arrived where a constraint is violated by {violation:.2g}; x is the best feasible point seen."
    else:
        return ended
    reason = StopReason.FAILED if ended.reason.success else ended.reason
    return Unwind(reason, f"{ended.message} {said}", ended.error)


def _violation(oracle: Oracle, x: Array) -> float | None:
    """Say by how much a point violates the constraints; None if it does not."""
    try:
        return (oracle.constraints and oracle.constraints.excess(np.array(x))) or None
    except Unwind:  # the run has ended already; this point only cannot be judged
        return math.inf


def _best(problem: Problem, oracle: Oracle, state: State, ended: Unwind) -> tuple[Array, float, float]:
    """Choose the point that the result gives, and give its value and its violation of the constraints.

    Values of one function compare (`Oracle.compares`): the best point seen wins.  Those of minibatches do not: there
    the optimizer's recommendation counts, judged on all samples.  Where that is of no use, or is as old as the
    beginning of a step that was cut short, the best point seen is judged too, and the better of the two wins.
    """
    best_fun, best_x, violation = oracle.best
    if oracle.compares:
        return best_x, best_fun, violation
    x = np.array(getattr(state, "x", best_x))
    fun = _judged(problem, x)
    if oracle.in_step or ended.reason is StopReason.DIVERGED or not math.isfinite(fun):
        seen = _judged(problem, best_x)
        if not fun <= seen:
            return best_x, seen, 0.0
    return x, fun, 0.0


def _judged(problem: Problem, x: Array) -> float:
    try:
        return problem.whole.value(x)
    except (Exception, KeyboardInterrupt):  # the run has ended already; this point only cannot be judged
        return math.inf
