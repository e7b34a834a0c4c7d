"""The suites of schedules and of stopping rules: both look at how a run goes, and remember it as plain data."""

import math
from copy import deepcopy
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optikit.component import packages
from optikit.errors import InputError
from optikit.plain import decode, encode
from optikit.schedule import Pace
from optikit.stopping import Answer, StoppingState
from optikit.testing.check import Check
from optikit.testing.subject import Subject, seeds
from optikit.testing.untouched import untouched

STEPS = 300
"""Of a run that a schedule or a rule is shown."""


def _values(seed: int) -> list[float]:
    """Draw the values of a run: falling, then noisy, and not all of them finite."""
    rng = np.random.default_rng(seed)
    values = 10 * 0.97 ** np.arange(STEPS) * (1 + 0.1 * rng.normal(size=STEPS)) + rng.choice([-5, 0, 5])
    values[rng.random(STEPS) < 0.02] = math.inf
    return values.tolist()


def _paces(subject: Subject, values: list[float]) -> list[Pace]:
    subject.asked += 1
    paces = [Pace()]
    for value in values:
        subject.note(pace=paces[-1], value=value)
        paces.append(subject.component.advance(paces[-1], value))
    return paces[1:]


def multiplies_by_a_factor(subject: Subject) -> None:
    """Give every step a factor that is finite and not negative, the first one positive, and count the steps."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        values = _values(seed)
        paces = _paces(subject, values)
        for step, pace in enumerate(paces):
            subject.note(pace=paces[step - 1] if step else Pace(), value=values[step])
            assert isinstance(pace, Pace), f"advance gives {type(pace).__name__}; return an optikit.Pace"
            assert pace.step == step, f"the step after {step - 1} is {pace.step}; return a pace with step one more"
            assert isinstance(pace.factor, float | int), f"the factor of step {step} is {pace.factor!r}, not a float"
            assert 0 <= pace.factor < math.inf, f"the factor of step {step} is {pace.factor}"
            assert pace.factor or step, "the factor of the first step is 0, so that nothing moves"


def goes_by_the_pace(subject: Subject) -> None:
    """Go by the pace and the value alone, so that a continued run has the factors of the whole one."""

    @subject.drawn(seed=seeds, at=st.integers(0, STEPS - 1))
    def holds(seed: int, at: int) -> None:
        values = _values(seed)
        with untouched():
            paces = _paces(subject, values)
        _paces(subject, _values(seed + 1))
        pace = decode(encode(paces[at]), {"optikit"})
        for step in range(at + 1, STEPS):
            subject.note(pace=pace, value=values[step])
            pace = subject.component.advance(pace, values[step])
            assert pace == paces[step], f"step {step} is another one in a run that was continued from step {at}"


SCHEDULE_CHECKS = [
    Check(name="factor", holds=multiplies_by_a_factor),
    Check(name="replay", holds=goes_by_the_pace),
]


def _answers(seed: int, compare: bool) -> list[Answer]:
    rng, lowest, nfev, answers = np.random.default_rng(seed), math.inf, 0, list[Answer]()
    x = rng.normal(size=3)
    for value in _values(seed):
        rows = int(rng.integers(1, 4))
        x, lowest, nfev = x + 0.1 * rng.normal(size=3) * (rng.random() < 0.5), min(lowest, value), nfev + rows
        answers.append(Answer(points=np.tile(x, (rows, 1)), nfev=nfev, lowest=lowest if compare else None))
    # A run that gets nowhere any more.
    still = [Answer(points=x[None], nfev=nfev + i, lowest=lowest if compare else None) for i in range(1, STEPS)]
    return answers + still


def _states(subject: Subject, answers: list[Answer]) -> list[bytes]:
    """Show a rule answers up to its end, and write down its states."""
    subject.asked += 1
    state, states = subject.component.begin(), list[bytes]()
    for answer in answers:
        subject.note(points=answer.points, nfev=answer.nfev, lowest=answer.lowest)
        state = subject.component.look(state, answer)
        assert isinstance(state, StoppingState), f"look gives {type(state).__name__}; return an optikit.StoppingState"
        states.append(encode(state))
        answer.points[:] = math.nan  # not to be kept
        if state.said:
            break
    return states


def says_why(subject: Subject) -> None:
    """Say nothing at the beginning, and why in one line at the end."""

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        begun = subject.component.begin()
        subject.asked += 1
        assert isinstance(begun, StoppingState), f"begin gives {type(begun).__name__}; return an optikit.StoppingState"
        assert begun.said == "", f"it ends the run before the first answer, with {begun.said!r}"
        said = _last(subject, _states(subject, _answers(seed, compare=True))).said
        assert isinstance(said, str), f"said is {said!r}; give a sentence"
        assert "\n" not in said, f"it says more than one line: {said!r}"


def goes_by_the_answers(subject: Subject) -> None:
    """Go by the answers alone, and remember them as plain data, so that a continued run ends where it would have."""

    @subject.drawn(seed=seeds, part=st.floats(0, 1))
    def holds(seed: int, part: float) -> None:
        answers = _answers(seed, compare=True)
        with untouched():
            whole = _states(subject, deepcopy(answers))
        _states(subject, _answers(seed + 1, compare=True))
        at = int(part * (len(whole) - 1))
        state = decode(whole[at], packages(subject.component))
        for i in range(at + 1, len(whole)):
            subject.note(points=answers[i].points, nfev=answers[i].nfev, lowest=answers[i].lowest)
            state = subject.component.look(state, answers[i])
            assert encode(state) == whole[i], f"answer {i} finds another state in a run that was continued from {at}"


def compares_values_or_points(subject: Subject) -> None:
    """Do without values where those do not compare, as of minibatches, or refuse that in a sentence."""
    try:
        _states(subject, _answers(0, compare=False))
    except InputError:
        return


def _last(subject: Subject, states: list[bytes]) -> Any:
    return decode(states[-1], packages(subject.component))


STOPPING_CHECKS = [
    Check(name="said", holds=says_why),
    Check(name="answers", holds=goes_by_the_answers),
    Check(name="minibatches", holds=compares_values_or_points),
]
