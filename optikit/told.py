"""What has been told: a source of answers that knows nothing else, and says what would have to be asked next.

People can be asked for values, and for gradients if they know some.  What looks into a function, or asks it at complex
points, they cannot answer; such an estimator is tried out on a function of our own before anybody is asked anything.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np

from optikit.errors import ContractError, InputError, UnsupportedError
from optikit.gradient import GradientEstimator
from optikit.objective import Rule
from optikit.oracle import Oracle
from optikit.problem import Problem
from optikit.source import Source
from optikit.stop import StopReason, Unwind
from optikit.types import Array, ComplexArray

Answer = tuple[float, Array | None]
"""A value, and a gradient where one is told."""


class Batch(NamedTuple):
    """Questions that are asked at once."""

    points: Array
    """Shape (k, n)."""
    gradient: bool
    """Whether the gradient is asked for, too."""


class Answerable(Source):
    """Refuses what nobody could be asked."""

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Give value and gradient at a point, (n,), if gradients are told."""
        if rule is not None:
            raise InputError(
                "this gradient is found by looking into the function, which a session has not; pass "
                "gradient='central-difference', or gradient='told'"
            )
        if not self._problem.has_gradient:
            raise UnsupportedError(
                "gradient",
                "a session has no gradient; pass gradient='central-difference', or gradient='told' and tell pairs "
                "(value, gradient), or choose an optimizer that needs none",
            )
        return super().value_and_grad(x)

    @property
    def sweeps(self) -> bool:
        """Points of a difference quotient share no work."""
        return False

    def complex_value(self, x: ComplexArray) -> complex:
        """Refuse a complex point."""
        raise InputError("a session asks at real points only; pass gradient='richardson' or 'central-difference'")


class Told(Answerable):
    """Answers one batch of questions; the next one ends the step.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    batch : Batch, optional
        The questions that have answers.
    answers : list of Answer
        One for each.
    """

    def __init__(self, problem: Problem, batch: Batch | None, answers: list[Answer]) -> None:
        super().__init__(problem)
        self._told = None if batch is None else (batch, answers)
        self.open: Batch | None = None
        """What would have to be answered for the step to go on."""

    def _answers(self, points: Array, gradient: bool = False) -> list[Answer]:
        told, self._told = self._told, None
        if told is not None:
            if told[0].gradient != gradient or not np.array_equal(told[0].points, points):
                raise ContractError("the optimizer asked something else when its step was made again")
            return told[1]
        self.open = Batch(points.copy(), gradient)
        answers = "an answer" if len(points) == 1 else f"{len(points):,} answers"
        raise Unwind(StopReason.WAITING, f"The session waits for {answers}.")

    def value(self, x: Array) -> float:
        """Give the value at one point, (n,)."""
        return self._answers(x[None])[0][0]

    def values(self, xs: Array) -> Iterator[Sequence[float]]:
        """Give the values at the rows of `xs`, (k, n)."""
        yield [value for value, _ in self._answers(xs)]

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Give value and gradient at a point, (n,)."""
        if rule is not None or not self._problem.has_gradient:
            return super().value_and_grad(x, rule)
        return next(self.gradients(x[None]))[0]

    def gradients(self, xs: Array) -> Iterator[Sequence[tuple[float, Array]]]:
        """Give values and gradients at the rows of `xs`, (k, n), as one batch of questions."""
        if not self._problem.has_gradient:
            yield from super().gradients(xs)
        yield [(value, cast("Array", gradient)) for value, gradient in self._answers(xs, gradient=True)]


def rehearse(estimator: GradientEstimator, problem: Problem, x0: Array) -> None:
    """Refuse an estimator that needs what nobody can be asked, before anybody is.

    Parameters
    ----------
    estimator : GradientEstimator
        It is asked for one gradient of a parabola.
    problem : Problem
        Gives the bounds, and whether gradients are told.
    x0 : ndarray, shape (n,)
        Where.

    Raises
    ------
    InputError
        If it is of no use in a session.
    """
    parabola = Problem(lambda x: x @ x, _slope if problem.has_gradient else None, problem.bounds(len(x0)))
    oracle = Oracle(parabola, x0, gradient=estimator, source=Answerable(parabola), rng=np.random.default_rng(0))
    try:
        with np.errstate(all="ignore"):
            oracle.value_and_grad(x0)
    except Unwind as ended:
        if isinstance(ended.error, InputError):  # whatever else there is, belongs to the parabola
            raise ended.error from None


def _slope(x: Array) -> Array:
    return 2 * x
