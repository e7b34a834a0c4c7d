"""An optimizer: explicit state, asking an oracle.

All that is fixed is in the component; all that changes is in the state, plain data that can be saved.  A step asks
the oracle as much as it likes: an update rule one question, a population one batch, a line search a ``while`` loop,
and a foreign solver that owns its loop is one long step.

The contract:

1. `init` asks nothing.  All randomness comes from the `rng` that `init` is given, and is kept in the state.
2. A step is a deterministic function of component, state and answers.
3. Never write into an array that you were given, or asked with.  The state and its arrays are the optimizer's own:
   `step` may write into them, and who keeps one, as a composition does, copies it.
4. ``state.x`` is the point that the optimizer would recommend now; ``state.stop`` ends the run.
5. Never ask outside the bounds.  Whoever reads them promises to keep them; where there are bounds, an optimizer that
   has not read them before its first question is refused.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

import numpy as np

from optikit.component import Component
from optikit.oracle import Oracle
from optikit.stop import Stop
from optikit.types import Array


@dataclass(kw_only=True, slots=True)
class State:
    """What changes from step to step; optimizers that remember more derive from it.

    Plain data: arrays, numbers, strings, a `numpy.random.Generator`, nested dataclasses.
    """

    x: Array
    """The point recommended now, shape (n,)."""
    stop: Stop | None = None
    """Ends the run once it is set."""


@dataclass(kw_only=True, slots=True)
class TellingState(State):
    """The state of an optimizer that chooses, and tells what it did and why; the result of a run shows it."""

    log: list[str] = field(default_factory=list[str])
    """One sentence each."""


S = TypeVar("S", bound=State)


class Optimizer(Component, Generic[S]):
    """Looks for the lowest value of an objective."""

    kind: ClassVar[str] = "optimizer"

    @abstractmethod
    def init(self, x0: Array, rng: np.random.Generator) -> S:
        """Make the first state; nothing is asked.

        Parameters
        ----------
        x0 : ndarray, shape (n,)
            The start point, inside the bounds; not written to.
        rng : numpy.random.Generator
            The only source of randomness, kept in the state if it is needed.

        Returns
        -------
        State
            With ``x`` the point to start from.
        """

    @abstractmethod
    def step(self, oracle: Oracle, state: S) -> S:
        """Go one step.

        Parameters
        ----------
        oracle : Oracle
            Answers `value`, `values` and `value_and_grad`; knows the bounds.
        state : State
            What `init` or the step before returned.

        Returns
        -------
        State
            The state after the step; may be the same object, changed.
        """

    def moved(self, state: S, x: Array) -> S:
        """Go on from another point, where a composition has taken the optimizer to.

        Here only the point is replaced, which is right for update rules.  Who keeps what was found at the old point,
        such as its value, overrides this and forgets it.

        Parameters
        ----------
        state : State
            Where the optimizer was.
        x : ndarray, shape (n,)
            Where it is to go on; copied.

        Returns
        -------
        State
            The state to give to the next step; may be the same object, changed.
        """
        state.x = x.copy()
        return state
