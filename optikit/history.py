"""The history of a run: one value an evaluation, one row a step.

Eight bytes an evaluation, so that it can be kept for every run; appending is amortised by `array.array`.  Who wants the
points, too, asks for ``history="points"``; who makes more evaluations than fit into memory, for ``history="best"``.

Points are kept as the optimizer sees them, and become the user's, in their own units and with the fixed parameters in
place, when they are read.
"""

from array import array
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from optikit.errors import InputError
from optikit.failures import returned
from optikit.tables import table
from optikit.units import Units

_FIRST = 1000
"""Failures that are kept where memory stays flat."""
_STEP = np.dtype([("nfev", "i8"), ("njev", "i8"), ("fun", "f8"), ("best", "f8")])

Kept: TypeAlias = Literal["values", "points", "best"]
"""What a history keeps: the value of every evaluation; its point, too; or only what was better than all before."""


def read_kept(given: Any) -> Kept:
    """Read what users pass as `history`.

    Raises
    ------
    InputError
        If it is none of the three.
    """
    if not isinstance(given, str) or given not in get_args(Kept):
        raise InputError(f"history is {given!r}; pass 'values', 'points' or 'best'")
    return cast("Kept", given)


class History:
    """What the oracle saw, in order.

    Parameters
    ----------
    keep : {"values", "points", "best"}
        What to keep.
    constrained : bool
        Whether the lowest value may be at a point that may not be taken.
    """

    def __init__(self, *, keep: Kept = "values", constrained: bool = False) -> None:
        self.keep: Kept = keep
        self._fun, self._points = array("d"), array("d")
        self._records: array[int] | None = array("q") if constrained or keep == "best" else None
        self._rows, self._seconds, self.nit, self.nfev = array("d"), array("d"), 0, 0
        self.units: Units | None = None
        """The way from the points that are kept to all parameters; None as long as the run lasts."""
        self.reasons: dict[int, str] = {}
        """Why evaluations failed where their value does not say so, by their number, counted from 0."""

    def add(self, value: float, x: NDArray[Any]) -> None:
        """Record one evaluation, with its value as it was given."""
        self.nfev += 1
        if self.keep != "best":
            self._fun.append(value)
            if self.keep == "points":
                self._points.frombytes(np.asarray(x, dtype=np.float64).tobytes())

    def add_lost(self, value: float, x: NDArray[Any], reason: str | None) -> None:
        """Record one that gave no finite number, and why, unless the value says it."""
        if self.keep == "best":  # values that would say it are not kept
            reason = (reason or returned(value)) if len(self.reasons) < _FIRST else None
        if reason is not None:
            self.reasons[self.nfev] = reason
        self.add(value, x)

    def end(self, reason: str) -> None:
        """Say why the evaluation failed that has ended the run: it has no value, and does not count."""
        self.reasons.setdefault(self.nfev, reason)

    def add_record(self, value: float, x: NDArray[Any], number: int) -> None:
        """Say that an evaluation, by its number counted from 0, is at the best point until now."""
        if self._records is not None:
            self._records.append(number)
            if self.keep == "best":
                self._fun.append(value)
                self._points.frombytes(np.asarray(x, dtype=np.float64).tobytes())

    def records(self) -> tuple[NDArray[Any], ...]:
        """Give which evaluations were the best until then, and with ``"best"`` their values and points."""
        numbers = np.array(self._records or (), dtype=np.int64)
        return (numbers, self.fun, self._rows_of_points()) if self.keep == "best" else (numbers,)

    def recall_records(self, records: tuple[NDArray[Any], ...]) -> None:
        """Take what `records` gave."""
        if self._records is not None:
            self._records = array("q", records[0].tolist())
        if self.keep == "best":
            self._fun, self._points = (array("d", np.ravel(numbers).tolist()) for numbers in records[1:])

    def take(self, other: "History") -> None:
        """Take over what another history has, but for which evaluations were the best until then."""
        self.nfev, self.nit, self.reasons = other.nfev, other.nit, dict(other.reasons)
        self._fun, self._points = other._fun[:], other._points[:]
        self._rows, self._seconds = other._rows[:], other._seconds[:]

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Record evaluations in their order, where no points are kept."""
        if self.keep == "best":
            for number in np.flatnonzero(~np.isfinite(values))[:_FIRST].tolist():
                if len(self.reasons) < _FIRST:
                    self.reasons[self.nfev + number] = returned(float(values[number]))
        else:
            self._fun.frombytes(values.tobytes())
        self.nfev += values.size

    def add_step(self, nfev: float, njev: float, fun: float, best: float, seconds: float) -> None:
        """Record one finished step: counts so far, its lowest answer, the best so far, seconds so far."""
        self.nit += 1
        if self.keep != "best":
            self._rows.extend((nfev, njev, fun, best))
            self._seconds.append(seconds)

    def __len__(self) -> int:
        """Count the evaluations."""
        return self.nfev

    @property
    def fun(self) -> NDArray[np.float64]:
        """The value of every evaluation that is kept; +inf where it is no finite number."""
        fun = np.array(self._fun, dtype=np.float64)
        return np.where(np.isfinite(fun), fun, np.inf)

    @property
    def failures(self) -> dict[int, str]:
        """Why evaluations failed, by their number, counted from 0: the last line of a traceback, or ``"returned NaN"``.

        A copy, made of the values, so that many NaN take no memory of their own.  With ``"best"`` the first 1,000.
        One that has ended the run is not counted: its number is `nfev`, and it has no value.
        """
        if self.keep == "best":
            return dict(self.reasons)
        values = np.array(self._fun, dtype=np.float64)
        lost = np.flatnonzero(~np.isfinite(values)).tolist()
        ended = {number: why for number, why in self.reasons.items() if number == self.nfev}
        return {number: self.reasons.get(number) or returned(values[number]) for number in lost} | ended

    @property
    def points(self) -> NDArray[np.float64]:
        """The points of the values in `fun`, bitwise as the function got them, shape (kept, m); none unless asked for.

        Each row has all parameters, as they stand in `x0`.
        """
        points = self._rows_of_points()
        return self.units.read(points) if self.units is not None and self._points else points

    def _rows_of_points(self) -> NDArray[np.float64]:
        """Give points as the optimizer sees them."""
        return np.array(self._points, dtype=np.float64).reshape(len(self._fun), -1 if self._points else 0)

    @property
    def evaluations(self) -> NDArray[Any]:
        """One row a value in `fun`: a structured array with `number`, `fun`, `best`, `failed` and perhaps `x`.

        `number` counts from 0; `failed` is whether it is in `failures`, which says why; `x`, shape (m,), is its row of
        `points`, where these are kept.
        """
        points = self.points
        fields: list[Any] = [("number", "i8"), ("fun", "f8"), ("best", "f8"), ("failed", "?")]
        rows = np.zeros(len(points), dtype=fields + [("x", "f8", points.shape[1:])] * bool(points.size))
        rows["number"], rows["fun"], rows["best"] = self.numbers, self.fun, self.best
        rows["failed"] = ~np.isfinite(self.fun)
        if points.size:
            rows["x"] = points
        return rows

    def frame(self, of: Literal["evaluations", "steps"] = "evaluations") -> Any:
        """Give `evaluations` or `steps` as a table of pandas.

        Parameters
        ----------
        of : {"evaluations", "steps"}
            What a row is.

        Returns
        -------
        pandas.DataFrame
            Of the evaluations, by number: `fun`, `best`, `failed`, and a column for each parameter, by its name such as
            ``x['rates'][1]``, where points are kept.  Of the steps, from 1: `nfev`, `njev`, `fun`, `best`, `seconds`.

        Raises
        ------
        InputError
            If pandas is not installed, or `of` is something else.
        """
        if of == "steps":
            steps = self.steps
            columns = {name: steps[name] for name in ("nfev", "njev", "fun", "best")} | {"seconds": self.seconds}
            return table(("step", np.arange(1, len(steps) + 1)), columns, np.empty((len(steps), 0)), [])
        if of != "evaluations":
            raise InputError(f"of is {of!r}; pass 'evaluations' or 'steps'")
        rows, points = self.evaluations, self.points
        names = self.units.names if self.units is not None and points.size else []
        return table(
            ("number", rows["number"]), {name: rows[name] for name in ("fun", "best", "failed")}, points, names
        )

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Which evaluations the values in `fun` are of, counted from 0: all, or with ``"best"`` the improvements."""
        if self.keep == "best" and self._records is not None:
            return np.array(self._records, dtype=np.int64)
        return np.arange(self.nfev)

    @property
    def best(self) -> NDArray[np.float64]:
        """The best value up to every value in `fun`; with constraints the best feasible one, inf before."""
        fun = self.fun
        if self._records is None or self.keep == "best":
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
        With ``"best"`` there are none.
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
