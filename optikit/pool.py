"""A pool of processes that can be ended: one that hangs is killed, and one that has died is replaced.

`concurrent.futures` can do neither: a call that hangs blocks its pool for ever, and a death breaks it.  Processes are
forked on Linux, unless `multiprocessing.set_start_method` says otherwise: then nothing has to be sent, and lambdas and
data are there.  Each leads a process group, so that Ctrl-C goes to the parent alone, and a simulator that the function
has started is killed with it.

Where calls are short a worker is given a handful of questions at once, so that it need not wait for the next.  It
answers one by one, so each still has its own time, and of a worker that dies it is known at which question.
"""

import math
import multiprocessing
import os
import pickle
import random
import signal
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import numpy as np

from optikit.crew import Answer, Crew, Question, Telling, packed, portable
from optikit.errors import ObjectiveError
from optikit.source import Failed

_LOOK = 1.0
"""Seconds after which it is looked who has died without a word, as when a child of the worker holds its connection."""

_SPAN = 0.005
"""Seconds that a handful of questions may take: a slow one among them shall not keep others waiting for long."""


def cores() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Pool(Crew):
    """Workers that are processes of this machine; made when they are first needed.

    Parameters
    ----------
    teller : Telling
        The problem.
    size : int
        How many workers.
    timeout : float, optional
        Seconds after which an answer has failed.
    retries : int
        How often a question is asked again whose worker has died.
    """

    def __init__(self, teller: Telling, size: int, timeout: float | None = None, retries: int = 0) -> None:
        self._teller, self._size, self._timeout, self._retries = teller, size, timeout or math.inf, retries
        # macOS can fork, too, but its libraries do not bear it.
        method = cast("str | None", multiprocessing.get_start_method(allow_none=True))
        method = "fork" if method is None and sys.platform == "linux" else method
        self._context: Any = multiprocessing.get_context(method)
        self._workers: list[_Worker] = []
        self._each = _SPAN  # seconds of a question, the longest of the last ones

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions."""
        done = dict[int, Answer]()
        with closing(self.as_they_come(questions)) as coming:
            for number in range(len(questions)):
                while number not in done:
                    task, answer = next(coming)
                    done[task] = answer
                yield done.pop(number)

    def as_they_come(self, questions: Sequence[Question]) -> Generator[tuple[int, Answer]]:
        """Answer in any order, with the number of the question."""
        todo, deaths, left = deque(range(len(questions))), Counter[int](), len(questions)
        try:
            self._hand_out(todo, questions)
            while left:
                done = list[tuple[int, Answer]]()
                for worker, answer in self._hear():
                    if not worker.tasks:  # it has only said that it is ready
                        continue
                    task = worker.tasks.popleft()
                    if worker.gone:
                        todo.extendleft(reversed(worker.tasks))
                    if answer is None and deaths[task] < self._retries:
                        deaths[task] += 1
                        todo.appendleft(task)
                    else:
                        done.append((task, answer or Answer([Failed(f"the worker died ({worker.end})")])))
                self._hand_out(todo, questions)  # before who listens takes time
                for task, answer in done:
                    left -= 1
                    yield task, answer
        finally:
            for worker in list(self._workers):
                if worker.tasks:
                    self._dismiss(worker)

    def _hand_out(self, todo: deque[int], questions: Sequence[Question]) -> None:
        """Give every idle worker something to do, and make as many as are still needed."""
        for worker in list(self._workers):
            if not todo:
                return
            if worker.idle:
                # The more are left, the larger a handful, so that all come to an end at about the same time.
                most = min(int(_SPAN / self._each), len(todo) // (2 * self._size))
                tasks = [todo.popleft() for _ in range(max(1, most))]
                try:
                    worker.connection.send([questions[task] for task in tasks])
                except OSError:  # it has died in its sleep
                    todo.extendleft(reversed(tasks))
                    self._dismiss(worker)
                    continue
                worker.tasks.extend(tasks)
                worker.begin(self._timeout)
        waiting = sum(not worker.ready for worker in self._workers)
        for _ in range(min(len(todo) - waiting, self._size - len(self._workers))):
            self._workers.append(_Worker(self._context, self._teller, self._workers))

    def _hear(self) -> Iterator[tuple["_Worker", Answer | None]]:
        """Wait until something happens; give who has answered, and what, or None where a worker has died."""
        awaited = [worker for worker in self._workers if not worker.idle]
        until = min((worker.deadline for worker in awaited), default=math.inf) - time.monotonic()
        heard = wait([worker.connection for worker in awaited], max(0.0, min(until, _LOOK)))
        for worker in awaited:
            answer = None
            alive = worker.connection not in heard and worker.process.is_alive()
            if worker.connection in heard:
                with suppress(EOFError, OSError):
                    answer, alive = worker.connection.recv(), True
            if not alive:
                self._dismiss(worker)
                if not worker.ready:
                    raise ObjectiveError(
                        f"a worker ended before it could begin ({worker.end}); where processes are not forked, a "
                        'script has to begin its runs below `if __name__ == "__main__":`'
                    )
                yield worker, None
            elif worker.connection in heard:
                if worker.tasks:
                    self._each = max(time.monotonic() - worker.begun, 0.8 * self._each, 1e-6)
                worker.ready = True
                worker.begin(self._timeout if len(worker.tasks) > 1 else math.inf)
                yield worker, answer
            elif time.monotonic() >= worker.deadline:
                self._dismiss(worker)
                yield worker, Answer([Failed(f"timed out after {self._timeout:g} s")])

    def _dismiss(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        worker.kill()

    def close(self) -> None:
        """End all workers: the idle ones leave, the others are killed."""
        workers, self._workers = self._workers, []
        with _uninterrupted():
            for worker in workers:
                worker.connection.close()
            for worker in workers:
                if worker.idle:
                    worker.process.join(1.0)
                worker.kill()


class _Worker:
    """The parent's end of a worker."""

    def __init__(self, context: Any, teller: Telling, others: Sequence["_Worker"]) -> None:
        self.connection, theirs = context.Pipe()
        # A child that kept the ends of the others would keep them waiting for a parent that has died.
        forked = context.get_start_method() == "fork"
        inherited = [self.connection, *(other.connection for other in others)] if forked else []
        self.process = context.Process(target=_work, args=(teller if forked else packed(teller), theirs, inherited))
        with _uninterrupted(), warnings.catch_warnings():
            # Python and JAX warn that a process with threads is forked; the worker starts none of their work.
            warnings.simplefilter("ignore")
            self.process.start()
        theirs.close()
        self.ready, self.begun, self.deadline = False, 0.0, math.inf
        self.tasks = deque[int]()
        self.end = ""

    @property
    def idle(self) -> bool:
        return self.ready and not self.tasks

    @property
    def gone(self) -> bool:
        return self.connection.closed

    def begin(self, timeout: float) -> None:
        """Start the clock of the next question."""
        self.begun = time.monotonic()
        self.deadline = self.begun + timeout

    def kill(self) -> None:
        """End the process and what it has started, and leave no zombie."""
        self.connection.close()
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # none is left, or it has not yet made its group
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        code = self.process.exitcode
        self.end = f"exit status {code}" if code >= 0 else f"signal {-code}"


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Keep Ctrl-C waiting, also for the child, until that knows what to do about it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(given: Telling | bytes, connection: "Connection[Any, Any]", inherited: Sequence[Any]) -> None:
    """Answer questions until nobody is there to ask."""
    if sys.platform != "win32":
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for other in inherited:
        other.close()
    # The global generators are copies of the parent's: noise would be the same in every worker.
    random.seed()
    np.random.seed()  # noqa: NPY002
    teller = pickle.loads(given) if isinstance(given, bytes) else given
    with suppress(EOFError, OSError):
        connection.send(None)
        while True:
            for question in connection.recv():
                answer = teller.tell(question)
                try:
                    connection.send(answer)
                except OSError:
                    raise
                except Exception as error:  # not everything can be sent
                    connection.send(Answer([], portable(error)))
