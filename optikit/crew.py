"""A crew: those who answer questions in other processes, threads or machines, each with the problem at hand.

The problem travels once to each worker, as a `Teller`.  A `Question` is small: the step, what is asked, and points; the
teller asks a `Source` of its own, as would have been done here, so an answer is the same whoever gives it.
"""

import pickle
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from copy import copy
from typing import Any, NamedTuple, Protocol

import numpy as np

from optikit.errors import InputError, ObjectiveError
from optikit.library import import_library
from optikit.problem import Problem
from optikit.source import Source


class Question(NamedTuple):
    """What is asked of a worker."""

    step: int | None
    """Whose objective; None is that over all samples."""
    method: str
    """Of a `Source`."""
    points: Any
    """Its argument."""


class Answer(NamedTuple):
    """What a worker says."""

    values: list[Any]
    """One for each point, up to an error."""
    error: BaseException | None = None
    """What was raised then."""


class Crew(ABC):
    """Answers questions, several at a time."""

    @abstractmethod
    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Answer in the order of the questions; whoever stops listening ends the work on the rest."""

    def as_they_come(self, questions: Sequence[Question]) -> Generator[tuple[int, Answer]]:
        """Answer in any order, with the number of the question: for who wants to keep what there is."""
        yield from enumerate(self.answers(questions))

    @abstractmethod
    def close(self) -> None:
        """Let the workers go, and cancel what nobody waits for."""


class Telling(Protocol):
    """Who answers in a worker; it travels there once."""

    def tell(self, question: Question) -> Answer:
        """Answer a question; whatever is raised is part of the answer."""
        ...


class Teller:
    """The problem, as it travels to a worker.

    Parameters
    ----------
    problem : Problem
        Whose objective is asked; its constraints stay behind.
    lenient : bool
        As of a `Source`.
    """

    def __init__(self, problem: Problem, lenient: bool) -> None:
        self._problem, self._lenient = copy(problem), lenient
        self._problem.constraints = ()
        # One attribute, so that no thread finds the step of one question with the source of another.
        self._turned: tuple[int | None, Source] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what can be made again."""
        return Teller, (self._problem, self._lenient)

    def tell(self, question: Question) -> Answer:
        """Answer a question; whatever is raised is part of the answer."""
        values: list[Any] = []
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # as in the loop: the oracle reports them
                source = self._at(question.step)
                if question.method == "values":
                    for some in source.values(question.points):
                        values.extend(some)
                else:
                    values.append(getattr(source, question.method)(question.points))
        except BaseException as error:
            return Answer(values, portable(error))
        return Answer(values)

    def _at(self, step: int | None) -> Source:
        turned = self._turned
        if turned is None or turned[0] != step:
            source = Source(self._problem, lenient=self._lenient)
            source.turn(step)
            self._turned = turned = step, source
        return turned[1]


def packed(teller: Telling) -> bytes:
    """Pack a problem for another process: by the standard library, or by cloudpickle, which packs lambdas, too.

    Raises
    ------
    InputError
        If that cannot be done.
    """
    try:
        return pickle.dumps(teller)
    except Exception as error:
        try:
            return import_library("cloudpickle").dumps(teller)
        except Exception:
            raise InputError(
                f"the function cannot be sent to the workers ({error}); define it in a module with `def` and without "
                "what only this process has, install cloudpickle, or on Linux pass workers=N"
            ) from None


def portable(error: BaseException) -> BaseException:
    """Give what was raised in a form that can be sent, with its traceback as a note."""
    note = f"raised in a worker:\n{''.join(traceback.format_exception(error)).rstrip()}"
    try:
        sent = pickle.loads(pickle.dumps(error))
        if type(sent) is not type(error) or str(sent) != str(error):
            raise TypeError
    except Exception:
        sent = ObjectiveError(f"the objective raised {type(error).__name__}: {error}")
    sent.add_note(note)
    return sent
