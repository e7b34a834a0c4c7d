"""A trial: one optimizer on one problem from one seed, and what of it the statistics need.

That is the improvements: at which evaluation the best value changed, and what it was then, by the value that the
problem judges by.  All else (when a target was reached, what a shorter budget would have given) follows from them.  A
trial that fails, or that is refused since optimizer and problem do not fit, is a trial, too, and says why.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit import registry
from optikit.comparison.cases import Case
from optikit.comparison.contestants import Contestant
from optikit.comparison.terms import Terms
from optikit.errors import InputError, OptikitError, one_line, raised
from optikit.gradient import GradientEstimator
from optikit.loop import Run, execute
from optikit.objective import Rule
from optikit.observer import watched
from optikit.problem import Problem
from optikit.result import Result
from optikit.run import posed
from optikit.source import Source
from optikit.stop import StopReason
from optikit.types import Array, ComplexArray

REFUSED = "refused"
"""How a trial ended that never began, as optimizer and problem do not fit."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """One optimizer on one problem from one seed."""

    problem: str
    optimizer: str
    seed: int
    start: float
    """The value at the start; infinite if it is none."""
    evaluations: NDArray[np.int64]
    """Which evaluations were better than all before, counted from 1."""
    values: NDArray[np.float64]
    """Their values, by the problem's judge; each below the one before."""
    nfev: int
    """Evaluations, difference quotients included."""
    njev: int
    """Gradients that the optimizer was given."""
    seconds: float
    """Seconds of the trial."""
    seconds_fun: float
    """Those that the function and its gradient took; the others are the optimizer's own."""
    reason: str
    """Why it ended: as `Result.reason`, or ``"refused"``."""
    message: str
    """The same in one sentence."""

    @property
    def best(self) -> float:
        """The best value."""
        return float(self.values[-1]) if len(self.values) else math.inf

    @property
    def failed(self) -> bool:
        """Whether it was refused, or something raised."""
        return self.reason in (REFUSED, StopReason.ERROR.value)

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is a trial of: problem, optimizer and seed."""
        return self.problem, self.optimizer, self.seed


def attempt(case: Case, contestant: Contestant, seed: int, terms: Terms) -> Trial:
    """Make a trial.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted: half of it tells nothing.
    """
    first = math.inf
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # thousands of trials would say the same
            starts, stream = terms.streams(case.label, seed)
            problem, x0 = case.posed.pose(), case.posed.start(starts)
            run = _run(problem, x0, case, contestant, terms)
            judge = case.judge or run.problem.whole.value
            first = _start(judge, run)
            source = _Timed(run.problem)
            with watched(run, registry.default().observers, ()) as watchers:
                result, error = execute(run, stream, source=source, watchers=watchers)
                watchers.close(result)
            numbers, values = _improvements(result, judge if _judged(case, problem) else None)
    except (Exception, SystemExit) as refusal:
        said = str(refusal) if isinstance(refusal, OptikitError) else raised(refusal)
        how = REFUSED if isinstance(refusal, InputError) else StopReason.ERROR.value
        return _trial(case, contestant, seed, start=first, reason=how, message=one_line(said))
    if result.reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    refused = isinstance(error, InputError) and not result.nfev
    return _trial(
        case,
        contestant,
        seed,
        start=first,
        evaluations=numbers,
        values=values,
        nfev=result.nfev,
        njev=result.njev,
        seconds=result.seconds,
        seconds_fun=source.seconds,
        reason=REFUSED if refused else result.reason.value,
        message=one_line(str(error) if refused else result.message),
    )


def lost(case: Case, contestant: Contestant, seed: int, message: str) -> Trial:
    """Give the trial whose worker has died."""
    return _trial(case, contestant, seed, reason=StopReason.ERROR.value, message=one_line(message))


def _trial(case: Case, contestant: Contestant, seed: int, **known: Any) -> Trial:
    nothing: dict[str, Any] = {"start": math.inf, "nfev": 0, "njev": 0, "seconds": 0.0, "seconds_fun": 0.0}
    nothing |= {"evaluations": np.zeros(0, dtype=np.int64), "values": np.zeros(0)}
    return Trial(problem=case.label, optimizer=contestant.label, seed=seed, **{**nothing, **known})


def _run(problem: Problem, x0: Array, case: Case, contestant: Contestant, terms: Terms) -> Run:
    judged = _judged(case, problem)
    aim = None if case.minimum is None or judged else case.minimum + float(terms.precisions[-1])
    nothing: Any = dict.fromkeys(("bounds", "fixed", "scale", "constraints", "feasibility_tol", "stop"))
    return posed(
        problem,
        x0,
        optimizer=contestant.optimizer,
        gradient=contestant.gradient or _gradient(problem),
        on_error="raise",
        # Values that are not those that points are judged by do not tell which points were the best.
        history="points" if judged and not problem.constraints else "best",
        continued=False,
        max_evals=terms.allowance(case.n),
        max_seconds=terms.max_seconds,
        target=aim,
        **nothing,
    )


def _judged(case: Case, problem: Problem) -> bool:
    """Say whether points are judged after the trial: also those of minibatches, whose values do not compare."""
    return case.judge is not None or problem.stochastic


def _gradient(problem: Problem) -> GradientEstimator | None:
    """Choose forward differences where the problem has no gradient of its own."""
    return None if problem.differentiable else registry.default().make("gradient", "forward-difference")


def _start(judge: Callable[[Array], float], run: Run) -> float:
    """Give the value at the start, which is not counted; infinite where there is none."""
    try:
        value = judge(run.x0.copy())
    except Exception:  # the trial will meet it, and say so
        return math.inf
    return value if math.isfinite(value) else math.inf


def _improvements(
    result: Result, judge: Callable[[Array], float] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    history = result.history
    numbers, values = history.numbers + 1, history.fun
    if judge is not None:
        values = np.array([judge(x) for x in history.points], dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.inf)
    before = np.concatenate([[np.inf], np.minimum.accumulate(values)])[: len(values)]
    better = values < before
    return numbers[better], values[better]


class _Timed(Source):
    """Answers from the problem itself, by the clock."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.seconds = 0.0
        """Seconds that the answers took."""

    def _timed(self, ask: Callable[..., Any], *args: Any) -> Any:
        begin = time.perf_counter()
        try:
            return ask(*args)
        finally:
            self.seconds += time.perf_counter() - begin

    def value(self, x: Array) -> float:
        return self._timed(super().value, x)

    def values(self, xs: Array) -> Iterator[Sequence[float]]:
        if self.together == 1:  # one by one, through `value`
            yield from super().values(xs)
            return
        answers = super().values(xs)
        while (some := self._timed(next, answers, None)) is not None:
            yield some

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        return self._timed(super().value_and_grad, x, rule)

    def shifted(self, x: Array, steps: Array) -> Array:
        return self._timed(super().shifted, x, steps)

    def complex_value(self, x: ComplexArray) -> complex:
        return self._timed(super().complex_value, x)
