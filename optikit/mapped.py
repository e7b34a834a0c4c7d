"""A problem seen through a map: the optimizer's vector on one side, the user's function on the other.

The objective of all parameters is an ordinary one.  The one that optimizers see spreads each point over all
parameters and reduces each gradient, so every way to ask (values, complex steps, a library that differentiates) goes
through the same two lines, and a fixed or scaled parameter needs nothing that a library would have to follow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from optikit.bounds import Bounds
from optikit.names import Block, label
from optikit.objective import Objective, Rule
from optikit.parameters import Parameters
from optikit.problem import Problem
from optikit.structure import flatten_like
from optikit.types import Array, ComplexArray


def flat_problem(
    parameters: Parameters, fun: Callable[[Any], Any], gradient: Callable[[Any], Any] | None = None
) -> Problem:
    """Pose the problem of minimising a function of structured, fixed or scaled parameters.

    Parameters
    ----------
    parameters : Parameters
        What is looked for.
    fun, gradient : callable
        Take what `x0` is; the gradient returns that, too.

    Returns
    -------
    Problem
        Of the vector that the optimizer sees: of the function itself where it takes that as it is.

    Raises
    ------
    InputError
        If `fun` or `gradient` cannot be called.
    """
    if parameters.plain:
        return Problem(fun, gradient, parameters.given_bounds)
    return _Mapped(parameters, fun, gradient)


class _Mapped(Problem):
    def __init__(self, seen: Parameters, fun: Callable[[Any], Any], gradient: Callable[[Any], Any] | None) -> None:
        super().__init__(fun, gradient)
        self._seen, self._given, self.n = seen, (fun, gradient), len(seen.start)

        def slope(x: Array) -> Any:
            assert gradient is not None
            return flatten_like(gradient(seen.shaped(x)), seen.x0, "the gradient")

        whole = Problem(lambda x: fun(seen.shaped(x)), None if gradient is None else slope)
        self._objective = _Seen(whole.whole, seen)

    def blocks(self, n: int) -> list[Block]:
        return self._seen.blocks

    def restore(self, x: Array) -> Any:
        return self._seen.restore(x)

    def unscaled(self, x: Array) -> tuple[Problem, Array]:
        plain = self._seen.unscaled
        return flat_problem(plain, *self._given), plain.free(self._seen.spread(x))


class _Seen(Objective):
    def __init__(self, whole: Objective, seen: Parameters) -> None:
        self._whole, self._seen = whole, seen

    def bounds(self, n: int) -> Bounds:
        low, high = self._seen.bounds
        return low.copy(), high.copy()

    def label(self, i: int) -> str:
        return label(self._seen.blocks, i)

    def value(self, x: Array) -> float:
        return self._whole.value(self._seen.spread(x))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        value, gradient = self._whole.value_and_grad(self._seen.spread(x))
        return value, self._seen.reduce(gradient)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        return self._whole.complex_values(np.stack([self._seen.spread(x) for x in xs]))

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        value, gradient = self._whole.differentiated(rule, self._seen.spread(x))
        return value, self._seen.reduce(gradient)
