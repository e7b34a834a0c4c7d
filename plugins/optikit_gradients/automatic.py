"""Automatic differentiation: a library follows the function and differentiates every operation on the way.

The function has to be written in that library.  One that leaves it on the way would lose slope without a word; where
that can be told, it is an error in one sentence.  The library is imported when it is first used.
"""

import re
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, final

import numpy as np

from optikit import Array, GradientEstimator, Objective, ObjectiveError

Function: TypeAlias = Callable[[Any], Any]


class Automatic(GradientEstimator):
    """Has a library differentiate the function; costs one evaluation."""

    remedy: ClassVar[str]
    """How to write a function that the library can follow."""
    refusals: ClassVar[str]
    """Pattern of the messages, besides those of a TypeError, by which library and NumPy refuse each other's arrays."""

    @abstractmethod
    def differentiate(self, fun: Function, x: Array) -> tuple[Any, Any]:
        """Give value and gradient, (n,), of a function at `x`; the function goes through `scalar`."""

    @final
    def value_and_grad(self, objective: Objective, x: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """Have the objective differentiated."""
        return objective.differentiated(self._rule, x)

    @final
    def cost(self, n: int) -> int:
        """Count the one evaluation."""
        return 1

    def _rule(self, fun: Function, x: Array) -> tuple[Any, Any]:
        try:
            return self.differentiate(fun, x)
        except Exception as error:
            if not isinstance(error, TypeError) and not re.search(self.refusals, str(error)):
                raise
            said = str(error).partition("\n")[0].rstrip(".")
            raise ObjectiveError(
                f"the objective is not written in {self.name} ({said}); {self.remedy}, or pass "
                "gradient='central-difference'"
            ) from error


def scalar(fun: Function) -> Function:
    """See that a function returns one real number of a floating-point type, in whichever library."""

    def checked(x: Any) -> Any:
        answer = fun(x)
        shape = tuple(getattr(answer, "shape", ()))
        kind = str(getattr(answer, "dtype", type(answer).__name__))
        if shape or "float" not in kind:
            shown = f"an array of shape {shape}" if shape else f"something of type {kind}"
            raise ObjectiveError(f"the objective returned {shown}; it must return one real floating-point number")
        return answer

    return checked
