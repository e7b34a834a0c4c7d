"""A stopping rule: ends a run that gets nowhere any more, whoever minimises.

A rule looks at every *answer*: what an optimizer is given for one question, be it a value, a value with its gradient,
or the values of a batch.  That is a step of an update rule, a generation of a population, and one evaluation of a
search or of a solver that owns its loop, so that a rule means the same for all of them.  The points of a difference
quotient are no answers, but part of one.

A run that a rule ends does so between two steps, or in a long step at the next question.  What a rule remembers is
plain data, and a function of the answers alone, so that a continued run ends where it would have ended without a break.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from optikit.component import Component, packages
from optikit.errors import InputError
from optikit.plain import alike, decode, encode
from optikit.stop import StopReason, Unwind
from optikit.types import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a rule looks at: the answer to one question."""

    points: Array
    """Where the optimizer has asked, shape (k, n), a copy of nothing: not to be kept or written to."""
    nfev: int
    """Evaluations until now, these and those of difference quotients included."""
    lowest: float | None
    """As `best`, but None where values do not compare."""

    @property
    def best(self) -> float:
        """The lowest value until now, with constraints at a feasible point; infinite if there is none.

        Raises
        ------
        InputError
            If the run is on minibatches, whose values do not compare.
        """
        if self.lowest is None:
            raise InputError("a rule that compares values needs all samples in each; leave out batch_size, or the rule")
        return self.lowest


@dataclass(kw_only=True, slots=True)
class StoppingState:
    """What a rule remembers; rules that remember more derive from it.  Plain data, as the state of an optimizer."""

    said: str = ""
    """Ends the run once it is set: why, in one sentence."""


S = TypeVar("S", bound=StoppingState)


class Stopping(Component, Generic[S]):
    """Ends a run that gets nowhere."""

    kind: ClassVar[str] = "stopping"

    @abstractmethod
    def begin(self) -> S:
        """Make the first state."""

    @abstractmethod
    def look(self, state: S, answer: Answer) -> S:
        """Look at one more answer.

        Parameters
        ----------
        state : StoppingState
            What `begin` or the last look returned.
        answer : Answer
            What the optimizer has been given.

        Returns
        -------
        StoppingState
            May be the same object, changed; its `said` ends the run.
        """


class Rules:
    """The rules of a run, and where they are.

    Parameters
    ----------
    rules : sequence of Stopping
        Any number of them; the first that has something to say ends the run.
    """

    def __init__(self, rules: Sequence[Stopping[Any]]) -> None:
        self._rules = rules
        self._states: list[Any] = [rule.begin() for rule in rules]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._rules)

    def look(self, answer: Answer) -> None:
        """Show them an answer."""
        self._states = [rule.look(state, answer) for rule, state in zip(self._rules, self._states, strict=True)]

    def end(self, best: float) -> Unwind | None:
        """Give the end of the run if one of them wants it.

        That is a success, as the user has said what is enough; but not where nothing was found.
        """
        said = next((f"{state.said} ({rule.name})" for rule, state in self._pairs() if state.said), None)
        reason = StopReason.STAGNATED if math.isfinite(best) else StopReason.FAILED
        return None if said is None else Unwind(reason, said)

    def _pairs(self) -> Any:
        return zip(self._rules, self._states, strict=True)

    def memory(self) -> dict[str, Any]:
        """Give what a continued run has to know."""
        return {"names": [rule.name for rule in self._rules], "states": encode(self._states)}

    def recall(self, memory: dict[str, Any]) -> None:
        """Go on from there; other rules than those begin anew."""
        if memory["names"] == [rule.name for rule in self._rules]:
            known = {package for rule in self._rules for package in packages(rule)}
            states = decode(memory["states"], known)
            if not alike(states, self._states):
                raise ValueError("no states of these rules")
            self._states = states
