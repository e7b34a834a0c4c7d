"""Workers: several evaluations at a time, and the same numbers as without, however many there are.

Whatever is asked as a batch (a population, a difference quotient) is handed out, and the answers are taken in order,
up to where nobody listens any more.  Points that share work go together in the same groups as without workers, so not
even rounding depends on their number.  What cannot be done side by side is done here, unless a timeout has to end it.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from optikit.cluster import PREFIX, Cluster
from optikit.crew import Answer, Crew, Question, Teller, Telling
from optikit.errors import InputError, ObjectiveError
from optikit.executors import Executing, Mapping
from optikit.failures import Failures
from optikit.interrupts import held
from optikit.objective import Rule
from optikit.pool import Pool, cores
from optikit.problem import Problem
from optikit.source import Failed, Source
from optikit.types import Array, ComplexArray


class Workers(Source):
    """Answers from workers.

    Parameters
    ----------
    problem : Problem
        Whose objective is asked.
    crew : Crew
        Who computes.
    failures : Failures
        Whether an exception is an answer, and whether evaluations may time out.
    """

    def __init__(self, problem: Problem, crew: Crew, failures: Failures) -> None:
        super().__init__(problem, lenient=failures.error != "raise")
        self._crew, self._timed, self._step = crew, failures.timeout is not None, cast("int | None", 0)

    def turn(self, step: int | None) -> None:
        """Go to the objective of a step; None is that over all samples."""
        super().turn(step)
        self._step = step

    def values(self, xs: Array) -> Iterator[Sequence[float]]:
        """Compute the values at the rows of `xs`, (k, n), in order and some at a time."""
        together = self.together
        if len(xs) <= together and not self._timed:
            yield from super().values(xs)
            return
        groups = (xs[some : some + together] for some in range(0, len(xs), together))
        for answer in self._crew.answers([Question(self._step, "values", group) for group in groups]):
            yield self._heard(answer)

    @property
    def together(self) -> int:
        """How many points of a batch are asked at once; each alone where each has a time of its own."""
        return 1 if self._timed else super().together

    @property
    def sweeps(self) -> bool:
        """Whether the objective shares work between the points of a difference quotient, which stays here."""
        return super().sweeps and not self._timed

    def value(self, x: Array) -> float:
        """Compute the value at one point, (n,)."""
        return self._one("values", x[None]) if self._timed else super().value(x)

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Compute value and gradient at a point, (n,), by a library's rule or the objective's own."""
        if not self._timed:
            return super().value_and_grad(x, rule)
        if rule is not None:
            raise InputError(
                "a library that differentiates the function does so in this process, where no timeout can end it; "
                "leave out the timeout, or pass gradient='central-difference'"
            )
        return next(self.gradients(x[None]))[0]

    def gradients(self, xs: Array) -> Iterator[Sequence[tuple[float, Array]]]:
        """Compute values and gradients at the rows of `xs`, (k, n), in order and some at a time."""
        if len(xs) == 1 and not self._timed:
            yield from super().gradients(xs)
            return
        lost = np.full(xs.shape[1], np.nan, dtype=xs.dtype)
        for said in self._crew.answers([Question(self._step, "value_and_grad", x) for x in xs]):
            (answer,) = self._heard(said)
            yield ((answer, lost.copy()) if isinstance(answer, Failed) else answer,)

    def complex_value(self, x: ComplexArray) -> complex:
        """Compute the value at a complex point, (n,)."""
        answer = self._one("complex_value", x) if self._timed else super().complex_value(x)
        if isinstance(answer, Failed):
            raise ObjectiveError(f"the objective {answer.reason} at a complex point")
        return answer

    def _one(self, method: str, points: Any) -> Any:
        (answer,) = self._crew.answers([Question(self._step, method, points)])
        return self._heard(answer)[0]

    def _heard(self, answer: Answer) -> list[Any]:
        """Take an answer apart; a failure ends the run unless it may be an answer."""
        if answer.error is not None:
            raise answer.error
        if not self._lenient:
            for value in answer.values:
                if isinstance(value, Failed):
                    raise ObjectiveError(f"an evaluation failed: {value.reason}")
        return answer.values

    def close(self) -> None:
        """Let the workers go."""
        self._crew.close()


@contextmanager
def hired(workers: Any, problem: Problem, failures: Failures) -> Generator[Workers | None]:
    """Have workers for a run.

    Parameters
    ----------
    workers : int, Executor, callable, str or None
        As users say it; see `minimize`.
    problem : Problem
        What they work on.
    failures : Failures
        What happens when they fail.

    Yields
    ------
    Workers or None
        They are let go in the end, however it comes.

    Raises
    ------
    InputError
        If that is no worker, or a timeout needs workers that can be ended.
    """
    count = _count(workers)
    if failures.timeout is not None and count is None:
        raise InputError(
            f"on_error has a timeout of {failures.timeout:g} s, but only processes of optikit's own can be ended; "
            "pass workers=N, such as workers=1, or leave out the timeout"
        )
    if workers is None:
        yield None
        return
    crew = gathered(workers, Teller(problem, failures.error != "raise"), failures)
    source = Workers(problem, crew, failures)
    try:
        yield source
    finally:
        with held():  # a second Ctrl-C while they leave shall not lose the result
            source.close()


def _count(workers: Any) -> int | None:
    """Give the number of processes that is meant, if one is."""
    if isinstance(workers, bool) or not isinstance(workers, int | np.integer):
        return None
    if (count := int(cast("int", workers))) != -1 and count < 1:
        raise InputError(f"workers is {count}; pass at least 1, or -1 for all cores")
    return cores() if count == -1 else count


def gathered(workers: Any, teller: Telling, failures: Failures) -> Crew:
    """Gather a crew; whoever does closes it.

    Parameters
    ----------
    workers : int, Executor, callable or str
        As users say it; see `minimize`.
    teller : Telling
        What each of them has at hand.
    failures : Failures
        When an answer has timed out, and how often a question is asked again whose worker has died.

    Raises
    ------
    InputError
        If that is no worker.
    """
    if (count := _count(workers)) is not None:
        return Pool(teller, count, failures.timeout, failures.retries)
    if isinstance(workers, Executor):
        return Executing(teller, workers)
    if workers == "dask" or (isinstance(workers, str) and workers.startswith(PREFIX)) or hasattr(workers, "scatter"):
        return Cluster(teller, workers, failures.retries)
    if callable(workers) and not (isinstance(workers, type) and issubclass(workers, Executor)):
        return Mapping(teller, cast("Callable[..., Iterable[Any]]", workers))
    raise InputError(
        f"workers is {workers!r}; pass how many, -1 for all cores, an executor, a function like map, 'dask', or "
        "'dask://HOST:PORT'"
    )
