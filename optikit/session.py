"""A session: any optimizer, asked what it wants to know and told the answers, by whoever has them and whenever.

A laboratory or the queue of a cluster is no function that could be called.  An optimizer is made to ask all the same:
its step is run against a source that knows only what has been told.  At the first question without an answer that
source ends the step from inside and the question is handed out; with the answer the step is made again from the state
before it.  A step is a deterministic function of component, state and answers, so nothing is seen of that but its cost:
an update rule makes every step twice, and a solver that owns its loop begins k times for k batches of questions.

What is kept between two questions is what a checkpoint keeps, so a session is a run with a journal, in a file or in
memory, and it goes through the one loop again for every batch of answers.
"""

import math
import os
import weakref
from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import numpy as np

from optikit import registry
from optikit.advice import advised
from optikit.checkpoint import GIVEN, opened
from optikit.constraint import Constraint
from optikit.continued import begun
from optikit.database import MEMORY, CheckpointError, named_file
from optikit.errors import InputError, ObjectiveError, did_you_mean
from optikit.files import write_whole
from optikit.gradient import GradientEstimator
from optikit.history import Kept
from optikit.journal import Journal
from optikit.lock import Lock
from optikit.loop import deliver, execute
from optikit.optimizer import Optimizer
from optikit.result import Result
from optikit.run import posed
from optikit.source import Failed
from optikit.stop import StopReason
from optikit.told import Answer, Batch, Told, rehearse
from optikit.types import Array, Seed, all_finite, generator


class Session:
    """Minimises what somebody else evaluates: `ask` gives the points, `tell` takes the values.

    The numbers are, to the last bit, those of `minimize` with the same arguments.  What the optimizer computes itself
    takes longer: an update rule or a population makes each of its steps twice, 2 ms a batch in all.  A solver that
    owns its loop begins anew with every batch, so the work grows with the square of their number: `scipy-nelder-mead`
    takes 0.5 s for 100 evaluations and 5 s for 400, and `cma-es` 15 s for 160 generations of 10.

    Parameters
    ----------
    optimizer : Optimizer or str
        A component or its name.
    x0 : array, or (nested) dict or list of arrays and numbers
        Where to start.
    gradient : GradientEstimator or str, optional
        An estimator that makes gradients of values, or its name; or ``"told"``, if whoever answers knows gradients.
    bounds, fixed, scale, constraints, feasibility_tol : optional
        As for `minimize`.  The functions of constraints are evaluated here, and again when a step is made again.
    on_error : "skip", "penalise", "raise" or Failures
        What becomes of an evaluation that failed, as for `minimize`; but what is to raise is refused by `tell`.
    history : "values", "points" or "best"
        What `Result.history` keeps.
    max_evals, max_grads, max_steps, target, stop : optional
        When it ends, as for `minimize`.  There is no `max_seconds`: the time passes at whoever answers, who can cease
        at any question, and has the best point until then in `result`.
    rng : int, SeedSequence, Generator or None
        Where all randomness comes from.
    checkpoint : str or Path, optional
        A file in which the session is kept, so that `Session.resume` can continue it: what has been told is in it when
        `tell` returns.  `optikit.runs` lists it, and as long as the session lives no other can write to it.  Without,
        the session is in memory, and `save` writes it to a file.

    Raises
    ------
    InputError
        If an argument is wrong, or the optimizer cannot do with the problem.

    Examples
    --------
    >>> import optikit
    >>> session = optikit.Session("lbfgs", [0.0, 0.0], gradient="central-difference", max_evals=200)
    >>> while points := session.ask():
    ...     session.tell([(x[0] - 3) ** 2 + x[1] ** 4 for x in points])
    >>> session.result.x.round(2)
    array([3., 0.])
    """

    def __init__(
        self,
        optimizer: Optimizer[Any] | str,
        x0: Any,
        *,
        gradient: GradientEstimator | str | None = None,
        bounds: Any = None,
        fixed: Any = None,
        scale: Any = None,
        constraints: list[Constraint] | None = None,
        feasibility_tol: float | None = None,
        on_error: Any = "skip",
        history: Kept = "values",
        max_evals: int | None = None,
        max_grads: int | None = None,
        max_steps: int | None = None,
        target: float | None = None,
        stop: Any = None,
        rng: Seed = None,
        checkpoint: str | Path | Journal | None = None,
    ) -> None:
        told = isinstance(gradient, str) and gradient == "told"
        if not told and callable(gradient) and not isinstance(gradient, GradientEstimator):
            raise InputError("gradient is a function; a session takes gradient='told', or an estimator")
        known = {"told", *registry.default().components("gradient")}
        if isinstance(gradient, str) and gradient not in known and "'told'" in (hint := did_you_mean(gradient, known)):
            raise InputError(f"there is no gradient {gradient!r}; {hint}")
        self._reading: tuple[Any, Any] = (math.nan, None)
        self._run = posed(
            lambda _: self._reading[0],
            x0,
            optimizer=optimizer,
            gradient=(lambda _: self._reading[1]) if told else gradient,
            bounds=bounds,
            fixed=fixed,
            scale=scale,
            constraints=constraints,
            feasibility_tol=feasibility_tol,
            on_error=on_error,
            history=history,
            stop=stop,
            continued=isinstance(checkpoint, Journal),
            max_evals=max_evals,
            max_grads=max_grads,
            max_steps=max_steps,
            target=target,
        )
        if self._run.gradient is not None:
            rehearse(self._run.gradient, self._run.problem, self._run.x0)
        stream = generator(rng)
        self._rng = deepcopy(stream)
        arguments = {
            **{"door": "session", "x0": x0, "bounds": bounds, "fixed": fixed, "scale": scale, "rng": self._rng},
            **{"constraints": None if constraints is None else GIVEN, "feasibility_tol": feasibility_tol},
            **{"optimizer": self._run.optimizer, "gradient": "told" if told else self._run.gradient},
            **{"on_error": self._run.failures.model_dump(), "history": history},
            **{"max_evals": max_evals, "max_grads": max_grads, "max_steps": max_steps, "target": target},
        }
        stream.spawn(2)  # a generator that is used again goes on as after `minimize`
        journal = opened(MEMORY if checkpoint is None else checkpoint, self._run, arguments, "a session")
        assert journal is not None, "a session has a journal, if only in memory"
        journal.eager = True
        self._journal = journal
        self.close = weakref.finalize(self, journal.close)
        """Let go of the file; what has been told is in it."""
        self._open: Batch | None = None
        self._behind = True
        try:
            self._go_on()
        except BaseException:
            self.close()
            raise

    @classmethod
    def resume(
        cls,
        path: str | Path,
        *,
        run: int | None = None,
        constraints: list[Constraint] | None = None,
        optimizer: Optimizer[Any] | None = None,
        max_evals: int | None = None,
        max_grads: int | None = None,
        max_steps: int | None = None,
        target: float | None = None,
        stop: Any = None,
    ) -> "Session":
        """Continue a session, in another process most often; it goes on as if there had been no break.

        Parameters
        ----------
        path : str or Path
            The checkpoint.
        run : int, optional
            Its number in the file, as `optikit.runs` gives it; the last one if not given.
        constraints : list, optional
            The constraints, if there were any.
        optimizer : Optimizer, optional
            That which no installed plugin brings.
        max_evals, max_grads, max_steps, target : optional
            Limits to replace those of the session, counted from its very beginning.
        stop : optional
            Stopping rules to replace those of the session; an empty list for none.  Others than before begin anew.

        Returns
        -------
        Session
            With the questions that were open, or the result.

        Raises
        ------
        InputError
            If the file is no checkpoint, damaged or in use, or the run no session; or if something is missing.
        """
        journal = Journal.reopen(named_file("path", path), run)
        try:
            limits = {"max_evals": max_evals, "max_grads": max_grads, "max_steps": max_steps}
            limits |= {"target": target, "stop": stop}
            again = {"constraints": constraints, "optimizer": optimizer, **limits}
            _, arguments = begun(journal, again, session=True)
            return cls(**arguments, checkpoint=journal)
        except BaseException:
            journal.close()
            raise

    def ask(self) -> list[Any]:
        """Give the questions that have no answer yet.

        Returns
        -------
        list
            Points in the structure of `x0`, which do not depend on each other's answers; the same ones until they are
            answered, and none when the run has ended.
        """
        if self._behind:
            self._go_on()
        restore = self._run.problem.restore
        return [] if self._open is None else [restore(x.copy()) for x in self._open.points]

    def tell(self, answers: Sequence[Any]) -> None:
        """Answer the open questions.

        Parameters
        ----------
        answers : sequence
            For each point of `ask`, in the same order, a number; NaN, or an exception that says what happened, where
            the evaluation failed.  Where `asks_gradient`, a pair of the number and the gradient, in the structure of
            `x0`; a session whose gradients are told takes such pairs always.

        Raises
        ------
        InputError
            If there are more or fewer answers than questions, or one of them is none; nothing has changed then.
        CheckpointError
            If the answers could not be written; `ask` again, which says what has an answer by now.
        Exception
            What the optimizer raised, with the partial result as its attribute ``result``.
        """
        if self._open is None and not self._behind:
            raise InputError("the session has ended and asks nothing; its result says why")
        self._check_alive()
        if self._open is None or self._behind:
            raise InputError("telling was cut short, and some answers may have been kept; ask again, then tell")
        points = self._open.points
        if isinstance(answers, str | bytes | dict) or not isinstance(cast("object", answers), Iterable):
            raise InputError(f"answers is {answers!r}; pass a list with a number for each point")
        given = list(answers)
        if len(given) != len(points):
            asked = "1 question" if len(points) == 1 else f"{len(points):,} questions"
            raise InputError(f"{len(given):,} answers were told to {asked}; tell one for each point")
        self._go_on([self._read(f"answers[{i}]", answer, self._open.points[i]) for i, answer in enumerate(given)])

    def save(self, path: str | Path) -> None:
        """Write a copy of the session to a new file, from which `Session.resume` goes on.

        The session itself goes on where it was, in memory or in its checkpoint; what is told from now on is not in the
        copy.

        Parameters
        ----------
        path : str or Path
            The file, which must not exist.  It is written whole or not at all.

        Raises
        ------
        InputError
            If there is such a file, it cannot be written, or the session is closed.
        """
        self._check_alive()
        file = named_file("path", path)
        if os.path.lexists(file):
            raise InputError(f"{file}: it is there already, and a session is saved to a new file; pass another name")
        copy = self._journal.store.extract(self._journal.run)
        lock = Lock(file)
        try:
            write_whole(file, lambda stream: stream.write(copy))
        except OSError as error:
            raise InputError(f"{file}: it cannot be written ({error.strerror}); pass another file") from None
        finally:
            lock.release()

    @property
    def asks_gradient(self) -> bool:
        """Whether the open question is one for value and gradient."""
        return self._open is not None and self._open.gradient

    @property
    def ended(self) -> bool:
        """Whether the run has ended; `result` says why."""
        return self._open is None and not self._behind

    @property
    def result(self) -> Result:
        """What has been found until now; its reason is ``"waiting"`` as long as there are open questions."""
        return self._result

    def __enter__(self) -> "Session":
        """Give the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self.close()

    def _go_on(self, answers: list[Answer] | None = None) -> None:
        """Make the step again, until something else is asked."""
        self._check_alive()
        source = Told(self._run.problem, self._open if answers else None, answers or [])
        self._behind = True  # until all is well: Ctrl-C, or a full disk, leaves it to the next call
        result, error = execute(self._run, deepcopy(self._rng), source=source, journal=self._journal)
        if result.reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        self._result = result
        if isinstance(error, CheckpointError):
            raise error
        self._open, self._behind = source.open if result.reason is StopReason.WAITING else None, False
        if self.ended and self._journal.path != MEMORY:
            self.close()  # others may have the file now; what is in memory may still be saved
        deliver(result, advised(error, self._run))

    def _check_alive(self) -> None:
        if self.close.alive:
            return
        path = self._journal.path
        if path == MEMORY:
            where = "it was in memory only; save one before it is closed, or begin it with checkpoint='lab.db'"
        else:
            where = f"it is in {path}, and optikit.Session.resume({str(path)!r}) continues it"
        raise InputError(f"the session is closed; {where}")

    def _read(self, where: str, answer: Any, x: Array) -> Answer:
        """Read an answer as the problem would read that of a function, so that all checks and units are the same."""
        problem = self._run.problem
        pair = problem.has_gradient and isinstance(answer, tuple | list)
        if pair and len(cast("Sequence[Any]", answer)) != 2:
            raise InputError(f"{where} is {answer!r}; tell a pair of the value and the gradient")
        self._reading = (answer[0], answer[1]) if pair else (answer, None)
        slope = None
        if isinstance(self._reading[0], Exception):
            value = Failed.by(self._reading[0])
        else:
            try:
                value = problem.whole.value(x)
                if self.asks_gradient and not math.isnan(value):
                    slope = self._slope(where, value, x)
            except ObjectiveError as error:
                what, told, _ = str(error).partition("; it must return one real number")
                remedy = "tell one real number; or NaN, or an exception, where the evaluation failed"
                said = f" is {what.removeprefix('the objective returned ')}; {remedy}" if told else f": {error}"
                raise InputError(f"{where}{said}") from None
        failed = isinstance(value, Failed)
        if not math.isfinite(value) and self._run.failures.action(value, failed=failed) == "raise":
            what = value.reason if failed else value
            raise InputError(
                f"{where} is {what}, and on_error says 'raise'; tell a number, or begin with another policy"
            )
        return value, np.full(x.shape, np.nan, dtype=x.dtype) if slope is None else slope

    def _slope(self, where: str, value: float, x: Array) -> Array:
        if self._reading[1] is None:
            raise InputError(f"{where} is {self._reading[0]!r}; the gradient is asked for, too: tell (value, gradient)")
        slope = self._run.problem.whole.value_and_grad(x)[1]
        if slope.shape != x.shape or slope.dtype.kind not in "fiu":
            raise InputError(f"{where} has a gradient of shape {slope.shape} and dtype {slope.dtype}, not like x")
        slope = slope.astype(np.result_type(slope, x))
        if math.isfinite(value) and not all_finite(slope):
            raise InputError(f"{where} has a gradient that is not finite, where the value, {value:g}, is")
        return slope
