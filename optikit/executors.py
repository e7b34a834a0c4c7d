"""Crews that the user brings: an executor, or whatever maps a function over a list as `map` does.

The problem is remembered in the process under a key, and a task bears the key alone.  A worker that knows the key, as
threads and later forks do, has been sent nothing; one that does not says so, and is asked again with the problem.
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import cached_property, partial
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from optikit.crew import Answer, Crew, Question, Telling, packed
from optikit.errors import InputError

_AHEAD = 1000
"""Questions that are submitted before the first of them is answered."""
_KNOWN = 4
"""Problems that a worker remembers."""

_tellers: dict[str, Telling] = {}


def _ask(key: str, problem: bytes | None, question: Question) -> Answer | None:
    """Answer in a worker; None if it does not know the problem and is not given it."""
    teller = _tellers.get(key)
    if teller is None:
        if problem is None:
            return None
        teller = pickle.loads(problem)
        _remember(key, teller)
    return teller.tell(question)


def _remember(key: str, teller: Telling) -> None:
    while len(_tellers) >= _KNOWN:
        _tellers.pop(next(iter(_tellers)), None)
    _tellers[key] = teller


class _Borrowed(Crew):
    def __init__(self, teller: Telling) -> None:
        self._key, self._teller = uuid4().hex, teller
        _remember(self._key, teller)

    @cached_property
    def _packed(self) -> bytes:
        return packed(self._teller)

    def close(self) -> None:
        """Forget the problem here."""
        _tellers.pop(self._key, None)


class Futures(Crew):
    """Workers that are given one task at a time and promise an answer.

    Parameters
    ----------
    submit : callable
        Takes a question, and whether the worker was asked before and did not know the problem; gives a future of its
        answer, or of None if it does not know the problem.
    excuse : callable, optional
        Takes a future and the exception that it has, and gives an answer, or None to ask again, or raises.
    """

    def __init__(
        self,
        submit: Callable[[Question, bool], "Future[Answer | None]"],
        excuse: Callable[["Future[Answer | None]", Exception], Answer | None] | None = None,
    ) -> None:
        self._submit, self._excuse, self._pending = submit, excuse, dict[int, "Future[Answer | None]"]()

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions."""
        todo, done, finished = deque(range(len(questions))), dict[int, Answer](), SimpleQueue[int]()

        def submit(task: int, again: bool = False) -> None:
            self._pending[task] = future = self._submit(questions[task], again)
            future.add_done_callback(lambda _: finished.put(task))

        try:
            for number in range(len(questions)):
                while True:
                    while todo and len(self._pending) < _AHEAD:
                        submit(todo.popleft())
                    if number in done:
                        break
                    task = finished.get()
                    if (answer := self._result(self._pending.pop(task))) is None:
                        submit(task, again=True)
                    else:
                        done[task] = answer
                yield done.pop(number)
        finally:
            self._cancel()

    def _result(self, future: "Future[Answer | None]") -> Answer | None:
        try:
            return future.result()
        except Exception as error:
            if self._excuse is None:
                raise
            return self._excuse(future, error)

    def _cancel(self) -> None:
        pending, self._pending = self._pending, {}
        for future in pending.values():
            future.cancel()

    def close(self) -> None:
        """Cancel what nobody waits for; the workers are the user's."""
        self._cancel()


class Executing(_Borrowed):
    """The workers of a `concurrent.futures.Executor`.

    Parameters
    ----------
    teller : Telling
        The problem.
    executor : Executor
        The user's, who shuts it down.
    """

    def __init__(self, teller: Telling, executor: Executor) -> None:
        super().__init__(teller)
        self._executor, self._futures = executor, Futures(self._submit, self._excuse)

    def _submit(self, question: Question, again: bool) -> "Future[Answer | None]":
        problem = self._packed if again else None
        try:
            return self._executor.submit(_ask, self._key, problem, question)
        except RuntimeError as error:  # broken before, shut down, or out of threads
            raise self._refusal(error) from error

    def _excuse(self, future: "Future[Answer | None]", error: Exception) -> Answer | None:
        if isinstance(error, BrokenExecutor):
            raise self._refusal(error) from error
        raise error

    def _refusal(self, error: Exception) -> InputError:
        said = " ".join(str(error).split()).rstrip(".")
        return InputError(
            f"workers={type(self._executor).__name__} takes no more work ({said}); open a new one, or pass workers=N, "
            "whose processes are replaced when they die"
        )

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions."""
        return self._futures.answers(questions)

    def close(self) -> None:
        """Cancel what nobody waits for; the workers are the user's."""
        super().close()
        self._futures.close()


class Mapping(_Borrowed):
    """The workers behind a function that maps another over a list.

    Parameters
    ----------
    teller : Telling
        The problem.
    map_ : callable
        ``map_(function, items)`` gives the results in the order of the items.
    """

    def __init__(self, teller: Telling, map_: Callable[[Any, Any], Iterable[Any]]) -> None:
        super().__init__(teller)
        self._map = map_

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions."""
        answered, problem = 0, None
        while answered < len(questions):
            for answer in self._mapped(partial(_ask, self._key, problem), questions[answered:]):
                if answer is None and problem is None:
                    break
                if not isinstance(answer, Answer) or answered == len(questions):
                    raise InputError(f"workers gave {answer!r}; workers(function, items) maps a function as `map` does")
                answered += 1
                yield answer
            else:
                if answered < len(questions):
                    raise InputError(
                        f"workers gave {answered} answers to {len(questions)} questions; pass what maps all"
                    )
            problem = self._packed if answered < len(questions) else None

    def _mapped(self, ask: Callable[[Question], Any], questions: Sequence[Question]) -> Iterator[Any]:
        found: Any = self._map(ask, questions)
        try:
            return iter(found)
        except TypeError:
            raise InputError(
                f"workers gave {found!r}; workers(function, items) maps a function over a list as `map` does"
            ) from None
