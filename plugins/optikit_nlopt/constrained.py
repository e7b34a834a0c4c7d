"""Constraints as NLopt takes them: ``g(x) <= 0`` and ``h(x) = 0``, made of values with limits on both sides."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from optikit import Array, InputError, Questions
from optikit_nlopt.bridge import Forced, Nlopt


class Remembering:
    """The constraints, which NLopt asks for in parts, one after the other at one point."""

    def __init__(self, ask: Questions, constraints: Any) -> None:
        self._ask, self._constraints = ask, constraints
        self._known: dict[str, tuple[Array, Array]] = {}

    def _give(self, what: str, x: Array) -> Array:
        """Give ``"values"``, (m,), or the ``"jacobian"``, (m, n)."""
        x = self._ask.inside(x)
        if what not in self._known or not np.array_equal(self._known[what][0], x):
            self._known[what] = x.copy(), getattr(self._constraints, what)(x)
        return self._known[what][1]

    def rows(self, index: Any, sign: Array, limit: Array) -> Callable[[Array, Array, Array], None]:
        """Make a callback of NLopt for ``sign * c[index] - limit``."""

        def callback(result: Array, x: Array, gradient: Array) -> None:
            result[:] = sign * self._give("values", x)[index] - limit
            if gradient.size:
                gradient[:] = sign[:, None] * self._give("jacobian", x)[index]

        return callback


class Constrained(Nlopt):
    """An algorithm that takes constraints."""

    equalities: ClassVar[bool] = True
    """Whether it takes equalities too."""
    one_by_one: ClassVar[bool] = False
    """Whether NLopt has to be given each inequality for itself."""

    ours = frozenset({"constraint_tol"})

    constraint_tol: float = Field(default=1e-8, ge=0)
    """Violation that stopping takes for none; 0 in NLopt, which equalities never meet."""

    def restrict(self, opt: Any, ask: Questions, forced: Forced) -> None:
        """Give NLopt the problem's constraints, if there are any."""
        given: Any = ask.constraints
        if given is None:
            return
        constraints = Remembering(ask, given)
        low: Array = given.lower
        high: Array = given.upper
        equal = np.flatnonzero(low == high)
        if equal.size and not self.equalities:
            raise InputError(
                f"{self.name} takes no equalities, and constraint {equal[0]} is one; choose nlopt-slsqp, "
                "nlopt-cobyla, nlopt-isres or nlopt-auglag"
            )
        if equal.size:
            question = constraints.rows(equal, np.ones(equal.size), low[equal])
            opt.add_equality_mconstraint(forced.answer(question), np.full(equal.size, self.constraint_tol))
        below, above = (np.flatnonzero((low != high) & np.isfinite(side)) for side in (high, low))
        index, sign = np.append(below, above), np.repeat([1.0, -1.0], [below.size, above.size])
        limit = np.append(high[below], -low[above])
        for part in np.arange(index.size)[:, None] if self.one_by_one else [slice(None)] * bool(index.size):
            question = constraints.rows(index[part], sign[part], limit[part])
            opt.add_inequality_mconstraint(forced.answer(question), np.full(len(index[part]), self.constraint_tol))
