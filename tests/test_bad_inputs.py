"""The table of bad inputs: for every optimizer an error in one sentence, a flagged result or a correct one."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import (
    BUDGET,
    CORRECT,
    ENDLESSLY,
    ERROR,
    FLAGGED,
    GARBAGE,
    ROWS,
    Row,
    Watched,
    judged,
    outcome,
)
from contenders import CONTENDERS, LISTED

import optikit

PAGE = Path(__file__).parent.parent / "docs" / "failures.md"


def solver(contender):
    """Minimise as users do, with differences for who asks for gradients."""

    def solve(fun, x0, bounds):
        box = bounds if contender.takes_bounds or bounds != Row().bounds else None
        usual = {"gradient": "central-difference", "max_evals": BUDGET, "rng": 1}
        result = optikit.minimize(fun, x0, optimizer=contender.component, bounds=box, **usual)
        lost = re.search(r"evaluations (gave NaN|failed)", result.message)
        return result.x, result.fun, result.success and not lost

    return solve


def found(row):
    """Put a row to every optimizer: who came to which outcome."""
    outcomes = {}
    for name, contender in CONTENDERS.items():
        what, error, watched = outcome(row, solver(contender))
        assert watched.calls <= BUDGET, f"{name} asked {watched.calls} times"
        if error is not None:
            said, partial = str(error), getattr(error, "result", None)
            own = row.fatal and said == "the sensor is unplugged"
            assert own or isinstance(error, optikit.OptikitError), f"{name}: {error!r}"
            assert "\n" not in said, name
            assert len(said) < 400, name
            values = [value for _, value in watched.seen if np.isfinite(value)]
            assert partial is None or not partial.nfev or partial.fun == min(values), f"{name} lost what it had found"
        outcomes[name] = what
    return outcomes


@pytest.mark.parametrize("name", ROWS)
def test_no_bad_input_leads_to_silent_garbage(name):
    outcomes = found(ROWS[name])
    counts = Counter(outcomes.values())
    print(f"{name}: {', '.join(f'{number} {what}' for what, number in counts.most_common())}")
    for what in (GARBAGE, ENDLESSLY):
        assert not counts[what], [optimizer for optimizer, came in outcomes.items() if came == what]
    told = set(re.findall("error|flagged|correct", columns()[name][0]))
    assert set(counts) <= told, "the table in docs/failures.md is of another time: run benchmarks/failures.py"
    assert set(counts) == told or len(CONTENDERS) < len(LISTED)


def columns():
    """Read the table of the page: the cells of a row by its name."""
    rows = re.findall(r"^\| ([^|]+) \|(.+)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name.strip(): [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_table_has_every_row():
    assert [name for name in columns() if name in ROWS] == list(ROWS)


@pytest.mark.parametrize(
    ("x", "value", "success", "came"),
    [
        ([1.0, 1.0], 1.125, True, CORRECT),
        ([1.0, 1.0], 1.125, False, CORRECT),
        ([1.0, 1.0], 0.0, False, GARBAGE),
        ([0.0, 1.0], 1.125, True, GARBAGE),
        ([7.0, 7.0], 1.125, True, GARBAGE),
        ([1.0, 1.0], float("nan"), True, GARBAGE),
        ([1.0, 1.0], float("nan"), False, FLAGGED),
        ([1.0, 1.0], -float("inf"), False, GARBAGE),
        ([1.0, 1.0], None, True, GARBAGE),
    ],
)
def test_the_judge_believes_only_what_was_seen(x, value, success, came):
    row = Row()
    watched = Watched(row)
    watched(np.array([1.5, 1.5]))
    watched(np.array([1.0, 1.0]))
    assert judged(row, watched, x, value, success) == came


def test_the_judge_knows_who_was_told_of_trouble():
    row = ROWS["-inf once"]
    watched = Watched(row)
    for _ in range(5):
        watched(np.array([1.0, 1.0]))
    assert judged(row, watched, [1.0, 1.0], 1.125, False) == FLAGGED
    assert judged(row, watched, [1.0, 1.0], 1.125, True) == CORRECT
    assert judged(row, watched, [1.0, 1.0], -np.inf, True) == GARBAGE


def test_the_judge_lets_nobody_hide_an_exception():
    row = ROWS["raises"]
    watched = Watched(row)
    for _ in range(4):
        watched(np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="unplugged"):
        watched(np.array([1.0, 1.0]))
    assert judged(row, watched, [1.0, 1.0], 1.125, True) == GARBAGE
    assert outcome(row, lambda fun, x0, bounds: [fun(x0) for _ in range(9)])[0] == ERROR
    assert outcome(Row(), lambda fun, x0, bounds: [fun(x0) for _ in iter(int, 1)])[0] == ENDLESSLY
