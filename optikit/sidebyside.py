"""Side by side: calls that go on in turn, each to its next question, so that their questions are asked at once.

A step asks by calling, from however deep in a solver.  What stops there, and goes on when there is an answer, needs a
stack of its own, which is a thread.  But no two of them ever run at a time: each goes on until it asks, in the order in
which they were given, and when all have asked, who began them answers, in the thread that it is in.  So nothing needs a
lock, workers see one batch, and what comes out depends on the answers alone.  A lock of a library's that is held at a
question, though, is not let go before the next one waits for it, for ever: who holds one looks at `Oracle.beside`.

Whatever ends one of them ends them all: those that wait meet an `Unwind` at their question, and no thread is left.
"""

import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from optikit.stop import StopReason, Unwind
from optikit.types import Array

T = TypeVar("T")


class Values(NamedTuple):
    """A question for values."""

    points: Array
    """Shape (k, n)."""


class Gradients(NamedTuple):
    """A question for values and gradients."""

    points: Array
    """Shape (k, n)."""


def answered(
    questions: Sequence[Any], values: Callable[[Array], Iterable[Any]], gradients: Callable[[Array], Iterable[Any]]
) -> list[Any]:
    """Answer questions at once: values as one batch, then gradients as another, and then what is a call of its own.

    Parameters
    ----------
    questions : sequence of Values, Gradients and callable
        Those without arguments are called.
    values, gradients : callable
        Answer the rows of an array of points.

    Returns
    -------
    list
        For each question the list of its answers, or what the call returned.
    """
    answers: list[Any] = [None] * len(questions)
    for kind, ask in ((Values, values), (Gradients, gradients)):
        asked = [(number, question.points) for number, question in enumerate(questions) if isinstance(question, kind)]
        if asked:
            given = iter(ask(np.concatenate([points for _, points in asked])))
            for number, points in asked:
                answers[number] = list(islice(given, len(points)))
    for number, question in enumerate(questions):
        if not isinstance(question, Values | Gradients):
            answers[number] = question()
    return answers


class Here(threading.local):
    """How one asks in this thread."""

    ask: Callable[[Any], Any] | None = None
    """Puts a question to who began the call that goes on in this thread; None where nobody did."""


def side_by_side(
    calls: Sequence[Callable[[], T]], answer: Callable[[Sequence[Any]], Sequence[Any]], here: Here
) -> list[T]:
    """Make calls side by side.

    Parameters
    ----------
    calls : sequence of callable
        Without arguments; they ask by ``here.ask(question)``.
    answer : callable
        Answers the open questions, those of earlier calls first; called in this thread.
    here : Here
        Of all threads of one run.

    Returns
    -------
    list
        What each returned.

    Raises
    ------
    BaseException
        What the first of them raised that did, or `answer`; the others have been ended then.
    """
    paused = [_Paused(call, here) for call in calls]
    with ExitStack() as stack:
        for each in reversed(paused):  # the first is ended first: the next may be waiting for a lock that it holds
            stack.callback(each.end)
        for each in paused:
            each.begin()
        while asking := [each for each in paused if not each.over]:
            answers = answer([each.question for each in asking])
            for each, said in zip(asking, answers, strict=True):
                each.go_on(said)
    return [each.returned for each in paused]


class _Paused(Generic[T]):
    """A call that stops at each of its questions."""

    returned: T

    def __init__(self, call: Callable[[], T], here: Here) -> None:
        self._call, self._here = call, here
        self.question: Any = None
        self.over = self._ending = False
        self._answers, self._signs = SimpleQueue[Any](), SimpleQueue[None]()
        self._raised: BaseException | None = None
        self._filters = warnings.filters
        # What NumPy ignores is a matter of the thread, or of the context, by its version.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run, np.geterr()), daemon=True)

    def begin(self) -> None:
        """Go to the first question, or to the end."""
        with self._its_warnings():
            self._thread.start()
            self._signs.get()
        self._come_back()

    def go_on(self, answer: Any) -> None:
        """Go to the next question, or to the end; raise what was raised on the way."""
        with self._its_warnings():
            self._answers.put(answer)
            self._signs.get()
        self._come_back()

    def end(self) -> None:
        """End it: at its question, or if Ctrl-C has come while it went on, at the next one."""
        self._ending = True
        if self._thread.is_alive():
            with self._its_warnings():
                self._answers.put(None)
                self._thread.join()
        self._raised = None

    def _come_back(self) -> None:
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    @contextmanager
    def _its_warnings(self) -> Generator[None]:
        """Put its own filters of warnings in place: they are everybody's, and a solver may set some until it ends."""
        others, warnings.filters = warnings.filters, self._filters
        try:
            yield
        finally:
            self._filters, warnings.filters = warnings.filters, others

    # In its thread

    def _run(self, ignored: Any) -> None:
        self._here.ask = self._ask
        try:
            with np.errstate(**ignored):
                self.returned = self._call()
        except BaseException as error:
            self._raised = error
        self.over = True
        self._signs.put(None)

    def _ask(self, question: Any) -> Any:
        if not self._ending:
            self.question = question
            self._signs.put(None)
            answer = self._answers.get()
            if not self._ending:
                return answer
        raise Unwind(StopReason.FAILED, "What went on beside it has ended.")
