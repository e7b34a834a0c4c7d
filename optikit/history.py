"""The history of a run: one value an evaluation, one row a step.

Eight bytes an evaluation, so that it can be kept for every run; appending is amortised by `array.array`.
"""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = np.dtype([("nfev", "i8"), ("njev", "i8"), ("fun", "f8"), ("best", "f8")])


class History:
    """What the oracle saw, in order."""

    def __init__(self, *, constrained: bool = False) -> None:
        self._records: array[int] | None = array("q") if constrained else None
        self._fun, self._rows, self._seconds = array("d"), array("d"), array("d")

    def add(self, value: float) -> None:
        """Record one evaluation."""
        self._fun.append(value)

    def add_record(self) -> None:
        """Say, in a constrained run, that the last evaluation is at the best feasible point until now."""
        if self._records is not None:
            self._records.append(len(self) - 1)

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Record evaluations in their order."""
        self._fun.frombytes(values.tobytes())

    def add_step(self, nfev: int, njev: int, fun: float, best: float, seconds: float) -> None:
        """Record one finished step: counts so far, its lowest answer, the best so far, seconds so far."""
        self._rows.extend((nfev, njev, fun, best))
        self._seconds.append(seconds)

    def __len__(self) -> int:
        """Count the evaluations."""
        return len(self._fun)

    @property
    def nit(self) -> int:
        """Count the finished steps."""
        return len(self._seconds)

    @property
    def fun(self) -> NDArray[np.float64]:
        """The value of every evaluation, shape (nfev,); +inf where the objective gave NaN."""
        return np.array(self._fun, dtype=np.float64)

    @property
    def best(self) -> NDArray[np.float64]:
        """The best value up to every evaluation, shape (nfev,); with constraints the best feasible one, inf before."""
        fun = self.fun
        if self._records is None:
            return np.minimum.accumulate(fun)
        best = np.full(len(fun), np.inf)
        records = np.array(self._records)
        best[records] = fun[records]
        return np.minimum.accumulate(best)

    @property
    def steps(self) -> NDArray[Any]:
        """One row a finished step, shape (nit,), with the fields `nfev`, `njev`, `fun` and `best`.

        `nfev` and `njev` count up to the end of the step; `fun` is the lowest value that the optimizer was answered
        in the step (for an update rule: the value at its point), NaN if it asked nothing; `best` the lowest value
        evaluated so far, difference quotients included; with constraints the lowest at a feasible point, inf before.
        """
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 4)
        steps = np.empty(len(rows), dtype=_STEP)
        for column, field in enumerate(("nfev", "njev", "fun", "best")):
            steps[field] = rows[:, column]
        return steps

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Seconds since the start at the end of every step, shape (nit,); kept apart, as they never repeat."""
        return np.array(self._seconds, dtype=np.float64)
