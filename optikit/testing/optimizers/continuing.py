"""Going on: a run that was cut anywhere, by a crash or because a session waits for an answer, comes to the same end."""

import math
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from optikit import journal
from optikit.continued import resume
from optikit.errors import ContractError, InputError
from optikit.session import Session
from optikit.testing.optimizers.trial import BOX, OptimizerSubject, Watched, limits, minimized, quadratic, same
from optikit.testing.optimizers.trouble import Trouble
from optikit.testing.subject import seeds

QUESTIONS = 30
"""Evaluations of a run that is broken off at each of them."""


def continues_where_it_was(subject: OptimizerSubject) -> None:
    """Go on from a checkpoint, after a crash or with a larger budget, to the same end, and ask nothing twice."""

    @subject.drawn(seed=seeds, at=st.integers(0, 60), snapshots=st.booleans(), raises=st.booleans(), grads=limits)
    def holds(seed: int, at: int, snapshots: bool, raises: bool, grads: int | None) -> None:
        fun, gradient, _ = quadratic(seed, 3)
        uninterrupted, _ = minimized(subject, seed, 60, d=3, max_grads=grads)

        def failing(x: Any) -> float:
            if raises and len(watched.values) == at:
                raise Trouble
            return fun(x)

        with TemporaryDirectory() as folder, ExitStack() as stack:
            if snapshots:  # between any two steps
                stack.enter_context(patch.multiple(journal, PAUSE=0.0, INTERVAL=0.0, SHARE=math.inf))
            watched, path = Watched(subject, failing, gradient), Path(folder, "run.db")
            with suppress(Trouble):
                most = 60 if raises else min(at + 1, 60)
                minimized(subject, seed, most, d=3, watched=watched, max_grads=grads, checkpoint=path)
            del watched.points[len(watched.values) :]
            watched.fun = fun
            again: dict[str, Any] = {"gradient": watched.gradient, "optimizer": subject.component, "max_evals": 60}
            try:
                result = resume(path, watched, **again)
            except InputError as error:
                if not raises and "asked something else" in str(error):
                    return  # some plan with their budget
                raise
            assert same(result, uninterrupted), "it goes on to another end"
            told, expected = (
                (each.message, each.nit, each.njev, repr(each.history.steps)) for each in (result, uninterrupted)
            )
            assert told == expected, f"it goes on to the same end, and says {told[:3]} instead of {expected[:3]} of it"
            assert len(watched.points) == result.nfev, "an evaluation was made twice"


def goes_on_from_every_question(subject: OptimizerSubject) -> None:
    """Go on from each of the first questions, as a session does that waits for answers, to the same end."""
    for seed in range(max(1, subject.examples // 4)):
        fun, gradient, x0 = quadratic(seed, 2)
        expected, _ = minimized(subject, seed, QUESTIONS)
        bounds, told = BOX if subject.takes_bounds else None, "told" if subject.needs_gradient else None
        asked = 0
        try:
            with Session(subject.component, x0, gradient=told, bounds=bounds, max_evals=QUESTIONS, rng=seed) as session:
                while points := session.ask():
                    asked += len(points)
                    slopes = session.asks_gradient
                    session.tell([(fun(x), np.asarray(gradient(x))) if slopes else fun(x) for x in points])
                assert same(session.result, expected), "it comes to another end when it is broken off at each question"
        except (ContractError, InputError) as error:
            raise AssertionError(f"it cannot go on from question {asked}: {error}") from error
