"""The oracle: the one way from an optimizer to the objective, and nothing goes around it.

Because every evaluation passes here, counts are right, budgets are exact, and the best point is kept, whoever wrote the
optimizer.  It copies what it keeps and what it hands out, checks every question (shape, bounds, finiteness) and every
answer, and turns whatever ends the run into an `Unwind`, which no ``except Exception`` can swallow.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from optikit.bounds import Bounds, outside, rounded_inward, stuck
from optikit.budget import Budget
from optikit.errors import ContractError, InputError, ObjectiveError, OptikitError, UnsupportedError
from optikit.failures import Failures
from optikit.feasibility import Constraints
from optikit.gradient import Estimate, GradientEstimator
from optikit.history import History, Kept
from optikit.meter import Meter
from optikit.objective import Objective, Rule
from optikit.problem import Problem
from optikit.record import Record
from optikit.sidebyside import Gradients, Here, Values, answered, side_by_side
from optikit.source import Failed, Source
from optikit.stop import INTERRUPTED, StopReason, Unwind
from optikit.stopping import Answer, Rules, Stopping
from optikit.types import Array, ComplexArray, all_finite

_IDLE = 1000
"""Steps that may ask nothing, one after the other."""

Q = TypeVar("Q")
T = TypeVar("T")


class Oracle:
    """Answers an optimizer's questions.

    Optimizers use `value`, `values`, `value_and_grad`, `estimate`, `bounds`, `bounded`, `box`, `constraints`, `draw`,
    `use_whole`, `side_by_side`, `beside`, `differentiable`, `gradient_cost` and `evaluations_left`; those that let
    others work also `nfev`, `best` and `answer`; the loop the rest.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    x0 : ndarray, shape (n,)
        The start point: gives number and dtype of the parameters.
    gradient : GradientEstimator, optional
        How gradients are found; exactly, by the problem itself, if not given.
    budget : Budget, optional
        Evaluations, gradients and seconds are watched here, before every evaluation.
    rng : numpy.random.Generator, optional
        For the estimator.
    look : callable, optional
        Called once, before the first exact gradient is asked for, off the clock; gives how many evaluations it made.
    source : Source, optional
        Who computes the answers; the problem itself, in this process, if not given.
    failures : Failures, optional
        What is told of evaluations that fail.
    keep : {"values", "points", "best"}
        What the history keeps.
    stopping : sequence of Stopping
        What looks at every answer.
    """

    def __init__(
        self,
        problem: Problem,
        x0: Array,
        *,
        gradient: GradientEstimator | None = None,
        budget: Budget | None = None,
        rng: np.random.Generator | None = None,
        look: Callable[[], int] | None = None,
        source: Source | None = None,
        failures: Failures | None = None,
        keep: Kept = "values",
        stopping: Sequence[Stopping[Any]] = (),
    ) -> None:
        self._problem, self._source = problem, source or Source(problem)
        self._on_whole, self.compares = False, not problem.stochastic
        self._gradient, self._rng = gradient, rng or np.random.default_rng(0)
        self._n, self._shape, self._dtype = len(x0), x0.shape, x0.dtype
        self._bounds = rounded_inward(problem.bounds(self._n), self._dtype)
        self._bounded = bool(np.isfinite(self._bounds).any())
        self._unread = set[str]()
        budget = budget or Budget()
        self._meter = Meter(budget)
        self._look, self.looked = look, 0
        self._metered, self._here = _Metered(self), Here()
        self._rules = Rules(stopping)
        self.ended: Unwind | None = None
        self.tick: Callable[[], None] | None = None
        """Called before evaluations, for who watches the run."""
        self.due: Unwind | None = None
        """The end of the run at the next question, or between two steps, whatever comes first."""
        self.njev = 0
        self._sloping = 0  # gradients that are being found, several of them where calls go on side by side
        self._last_gradient: tuple[Array, Array] | None = None  # the last gradient that was given, and where
        self._slope = math.nan  # of a run that this one continues
        self._constraints = self._read_constraints(x0.copy())
        aimed = budget.target is not None and problem.stochastic
        demands = {"bounds": self._bounded, "constraints": self._constraints is not None, "target": aimed}
        self._demands = {demand for demand, made in demands.items() if made}
        self._record = Record(x0, self._constraints, failures or Failures(), keep, budget.target)
        self.answer, self.in_step, self._idle = math.nan, False, 0

    # What optimizers ask

    def value(self, x: Array) -> float:
        """Compute the objective at one point.

        Parameters
        ----------
        x : ndarray, shape (n,)
            Inside the bounds.

        Returns
        -------
        float
            +inf where the objective gives NaN.
        """
        x = self._point(x)
        if self._here.ask is not None:
            value = float(self._ask_together(Values(x[None]))[0])
        else:
            self._allowed()
            try:
                value = self._record.add(x, self._source.value(x))
            except BaseException as error:
                raise self._lost(error) from error
        self._answered(value, x)
        return value

    def values(self, xs: Array) -> Array:
        """Compute the objective at the rows of `xs`; the answers do not depend on each other.

        Parameters
        ----------
        xs : ndarray, shape (k, n)
            Points inside the bounds.

        Returns
        -------
        ndarray, shape (k,)
            +inf where the objective gives NaN.
        """
        values = self.evaluate(xs)
        self._answered(float(values.min(initial=math.inf)), xs)
        return values

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        """Compute the objective and its gradient, exactly or by the estimator that the user chose.

        Parameters
        ----------
        x : ndarray, shape (n,)
            Inside the bounds.

        Returns
        -------
        value : float
            +inf where the objective gives NaN.
        gradient : ndarray, shape (n,)
            In the dtype of `x`; finite where the value is.
        """
        x = self._slope_at(x)
        if self._gradient is None:
            value, gradient = self._with_gradient(x)
        else:
            value, gradient = self._guarded(self._gradient.value_and_grad, self._metered, x, self._rng)
        return self._answer(x, value, gradient)

    def estimate(self, x: Array) -> Estimate:
        """Compute the objective, its gradient, and an estimate of the error of every coordinate of the gradient.

        Parameters
        ----------
        x : ndarray, shape (n,)
            Inside the bounds.

        Returns
        -------
        Estimate
            As `value_and_grad`, with `error`, (n,), NaN where the estimator does not tell.
        """
        if self._gradient is None:
            return Estimate(*self.value_and_grad(x), np.full(self._n, np.nan))
        x = self._slope_at(x)
        value, gradient, error = self._guarded(self._gradient.estimate, self._metered, x, self._rng)
        return Estimate(*self._answer(x, value, gradient), error)

    def label(self, i: int) -> str:
        """Name parameter i as the user does, for messages."""
        return self._problem.label(i)

    @property
    def bounded(self) -> bool:
        """Whether there is any finite bound."""
        self._unread.discard("bounds")
        return self._bounded

    @property
    def bounds(self) -> Bounds:
        """Lowest and highest allowed values, two arrays of shape (n,), infinite where there is no bound.

        Whoever reads them promises to stay inside.  Of an optimizer that has not read them before its first question
        nobody knows, so it is refused before anything is evaluated.
        """
        self._unread.discard("bounds")
        return self.limits()

    @property
    def box(self) -> Bounds:
        """The same, for optimizers that need all of them finite.

        Raises
        ------
        InputError
            If a bound is infinite.
        """
        if not np.isfinite(self._bounds).all():
            sentence = "this optimizer searches a box; pass finite bounds=(low, high), or choose one that needs none"
            raise self._failed(UnsupportedError("box", sentence))
        return self.bounds

    @property
    def constraints(self) -> Constraints | None:
        """What the result shall satisfy besides; None if there is nothing.

        Its functions are asked as the objective is: inside the bounds and within the time, and what they raise ends the
        run.  That is no evaluation.  Whoever reads this promises to honour it, as with `bounds`.
        """
        self._unread.discard("constraints")
        if self._constraints is not None:
            self._guarded(self._constraints.measure)
        return self._constraints

    @property
    def differentiable(self) -> bool:
        """Whether gradients are to be had: the problem has some of its own, or the user has chosen an estimator."""
        return self._gradient is not None or self._problem.has_gradient

    @property
    def gradient_cost(self) -> int | None:
        """How many evaluations a gradient takes, its value included: 1 where it is exact; None if nobody can tell."""
        return 1 if self._gradient is None else self._gradient.cost(self._n)

    @property
    def evaluations_left(self) -> float:
        """How many evaluations may still be made, infinite without a limit: for solvers that plan ahead."""
        return self._meter.max_evals - self.nfev

    def draw(self, rng: np.random.Generator) -> Array:
        """Draw a point from the problem's own initial distribution: the model's, or uniform in the box.

        Parameters
        ----------
        rng : numpy.random.Generator
            The optimizer's own, from its state.

        Returns
        -------
        ndarray, shape (n,)
            Nothing is evaluated.
        """
        return self.draws(rng, 1)[0]

    def draws(self, rng: np.random.Generator, number: int) -> Array:
        """Draw points from the same distribution: the same as by so many calls of `draw`, but faster.

        Parameters
        ----------
        rng : numpy.random.Generator
            The optimizer's own, from its state.
        number : int
            How many.  With 0 nothing is drawn, and no bounds count as read; but it is refused now, and not later, where
            there is nothing to draw from.

        Returns
        -------
        ndarray, shape (number, n)
            Nothing is evaluated.
        """
        if number:
            self._unread.discard("bounds")
        points = self._guarded(self._problem.draws, rng, number, self._n).astype(self._dtype)
        # Rounding to the dtype of x may have left the bounds by one unit in the last place.
        return np.clip(points, *self._bounds, out=points) if self._bounded else points

    def use_whole(self) -> None:
        """Answer about all samples from now on, not about a minibatch a step; of a function nothing changes.

        For optimizers that compare the answers of different steps, or make only one.  Each evaluation is an epoch then.
        """
        self._source.turn(None)
        self._on_whole = True
        self._unread.discard("target")
        self.compares = self.compares or self.nfev == 0
        self._meter.count_epochs(self.nfev)

    def side_by_side(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls that ask this oracle side by side, so that workers share what they ask at the same time.

        Each goes on in turn until it asks; when all have asked, their questions are answered, values as one batch and
        gradients as another, and they go on in the same order.  No two of them run at a time.  What ends the run, or is
        raised by one of them, ends them all.

        Parameters
        ----------
        calls : sequence of callable
            Without arguments; not writing into what another one reads.

        Returns
        -------
        list
            What each returned.
        """
        if len(calls) == 1:
            return [calls[0]()]
        answer = partial(answered, values=self.evaluate, gradients=self._gradients)
        return self._guarded(side_by_side, calls, answer, self._here)

    @property
    def beside(self) -> bool:
        """Whether others go on beside what asks now: who holds a lock at its questions must refuse, or they hang."""
        return self._here.ask is not None

    # What the loop does

    @property
    def history(self) -> History:
        """What has been answered until now."""
        return self._record.history

    @property
    def nfev(self) -> int:
        """Evaluations until now."""
        return self._record.nfev

    @property
    def nans(self) -> int:
        """Those of them that gave NaN."""
        return self._record.nans

    @property
    def failed(self) -> int:
        """Those of them that failed."""
        return self._record.failed

    @property
    def infinite(self) -> int:
        """Those of them that gave an infinity."""
        return self._record.infinite

    @property
    def last_step(self) -> tuple[float, ...]:
        """The last finished step: its number, nfev, njev, its lowest answer, the best until then, seconds."""
        best = self.best[0] if self._constraints is None else self.best_fun
        return (self.history.nit, self.nfev, self.njev, self.answer, best, self.seconds)

    @property
    def best(self) -> tuple[float, Array, float]:
        """The best point until now: its value, the point, and by how much it violates the constraints."""
        return self._record.best

    @best.setter
    def best(self, best: tuple[float, Array, float]) -> None:
        self._record.best = best

    @property
    def best_fun(self) -> float:
        """The lowest value until now, with constraints at a feasible point; infinite if there is none."""
        return self._record.best_fun

    @property
    def feasible(self) -> bool:
        """Whether the best point satisfies the constraints, within the tolerance."""
        return self._record.feasible

    @property
    def slope(self) -> float:
        """The largest component of the last gradient, at a bound those aside that point out of it; NaN without one."""
        if self._last_gradient is None:
            return self._slope
        x, gradient = self._last_gradient
        return float(abs(np.where(stuck(x, gradient, self._bounds), 0, gradient)).max(initial=0))

    def active(self, x: Array) -> tuple[str, ...]:
        """Name the constraints that hold with nothing to spare at a point, (n,); nothing is asked."""
        return () if self._constraints is None else self._constraints.active(x)

    def begin_step(self) -> None:
        """Fix the objective of the next step."""
        self.answer = math.nan
        if self._demands and self.history.nit == 0:
            self._unread |= self._demands  # until the optimizer has read them
        self._source.turn(None if self._on_whole else self.history.nit)
        self.in_step = True

    def end_step(self) -> None:
        """Put a finished step into the history, unless the step has only swallowed the end of the run."""
        self._proceed()
        if math.isnan(self.answer):
            self._idle += 1
            if self._idle > _IDLE:
                raise self._failed(
                    ContractError(f"the optimizer made {_IDLE:,} steps without asking anything; it must ask, or stop")
                )
        else:
            self._idle = 0
        self.due = self.due or self._meter.late()
        self.history.add_step(*self.last_step[1:])
        self.in_step = False

    def memory(self) -> dict[str, Any]:
        """Give what a continued run has to know of this one, between two steps."""
        return {
            "record": self._record.memory(),
            "njev": self.njev,
            "looked": None if self._look is not None else self.looked,
            "compares": self.compares,
            "whole_from": self._meter.counted_from if self._on_whole else None,
            "idle": self._idle,
            "slope": self.slope,
            "stopping": self._rules.memory(),
            "rng": self._rng,
        }

    def recall(self, memory: dict[str, Any], refill: Callable[[History, int, int, int], None]) -> None:
        """Go on from there, after a step; `refill` puts evaluations and steps into the history."""
        self._record.recall(memory["record"], refill)
        self.njev, self._idle, self._slope = int(memory["njev"]), int(memory["idle"]), float(memory["slope"])
        if not isinstance(memory["rng"], np.random.Generator):
            raise ValueError("no generator")
        self._rng = memory["rng"]
        if memory["looked"] is not None:
            self._look, self.looked = None, int(memory["looked"])
        self.compares = bool(memory["compares"])
        if "target" in self._demands and not self.compares:
            raise _refusal({"target"})
        self._rules.recall(memory["stopping"])
        self.due = self._record.reached() or self._rules.end(self.best_fun)
        if memory["whole_from"] is not None:
            self._source.turn(None)
            self._on_whole = True
            self._meter.count_epochs(int(memory["whole_from"]))

    def hold(self, seconds: float) -> None:
        """Stop the clock at what the run that this one continues had spent, as long as it is made again."""
        self._meter.hold(seconds)

    def release(self) -> None:
        """Let the clock go on."""
        self._meter.release()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._meter.seconds

    # What estimators ask, through `_Metered`

    def limits(self) -> Bounds:
        """Give the bounds to an estimator: that is no promise of the optimizer's."""
        low, high = self._bounds
        return low.copy(), high.copy()

    def evaluate(self, xs: Array) -> Array:
        """Evaluate and count the rows of `xs`, (k, n), up to exactly the budget."""
        points = self._points(xs)
        if not len(points):
            return np.empty(0)
        if self._here.ask is not None:
            return np.array(self._ask_together(Values(points)))
        together = self._source.together
        return np.array(self._up_to_the_budget(points, self._source.values, self._record.add, together))

    def evaluate_shifted(self, x: Array, step: Array | float) -> Array | None:
        """Evaluate all shifted points at once, if the objective shares work, and count them up to exactly the budget.

        An objective that shares nothing is asked point by point.
        """
        steps = np.atleast_2d(np.asarray(step, dtype=self._dtype))
        if not (self._source.sweeps and self._record.shared):
            return None
        if self._here.ask is not None:
            return self._ask_together(partial(self.evaluate_shifted, x, step))
        x = self._points(np.concatenate([x[None], x + steps]))[0]
        left = self._allowed()
        values = np.asarray(self._guarded(self._source.shifted, x, steps), dtype=np.float64)
        values = self._guarded(self._record.add_shifted, x, steps, values, left)
        if values.size < steps.size:
            raise self._end(self._meter.spent())
        return values if np.ndim(step) == 2 else values[0]

    def evaluate_complex(self, xs: ComplexArray) -> ComplexArray:
        """Evaluate and count complex points, (k, n), one evaluation each.

        History gets the real part; `best` does not, as no run can return a complex point.
        """
        if self._here.ask is not None:
            return self._ask_together(partial(self.evaluate_complex, xs))
        points = np.empty(xs.shape, dtype=np.result_type(self._dtype, np.complex64))
        points.real, points.imag = self._points(xs.real), xs.imag
        answers: list[complex] = []
        for x in points:
            self._allowed()
            try:
                answers.append(self._source.complex_value(x))
            except BaseException as error:
                raise self._lost(error) from error
            self._record.add_complex(x.real, answers[-1])
        return np.array(answers)

    def evaluate_with_gradient(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Evaluate and count value and gradient at `x`, (n,), by a library's rule or the objective's own: once."""
        return self._with_gradient(self._point(x), rule)

    # How

    def _with_gradient(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        if self._here.ask is not None:
            if rule is not None:
                return self._ask_together(partial(self._with_gradient, x, rule))
            return self._ask_together(Gradients(x[None]))[0]
        self._allowed()
        self._look_once()
        try:
            return self._keep_gradient(x, self._source.value_and_grad(x, rule))
        except BaseException as error:
            raise self._lost(error) from error

    def _keep_gradient(self, x: Array, answer: tuple[float, Array]) -> tuple[float, Array]:
        value, gradient = answer
        told = self._record.add(x, value)
        return told if math.isfinite(value) else math.inf, gradient

    def _keep_checked(self, x: Array, answer: tuple[float, Array]) -> tuple[float, Array]:
        value, gradient = self._keep_gradient(x, answer)
        return value, self._checked(gradient, value)

    def _look_once(self) -> None:
        """Let the gradient be checked that the user gave, before it is asked for, and off the clock."""
        if self._look is not None:
            look, self._look, begin = self._look, None, time.perf_counter()
            self.looked = self._guarded(look)
            self._meter.exclude(time.perf_counter() - begin)

    def _up_to_the_budget(
        self,
        points: Array,
        ask: Callable[[Array], Iterator[Sequence[Q]]],
        keep: Callable[[Array, Q], T],
        together: int = 1,
    ) -> list[T]:
        """Ask at the rows of `points`, (k, n), and count the answers, up to exactly the budget.

        Those that are asked `together` share work, so the last of them are asked in the company that they would have
        with a larger budget, and those beyond the budget are not counted.
        """
        kept, timed = list[T](), self._meter.timed
        count = min(len(points), self._allowed() or len(points))
        asked = points[: -(-count // together) * together]
        rows = iter(asked)
        try:
            for answers in ask(asked):
                for answer in answers[: count - len(kept)]:
                    kept.append(keep(next(rows), answer))
                if (timed or self.tick) and len(kept) < len(points):
                    self._ready()
        except BaseException as error:
            raise self._lost(error) from error
        if len(kept) < len(points):
            raise self._end(self._meter.spent())
        return kept

    def _ask_together(self, question: Any) -> Any:
        """Ask together with what goes on beside this."""
        if self._unread:  # now, as another one may read them
            raise self._failed(_refusal(self._unread))
        assert self._here.ask is not None, "nothing goes on beside this"
        return self._here.ask(question)

    def _gradients(self, points: Array) -> list[tuple[float, Array]]:
        """Evaluate and count values and gradients at the rows of `points`, (k, n), up to exactly the budget."""
        if self._here.ask is not None:
            return self._ask_together(Gradients(points))
        self._allowed()
        self._look_once()
        return self._up_to_the_budget(points, self._source.gradients, self._keep_checked)

    def _answer(self, x: Array, value: float, gradient: Any) -> tuple[float, Array]:
        """Check what shall be answered, and count the gradient."""
        value = math.inf if math.isnan(value) else float(value)
        given: Array = np.asarray(gradient)
        gradient = self._checked(given, value)
        self._last_gradient = x, given
        self.njev, self._sloping = self.njev + 1, self._sloping - 1
        self._answered(value, x)
        return value, gradient

    def _point(self, x: Any) -> Array:
        """Copy one question, (n,), and check it."""
        given = np.asarray(x)
        if given.shape != self._shape or given.dtype != self._dtype:
            return self._points(given[None])[0]
        return self._permitted(given.copy())

    def _slope_at(self, x: Any) -> Array:
        """Copy a point, (n,), where a gradient is asked for, and check it; end the run if no more may be given."""
        x = self._point(x)
        if (satisfied := self._meter.satisfied(self.njev, self._sloping)) is not None:
            self._allowed()  # if something else ends the run, too, that is what it says
            raise self._end(satisfied)
        self._sloping += 1
        return x

    def _points(self, xs: Any) -> Array:
        """Copy a batch of questions, (k, n), and check it."""
        given = np.asarray(xs)
        if given.ndim != 2 or given.shape[1] != self._n or given.dtype.kind not in "fiu":
            self._proceed()
            asked = f"points of shape {given.shape[1:]} and dtype {given.dtype} were asked for"
            raise self._failed(ContractError(f"{asked}; x has shape {self._shape} and dtype {self._dtype}"))
        return self._permitted(given.astype(self._dtype, order="C"))

    def _permitted(self, xs: Array) -> Array:
        """Check that nothing but finite numbers inside the bounds is asked for."""
        self._proceed()
        if not all_finite(xs):
            said = "The optimizer left the finite numbers: it asked at a point with NaN or infinity; "
            raise self._end(Unwind(StopReason.DIVERGED, said + "a smaller learning rate or step may help."))
        if self._bounded and not self._unread and (place := outside(xs, self._bounds)) is not None:
            raise self._failed(
                ContractError(f"a point outside the bounds was asked for: {self.label(place[-1])} = {xs[place]:g}")
            )
        return xs

    def _ready(self) -> None:
        """End the run if something may not be asked any more, or not yet."""
        self._proceed()
        if self._unread:
            raise self._failed(_refusal(self._unread))
        if (late := self._meter.late()) is not None:
            raise self._end(late)
        if self.tick is not None and self._here.ask is None:  # who watches is called in the run's own thread
            self._guarded(self.tick)

    def _allowed(self) -> int | None:
        """Say how many evaluations may still be made, None for any number; end the run if none."""
        self._ready()
        if self.due is not None:
            raise self._end(self.due)
        if self._meter.max_evals is math.inf:
            return None
        if (left := int(self._meter.max_evals) - self.nfev) <= 0:
            raise self._end(self._meter.spent())
        return left

    def _read_constraints(self, x0: Array) -> Constraints | None:
        problem = self._problem
        if not problem.constraints:
            return None
        if problem.stochastic:
            raise InputError("constraints need an objective that is the same at every step; leave out the minibatches")
        return Constraints(problem.constraints, x0, self._bounds, problem.feasibility_tol, self._ask_constraints)

    def _ask_constraints(self, question: Callable[[Any], Any], x: Array) -> Any:
        """Put a question to the constraints, unless bounds are unread or the time is up."""
        x = self._point(x)
        self._ready()
        return self._guarded(question, x)

    def _answered(self, value: float, x: Any) -> None:
        """Remember the lowest answer of the step, and let the stopping rules look; `x` is one point or several."""
        if not self.answer <= value:
            self.answer = value
        if self._rules and len(points := np.atleast_2d(x)):
            lowest = self.best_fun if self.compares else None
            self._guarded(self._rules.look, Answer(points=points, nfev=self.nfev, lowest=lowest))
            self.due = self._rules.end(self.best_fun)

    def _checked(self, gradient: Any, value: float) -> Array:
        gradient = np.asarray(gradient)
        if gradient.shape != (self._n,):
            wrong = f"has shape {gradient.shape}, but x has {(self._n,)}"
        elif gradient.dtype.kind != "f":
            wrong = f"has dtype {gradient.dtype}, but real floating-point numbers are needed"
        elif math.isfinite(value) and not all_finite(gradient):
            i = int(np.argmin(np.isfinite(gradient)))
            wrong = f"is {gradient[i]} at {self.label(i)}, where the value, {value:g}, is finite"
            if self.nfev > 1 and self._gradient is not None:
                wrong += ", as the function is not finite beside it; set bounds, or a smaller h"
                if self.failed:
                    wrong += ", or on_error='penalise', as evaluations have failed"
        else:
            return gradient.copy() if gradient.dtype == self._dtype else gradient.astype(self._dtype)
        raise self._failed(ObjectiveError(f"the gradient {wrong} (evaluation {self.nfev})"))

    def _guarded(self, ask: Callable[..., Any], *args: Any) -> Any:
        """Call foreign code; what it raises ends the run, past any ``except Exception`` on the way."""
        try:
            return ask(*args)
        except BaseException as error:
            raise self._cause(error) from error

    def _cause(self, raised: BaseException) -> Unwind:
        """Give the end of the run that something raised means."""
        if isinstance(raised, Unwind):
            return self._end(raised)
        if isinstance(raised, RuntimeError) and isinstance(raised.__cause__, StopIteration):
            raised = raised.__cause__  # a generator of answers cannot raise it as it is
        if isinstance(raised, KeyboardInterrupt):
            return self._end(Unwind(StopReason.INTERRUPTED, INTERRUPTED))
        return self._failed(raised)

    def _lost(self, raised: BaseException) -> Unwind:
        """Give the end of the run that an evaluation means which raised something, and let the history tell of it."""
        ended = self._cause(raised)
        error = ended.error
        own = isinstance(error, OptikitError) and not isinstance(error, ObjectiveError)  # a full disk, say
        if isinstance(error, Exception) and not own and not isinstance(raised, Unwind):
            self._record.history.end(Failed.by(error).reason)
        return ended

    def _failed(self, error: BaseException) -> Unwind:
        return self._end(Unwind(StopReason.ERROR, f"{type(error).__name__}: {error}", error))

    def _end(self, ended: Unwind) -> Unwind:
        self.ended = ended
        return ended

    def _proceed(self) -> None:
        """Raise the end of the run again, for who caught it by ``except BaseException`` and goes on asking."""
        if self.ended is not None:
            raise self.ended


def _refusal(demands: set[str]) -> InputError:
    """Refuse what the optimizer has not taken notice of."""
    if demands == {"target"}:
        return InputError("a target needs values over all samples; leave out batch_size, or the target")
    return UnsupportedError(" and ".join(sorted(demands - {"target"})))


class _Metered(Objective):
    """The objective as estimators see it: checked, counted, and inside the budget."""

    def __init__(self, oracle: "Oracle") -> None:
        self._oracle = oracle

    def bounds(self, n: int) -> Bounds:
        return self._oracle.limits()

    def label(self, i: int) -> str:
        return self._oracle.label(i)

    def value(self, x: Array) -> float:
        return self._oracle.evaluate(x[None])[0]

    def values(self, xs: Array) -> Array:
        return self._oracle.evaluate(xs)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        return self._oracle.evaluate_complex(xs)

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        return self._oracle.evaluate_with_gradient(x, rule)

    def shifted(self, x: Array, step: Array | float) -> Array:
        values = self._oracle.evaluate_shifted(x, step)
        return super().shifted(x, step) if values is None else values

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        return self._oracle.evaluate_with_gradient(x)
