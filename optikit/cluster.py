"""Dask: workers on other machines, or a cluster of this one, behind a scheduler that runs again what was lost.

The problem is scattered to the workers once; a task bears a reference to it and a question.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

from optikit.crew import Answer, Crew, Question, Telling
from optikit.errors import InputError
from optikit.executors import Futures
from optikit.library import import_library
from optikit.source import Failed

PREFIX = "dask://"
_PATIENCE = 10
"""Seconds in which a scheduler has to answer."""
_DEAD = "every worker that tried it died"


class Cluster(Crew):
    """The workers of a Dask cluster.

    Parameters
    ----------
    teller : Telling
        The problem.
    place : str or distributed.Client
        ``"dask"``, a cluster of this machine for this run; ``"dask://HOST:PORT"``, an existing scheduler; or a client.
    retries : int
        How often a question is asked again that was lost with all workers.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler answers.
    """

    def __init__(self, teller: Telling, place: Any, retries: int) -> None:
        self._retries, self._lost = retries, Counter[int]()
        self._opened = ExitStack()
        self._teller, self._client = teller, self._connect(place) if isinstance(place, str) else place
        self._scattered: Any = None
        self._used = WeakKeyDictionary["Future[Answer | None]", Any]()
        self._futures = Futures(self._submit, self._excuse)

    def _connect(self, place: str) -> Any:
        try:
            distributed = import_library("distributed")
        except ImportError:
            raise InputError(
                f"workers={place!r} needs Dask, which is not installed; `python -m pip install 'optikit[dask]'`"
            ) from None
        if place == PREFIX.removesuffix("://"):
            cluster = distributed.LocalCluster(threads_per_worker=1, dashboard_address="127.0.0.1:0")
            return self._opened.enter_context(distributed.Client(self._opened.enter_context(cluster)))
        address = place.removeprefix(PREFIX)
        try:
            return self._opened.enter_context(distributed.Client(f"tcp://{address}", timeout=_PATIENCE))
        except (OSError, ValueError) as error:
            raise InputError(f"workers={place!r}: no Dask scheduler answers at {address} ({error})") from None

    def _submit(self, question: Question, again: bool) -> "Future[Answer | None]":
        if self._scattered is None:
            self._client.wait_for_workers(1, timeout=60)
            self._scattered = self._client.scatter(self._teller, broadcast=True, hash=False)
        # Not by the client's executor: what is lost with its workers would stay pending there for ever.
        future = self._client.submit(_tell, self._scattered, question, pure=False)
        self._used[future] = question, self._scattered
        return future

    def _excuse(self, future: "Future[Answer | None]", error: Exception) -> Answer | None:
        """Say what an error of Dask's own means: the function's are part of an answer."""
        if type(error).__name__ == "KilledWorker":  # Dask has tried again as often as `allowed-failures` says
            return Answer([Failed(_DEAD)])
        if not isinstance(error, CancelledError):
            raise error
        question, scattered = self._used[future]
        if scattered is self._scattered:
            self._scattered = None  # all who had the problem are gone, so it is scattered once more
        self._lost[id(question)] += 1
        return None if self._lost[id(question)] <= self._retries else Answer([Failed(_DEAD)])

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions."""
        self._lost.clear()
        return self._futures.answers(questions)

    def close(self) -> None:
        """Cancel what nobody waits for, and end what was opened."""
        self._futures.close()
        self._scattered = None
        self._opened.close()


def _tell(teller: Telling, question: Question) -> Answer:
    return teller.tell(question)
