"""The contract of explicit state: what `init` and `step` may do, seen by making the steps one after another by hand."""

from copy import deepcopy
from typing import Any

import numpy as np

from optikit.budget import Budget
from optikit.component import packages
from optikit.optimizer import State
from optikit.oracle import Oracle
from optikit.plain import decode, encode
from optikit.problem import Problem
from optikit.stop import Unwind
from optikit.testing.optimizers.trial import BOX, OptimizerSubject, Watched, quadratic
from optikit.testing.subject import seeds

STEPS = 12
"""Steps that are looked at."""


class Walk:
    """A run whose steps are made by hand, so that the state lies open between them."""

    def __init__(self, subject: OptimizerSubject, seed: int) -> None:
        fun, gradient, x0 = quadratic(seed, 3)
        self.watched, self.x0 = Watched(subject, fun, gradient), x0
        problem = Problem(self.watched, self.watched.gradient, BOX if subject.takes_bounds else None)
        self._oracle = Oracle(problem, x0, budget=Budget(max_evals=60))
        self._optimizer = subject.component
        subject.note(objective=fun.formula, hessian=fun.hessian, lowest=fun.lowest, x0=x0)
        subject.note(bounds=BOX if subject.takes_bounds else None, max_evals=60, rng=seed)

    def init(self, seed: int) -> Any:
        """Make the first state."""
        return self._optimizer.init(self.x0.copy(), np.random.default_rng(seed))

    def step(self, state: Any) -> Any:
        """Give the next state; None if the budget has ended the step."""
        self._oracle.begin_step()
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                state = self._optimizer.step(self._oracle, state)
            self._oracle.end_step()
        except Unwind as ended:
            if ended.error is not None:
                raise ended.error from None
            return None
        return state

    @property
    def asked(self) -> list[bytes]:
        """What has been asked."""
        return [x.tobytes() for x in self.watched.points]


def begins_at_the_start(subject: OptimizerSubject) -> None:
    """Begin at the start point, with randomness from the given generator alone."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        walk, (given, rng) = Walk(subject, seed), (quadratic(seed, 3)[2], np.random.default_rng(seed))
        state = subject.component.init(given, rng)
        assert isinstance(state, State), f"init gave {type(state).__name__}, and not a State"
        assert np.array_equal(given, walk.x0), "init wrote into x0"
        assert np.array_equal(state.x, walk.x0), "the first state.x is not x0"
        first, second = encode(walk.init(seed)), encode(walk.init(seed))
        assert first == second, "init makes another state of the same x0 and rng; is there randomness of its own?"
        after = walk.step(walk.init(seed))
        assert after is None or isinstance(after, State), f"step gave {type(after).__name__}, and not a State"


def steps_follow_from_the_state(subject: OptimizerSubject) -> None:
    """Make the same step again from a copy of the state, with the same answers."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        walk, again = Walk(subject, seed), Walk(subject, seed)
        state = walk.init(seed)
        for _ in range(STEPS):
            copy = deepcopy(state)
            state, repeated = walk.step(state), again.step(copy)
            assert walk.asked == again.asked, (
                "a step that is made again from a copy of the state asks something else; what changes belongs in the "
                "state"
            )
            if state is None or repeated is None or state.stop is not None:
                return
            same = encode(state) == encode(repeated)
            assert same, "a step that is made again from a copy of the state gives another state"


def keeps_plain_data(subject: OptimizerSubject) -> None:
    """Keep plain data that a file can hold in the state, and recommend points inside the bounds."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        walk = Walk(subject, seed)
        state = walk.init(seed)
        low, high = BOX if subject.takes_bounds else (-np.inf, np.inf)
        for _ in range(STEPS):
            kept = encode(state)
            state = decode(kept, packages(subject.component))
            assert encode(state) == kept, "the state is another one when it has been saved and read again"
            assert np.shape(state.x) == walk.x0.shape, f"state.x has shape {np.shape(state.x)}, and x0 {walk.x0.shape}"
            assert ((low <= state.x) & (state.x <= high)).all(), "state.x, the point recommended, is outside the bounds"
            if state.stop is not None or (state := walk.step(state)) is None:
                return
