"""Bad input, row by row, and what becomes of it: an error, a flagged result, a correct one, or silent garbage.

The same rows and the same judge are for optikit and for other libraries: `benchmarks/failures.py` writes the table.
"""

import math
import signal
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BUDGET = 60
ENDLESS = 20 * BUDGET
"""Calls after which a run counts as one without an end."""
LOW, HIGH = -2.0, 2.0
START = np.array([0.9, -0.7])

ERROR, FLAGGED, CORRECT, GARBAGE, ENDLESSLY = "error", "flagged", "correct", "silent garbage", "no end"


class Endless(BaseException):
    """Too many calls, or too many seconds."""


def bowl(x: Any) -> float:
    return float(np.sum((np.asarray(x, dtype=np.float64) - 0.25) ** 2))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One kind of bad input."""

    answer: Callable[[Any, int], Any] = lambda x, number: bowl(x)
    """What the function returns, or raises, at a point and by the number of the call, counted from 1."""
    number: bool = True
    """Whether there is any value in what it returns."""
    fatal: bool = False
    """Whether it raises, which nobody may hide."""
    x0: Any = field(default_factory=START.copy)
    bounds: Any = (LOW, HIGH)


class Watched:
    """The function of a row, which remembers what it has answered."""

    def __init__(self, row: Row) -> None:
        self.row, self.calls, self.raised = row, 0, False
        self.seen: list[tuple[Any, float]] = []

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        if self.calls > ENDLESS:
            raise Endless
        point = np.array(x, copy=True)
        try:
            answer = self.row.answer(x, self.calls)
        except Exception:
            self.raised = True
            raise
        if self.row.number:
            self.seen.append((point, float(np.asarray(answer, dtype=np.float64).reshape(-1)[0])))
        return answer

    @property
    def lost(self) -> bool:
        """Whether something was asked that has no finite value."""
        return self.raised or not all(math.isfinite(value) for _, value in self.seen)

    def found(self, x: Any, value: float) -> bool:
        """Whether a value was that of a point, and no worse than the first one."""
        first = next((value for _, value in self.seen if math.isfinite(value)), math.inf)
        pairs = [seen for point, seen in self.seen if point.shape == np.shape(x) and np.allclose(point, x, 1e-9, 1e-9)]
        return value <= first and any(math.isclose(seen, value, rel_tol=1e-6, abs_tol=1e-12) for seen in pairs)


def raising(error: type[Exception]) -> Callable[[Any, int], float]:
    def answer(x: Any, number: int) -> float:
        if number >= 5:
            raise error("the sensor is unplugged")
        return bowl(x)

    return answer


def mutating(x: Any, number: int) -> float:
    value = bowl(x)
    x[:] = 7.0
    return value


ROWS = {
    "raises": Row(answer=raising(ValueError), fatal=True),
    "raises StopIteration": Row(answer=raising(StopIteration), fatal=True),
    "NaN always": Row(answer=lambda x, number: math.nan),
    "NaN at every third call": Row(answer=lambda x, number: math.nan if number % 3 == 0 else bowl(x)),
    "-inf once": Row(answer=lambda x, number: -math.inf if number == 5 else bowl(x)),
    "+inf in a region": Row(answer=lambda x, number: math.inf if x[0] < 0.5 else bowl(x)),
    "None": Row(answer=lambda x, number: None, number=False),
    "a complex number": Row(answer=lambda x, number: bowl(x) + 1j, number=False),
    "shape (2,)": Row(answer=lambda x, number: np.full(2, bowl(x)), number=False),
    "shape (1,)": Row(answer=lambda x, number: np.array([bowl(x)])),
    "an int": Row(answer=lambda x, number: round(bowl(x))),
    "a float32": Row(answer=lambda x, number: np.float32(bowl(x))),
    "a string": Row(answer=lambda x, number: "large", number=False),
    "mutates x": Row(answer=mutating),
    "is not deterministic": Row(answer=lambda x, number: bowl(x) + 0.1 * math.sin(1e4 * number)),
    "x0 is empty": Row(x0=np.empty(0)),
    "x0 has NaN": Row(x0=np.array([0.9, math.nan])),
    "x0 has inf": Row(x0=np.array([0.9, math.inf])),
    "x0 is text": Row(x0=["a", "b"]),
    "x0 is None": Row(x0=None),
    "x0 is complex": Row(x0=np.array([0.9 + 1j, 0.5])),
    "x0 is outside the bounds": Row(x0=np.array([3.0, 0.0])),
    "x0 is a list of ints": Row(x0=[1, 1]),
    "bounds are swapped": Row(bounds=(HIGH, LOW)),
    "bounds are NaN": Row(bounds=(math.nan, HIGH)),
    "bounds are of another length": Row(bounds=([LOW] * 3, [HIGH] * 3)),
    "bounds are text": Row(bounds=("low", "high")),
    "bounds are equal": Row(bounds=([LOW, -0.7], [HIGH, -0.7])),
}
"""In the order of the table."""

Solve = Callable[[Any, Any, Any], tuple[Any, Any, bool | None]]
"""Minimise (function, x0, bounds): gives the point, the value, and success, None where a library does not say."""


@contextmanager
def within(seconds: float) -> Generator[None]:
    """End what hangs, as far as that can be done from inside."""

    def ring(signum: int, frame: Any) -> None:
        raise Endless

    handler = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def outcome(row: Row, solve: Solve, seconds: float = 20.0) -> tuple[str, Exception | None, Watched]:
    """Say what becomes of a row, with what was raised and what was asked."""
    watched = Watched(row)
    try:
        with within(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x, value, success = solve(watched, row.x0, row.bounds)
    except Endless:
        return ENDLESSLY, None, watched
    except Exception as error:
        return ERROR, error, watched
    return judged(row, watched, x, value, success), None, watched


def judged(row: Row, watched: Watched, x: Any, value: Any, success: bool | None) -> str:
    """Judge a result: a value that was really seen at the point, or a word that it is none."""
    try:
        value = float(np.asarray(value, dtype=np.float64).reshape(-1)[0])
        x = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        return GARBAGE
    if math.isfinite(value):
        if not (row.number and watched.found(x, value)):
            return GARBAGE
        if not watched.lost:
            return CORRECT
        return FLAGGED if success is False else GARBAGE if watched.raised else CORRECT
    # Nothing was found: who says success, or that it found -inf, is wrong; a value that is no number shows itself.
    return GARBAGE if success or value == -math.inf else FLAGGED
