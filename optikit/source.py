"""A source of answers: who computes what the oracle is asked.

The oracle checks, counts and keeps; a source computes.  `Source` does so here, in this process.  Others stand before it
or in its place: worker processes, a journal that knows what has been answered already, a person.  So an optimizer, the
oracle and its accounts are the same, whoever answers.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from optikit.errors import ContractError, InputError
from optikit.objective import Objective, Rule
from optikit.problem import Problem
from optikit.types import Array, ComplexArray

TOGETHER = 16
"""Points that an objective may be asked at once: no more is lost when it is interrupted, or time is up."""


class Failed(float):
    """The answer of an evaluation that failed: NaN that knows why."""

    def __new__(cls, reason: str) -> "Failed":
        """Make one.

        Parameters
        ----------
        reason : str
            What happened, in one line.
        """
        made = super().__new__(cls, "nan")
        made.reason = reason
        return made

    reason: str
    """What happened, in one line."""

    @staticmethod
    def by(error: Exception) -> "Failed":
        """Make one of what was raised: the last line of its traceback."""
        return Failed(f"{type(error).__name__}: {error}".strip().splitlines()[0])


def endures(error: Exception) -> bool:
    """Say whether an evaluation has failed, rather than somebody made a mistake that every evaluation will meet."""
    return not isinstance(error, InputError | ContractError)


class Source:
    """Answers from the problem itself, in this process.

    Parameters
    ----------
    problem : Problem
        Whose objective is asked.
    lenient : bool
        Whether an exception of the objective is an answer, `Failed`, rather than the end.
    """

    def __init__(self, problem: Problem, *, lenient: bool = False) -> None:
        self._problem, self._lenient = problem, lenient
        self.objective: Objective = problem.at(0)
        """What is minimised at this step."""

    def turn(self, step: int | None) -> None:
        """Go to the objective of a step; None is that over all samples."""
        self.objective = self._problem.whole if step is None else self._problem.at(step)

    def value(self, x: Array) -> float:
        """Compute the value at one point, (n,)."""
        if not self._lenient:
            return self.objective.value(x)
        try:
            return self.objective.value(x)
        except Exception as error:
            if not endures(error):
                raise
            return Failed.by(error)

    def values(self, xs: Array) -> Iterator[Sequence[float]]:
        """Compute the values at the rows of `xs`, (k, n), in order and some at a time.

        Whoever stops listening after some of them ends the work on the rest.
        """
        if self.shares and not self._lenient:
            for some in range(0, len(xs), TOGETHER):
                yield self.objective.values(xs[some : some + TOGETHER]).tolist()
        else:
            value = self.value
            for x in xs:
                yield (value(x),)

    @property
    def shares(self) -> bool:
        """Whether the objective shares work between points."""
        return type(self.objective).values is not Objective.values

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Compute value and gradient at a point, (n,), by a library's rule or the objective's own."""
        ask = self.objective.value_and_grad if rule is None else partial(self.objective.differentiated, rule)
        try:
            return ask(x)
        except Exception as error:
            if not (self._lenient and endures(error)):
                raise
            return Failed.by(error), np.full(x.shape, np.nan, dtype=x.dtype)

    def gradients(self, xs: Array) -> Iterator[Sequence[tuple[float, Array]]]:
        """Compute values and gradients at the rows of `xs`, (k, n), in order and some at a time."""
        for x in xs:
            yield (self.value_and_grad(x),)

    @property
    def sweeps(self) -> bool:
        """Whether the objective shares work between the points of a difference quotient."""
        return not self._lenient and type(self.objective).shifted is not Objective.shifted

    def shifted(self, x: Array, steps: Array) -> Array:
        """Compute the values at ``x + steps_ij e_j``, shape of `steps`, where the objective `sweeps`."""
        return self.objective.shifted(x, steps)

    def complex_value(self, x: ComplexArray) -> complex:
        """Compute the value at a complex point, (n,)."""
        return complex(self.objective.complex_values(x[None])[0])

    def close(self) -> None:
        """Let go of what was opened."""
