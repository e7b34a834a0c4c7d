"""The journal of a run: every answer is written down, so that the run can be continued to the bitwise same result.

A step is a deterministic function of component, state and answers.  So a snapshot of the state at the beginning of some
step, and all answers since, are enough: the steps are made again, the journal answers until it has no more, and then
the source that stands behind it does.  For a solver that owns its loop that is one step, and it works all the same.

Answers are written some at a time, after twice `PAUSE` seconds at most, and a snapshot every `INTERVAL` seconds, or as
soon as it is smaller than the gradients that it makes needless.
"""

import json
import math
import os
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np

from optikit.errors import InputError
from optikit.history import History
from optikit.objective import Rule
from optikit.plain import decode, encode
from optikit.source import Failed, Source
from optikit.store import Entry, Store
from optikit.types import Array, ComplexArray

PAUSE = 0.04
"""Seconds after which answers are written at the end of a step, and after twice as many in the middle of one."""
INTERVAL = 10.0
"""Seconds after which a snapshot is due."""
SHARE = 0.1
"""Of the time that may go into writing; where the disk is slow, less is written."""
_READ = 1000

_Row = tuple[int, int, float | None, int, str | None, bytes | None, bytes | None]
"""Number, step, value, checksum of the question, failure, point, gradient."""


class Journal(Source):
    """Answers what is written down already, and writes down what is not.

    Parameters
    ----------
    store : Store
        The file.
    run : int
        The number of the run in it.
    """

    def __init__(self, store: Store, run: int) -> None:
        self.store, self.run = store, run
        self.eager = False
        """Whether answers are written as they come, and the state after every step, as a session has it."""
        self.proven = False
        """Whether the last snapshot is our own, or a step has been made from it: it may come from a file."""
        self._live: Source | None = None
        self._recorded: Iterator[Any] = iter(())
        self._next: Any = None
        self._rows: list[_Row] = []
        self._steps: list[tuple[float, ...]] = []
        self._number, self._step = 0, 0
        self._weight, self._state_size = 0, 0
        self._written = self._kept = time.perf_counter()
        self._pause = PAUSE
        self._keep = "values"
        self._totals: tuple[Any, ...] = ()
        self._release: Callable[[], None] = lambda: None
        self._clock: Callable[[], float] = lambda: 0.0
        self._past: History | None = None
        self._limits: dict[str, Any] = {}

    @staticmethod
    def begin(path: Path, label: str, about: dict[str, Any], arguments: dict[str, Any]) -> "Journal":
        """Begin a run in a file, which is made if it is not there.

        Raises
        ------
        InputError
            If it cannot be written to, or is no checkpoint.
        """
        store = Store(path, write=True)
        try:
            return Journal(store, store.add(label, {**about, "optikit": version("optikit")}, encode(arguments)))
        except BaseException:
            store.close()
            raise

    @staticmethod
    def reopen(path: Path, run: int | None = None) -> "Journal":
        """Open a file to continue a run, the last one if it is not said which.

        Raises
        ------
        InputError
            If there is no such run, or the file is damaged or in use.
        """
        if not os.path.isfile(path):
            raise InputError(f"{path}: there is no such file")
        store = Store(path, write=True)
        try:
            runs = [entry.run for entry in store.entries()]
            if not runs:
                raise InputError(f"{path}: it has no run that could be continued; pass another file")
            if run not in (None, *runs):
                raise InputError(f"{path}: there is no run {run}; `optikit runs {path}` lists them")
            return Journal(store, runs[-1] if run is None else run)
        except BaseException:
            store.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self.store.path

    @property
    def entry(self) -> Entry:
        """What the file says of the run."""
        return next(entry for entry in self.store.entries() if entry.run == self.run)

    def arguments(self) -> dict[str, Any]:
        """Give what the run was begun with, as far as it is data."""
        ((arguments,),) = self.store.read("SELECT arguments FROM runs WHERE id = ?", self.run)
        return self._decoded(arguments, ())

    def _decoded(self, data: Any, packages: Collection[str]) -> dict[str, Any]:
        try:
            given = decode(data if isinstance(data, bytes) else b"", packages)
        except InputError as error:
            raise InputError(f"{self.path}: run {self.run}: {error}") from None
        if not isinstance(given, dict):
            raise InputError(f"{self.path}: run {self.run} is damaged")
        return cast("dict[str, Any]", given)

    # What the loop does

    def attach(self, live: Source, keep: str) -> None:
        """Stand before a source; the history keeps what is said."""
        self._live, self._keep = live, keep

    def snapshot(self, packages: Collection[str]) -> dict[str, Any] | None:
        """Read the last snapshot, if there is one, and begin to answer what came after it.

        Parameters
        ----------
        packages : collection of str
            Whose classes may be in a state.

        Returns
        -------
        dict or None
            The memories of those who take part.
        """
        self._rows, self._steps, self._totals = [], [], ()
        found = list(self.store.read("SELECT nfev, state FROM snapshots WHERE run = ?", self.run))
        nfev, taken = 0, None
        if found:
            ((nfev, state),) = found
            if not isinstance(nfev, int):
                raise InputError(f"{self.path}: run {self.run} is damaged: its snapshot has no number")
            taken = self._decoded(state, packages)
            self._state_size = len(state)
        self._number = nfev
        self._recorded = self._read(nfev)
        self._next = next(self._recorded, None)
        return taken

    def _read(self, first: int) -> Iterator[Any]:
        """Read the answers, some at a time, so that nothing is being read when something is written."""
        sql = (
            "SELECT number, fun, question, failure, gradient FROM evaluations LEFT JOIN gradients USING (run, number) "
            f"WHERE run = ? AND number >= ? ORDER BY number LIMIT {_READ}"
        )
        while rows := list(self.store.read(sql, self.run, first)):
            yield from rows
            first = rows[-1][0] + 1

    def recall(self, history: History, nfev: int, nit: int, n: int) -> None:
        """Put what was recorded before the snapshot into a history."""
        if self._keep != "best":
            if self._past is not None:  # a session comes here for every batch: only what is new is read
                history.take(self._past)
            sql = "SELECT fun, failure, x FROM evaluations WHERE run = ? AND number >= ? AND number < ? ORDER BY number"
            for fun, failure, x in self.store.read(sql, self.run, history.nfev, nfev):
                point = np.frombuffer(x) if isinstance(x, bytes) else np.zeros(n)
                if failure is not None:
                    history.add_lost(math.nan, point, str(failure))
                else:
                    history.add(math.nan if fun is None else fun, point)
            if history.nfev != nfev:
                raise InputError(f"{self.path}: run {self.run} is damaged: it has {history.nfev} of {nfev} evaluations")
            sql = (
                "SELECT nfev, njev, fun, best, seconds FROM steps "
                "WHERE run = ? AND step > ? AND step <= ? ORDER BY step"
            )
            for row in self.store.read(sql, self.run, history.nit, nit):
                nfev_then, njev_then, *rest = row
                history.add_step(nfev_then, njev_then, *(math.nan if number is None else number for number in rest))
        history.nfev, history.nit = nfev, nit
        if self.eager:
            self._past = History(keep=history.keep)
            self._past.take(history)

    @property
    def spent(self) -> float:
        """Seconds that the run had taken when it was written last."""
        return max(0.0, self.entry.seconds)

    def begin_live(self, release: Callable[[], None], clock: Callable[[], float]) -> None:
        """Say what is called when all that is known has been given again, and who knows the time."""
        self._release, self._clock = release, clock
        if not self.replaying:
            self._go_live()

    def amend(self, limits: dict[str, Any]) -> None:
        """Replace limits that the run was begun with, as soon as it is known that it can go on with them.

        That is when all that is known has been given again.  They hold when it is continued once more then; a run that
        is refused leaves the file as it was.
        """
        self._limits = limits

    def _go_live(self) -> None:
        """Write the new limits, and say that all that is known has been given again."""
        if self._limits:
            self._write_limits()
        self._release()

    def _write_limits(self) -> None:
        arguments = {**self.arguments(), **self._limits}
        about = self.entry.about
        known: dict[str, Any] = {**cast("dict[str, Any]", about.get("limits", {})), **self._limits}
        shown = {name: value for name, value in known.items() if value is not None and name != "stop"}
        about = {**about, "limits": shown}
        with self.store.writing() as connection:
            connection.execute(
                "UPDATE runs SET arguments = ?, about = ? WHERE id = ?",
                (encode(arguments), json.dumps(about), self.run),
            )
        self._limits = {}

    @property
    def replaying(self) -> bool:
        """Whether there is an answer that has not been given again."""
        return self._next is not None

    def once(self, look: Callable[[], int]) -> Callable[[], int]:
        """Look at the gradient only if it has not been done before."""

        def looked() -> int:
            ((before,),) = self.store.read("SELECT looked FROM runs WHERE id = ?", self.run)
            if before is None:
                before = look()
                with self.store.writing() as connection:
                    connection.execute("UPDATE runs SET looked = ? WHERE id = ?", (before, self.run))
            return int(before)

        return looked

    def end_step(self, row: tuple[float, ...], memory: Callable[[], dict[str, Any]]) -> None:
        """Take note of a finished step, and of the state after it if a snapshot is due.

        Parameters
        ----------
        row : tuple
            Number of the step, nfev, njev, fun, best, seconds.
        memory : callable
            Gives the memories of those who take part.
        """
        self.proven = self.proven or not self.replaying
        self._steps.append(row)
        self._totals = row
        self._step = int(row[0])
        if self.eager and not self.replaying:
            self.write(encode(memory()))
            return
        now = time.perf_counter()
        if now - self._written < self._pause:
            return
        heavy = self._weight > max(self._state_size, 1 << 16)
        if not self.replaying and (heavy or now - self._kept > max(INTERVAL, 2 / SHARE * self._pause)):
            self.write(encode(memory()))
        else:
            self.write()

    def write(self, state: bytes | None = None) -> None:
        """Commit what has come since the last time, and a snapshot if there is one."""
        begun, run = time.perf_counter(), self.run
        if self.replaying:
            return  # nothing is new, and what the file says of the run is further than we are
        rows, steps = self._rows, self._steps
        self.proven = self.proven or state is not None
        with self.store.writing() as connection:
            if state is not None and self._keep == "best":
                connection.execute("DELETE FROM evaluations WHERE run = ?", (run,))
                rows = []
            connection.executemany(
                "INSERT OR REPLACE INTO evaluations VALUES (?,?,?,?,?,?,?)", ((run, *row[:-1]) for row in rows)
            )
            if self._keep != "best":
                connection.executemany(
                    "INSERT OR REPLACE INTO steps VALUES (?,?,?,?,?,?,?)",
                    ((run, *(None if number != number else number for number in row)) for row in steps),
                )
            if state is None:
                gradients = ((run, row[0], row[-1]) for row in rows if row[-1] is not None)
                connection.executemany("INSERT OR REPLACE INTO gradients VALUES (?,?,?)", gradients)
            else:
                connection.execute("DELETE FROM gradients WHERE run = ?", (run,))
                connection.execute("INSERT OR REPLACE INTO snapshots VALUES (?,?,?)", (run, self._number, state))
            if self._totals:
                step, _, njev, _, best, seconds = self._totals
                connection.execute(
                    "UPDATE runs SET fun = ?, nfev = max(nfev, ?), njev = ?, nit = ?, seconds = ? WHERE id = ?",
                    (best, self._number, njev, step, max(seconds, self._clock()), run),
                )
            else:
                connection.execute(
                    "UPDATE runs SET nfev = max(nfev, ?), seconds = max(seconds, ?) WHERE id = ?",
                    (self._number, self._clock(), run),
                )
        self._rows, self._steps = [], []
        now = time.perf_counter()
        if state is not None:
            self._kept, self._weight, self._state_size = now, 0, len(state)
        self._written, self._pause = now, max(PAUSE, (now - begun) / SHARE)

    def finish(self, stop: str, message: str, totals: tuple[Any, ...], state: bytes | None) -> None:
        """Write down how the run ended.

        Parameters
        ----------
        stop, message : str
            Why.
        totals : tuple
            fun, nfev, njev, nit, seconds.
        state : bytes, optional
            The last snapshot, if the run ended between two steps.
        """
        if self.replaying:
            return  # it was refused, or has a smaller budget than before: the file stays as it is
        self.write(state)
        with self.store.writing() as connection:
            connection.execute(
                "UPDATE runs SET stop=?, message=?, fun=?, nfev=?, njev=?, nit=?, seconds=? WHERE id = ?",
                (stop, message, *totals, self.run),
            )

    def close(self) -> None:
        """Close the file, and the source behind."""
        self.store.close()
        if self._live is not None:
            self._live.close()

    # What the oracle asks

    @property
    def _source(self) -> Source:
        assert self._live is not None, "a journal stands before a source"
        return self._live

    def turn(self, step: int | None) -> None:
        """Go to the objective of a step."""
        self._source.turn(step)
        self._step = self._step if step is None else step

    @property
    def together(self) -> int:
        """How many points of a batch are asked at once."""
        return self._source.together

    @property
    def sweeps(self) -> bool:
        """Whether the objective shares work between the points of a difference quotient."""
        return self._source.sweeps

    def value(self, x: Array) -> float:
        """Give the value at one point, (n,)."""
        question = _checksum(x)
        if self._next is not None:
            return self._again(question)[0]
        return self._note(x, question, self._source.value(x))

    def values(self, xs: Array) -> Iterator[Sequence[float]]:
        """Give the values at the rows of `xs`, (k, n), some at a time."""
        known = 0
        while self._next is not None and known < len(xs):
            yield (self._again(_checksum(xs[known]))[0],)
            known += 1
        for answers in self._source.values(xs[known:]) if known < len(xs) else ():
            for answer in answers:
                self._put(xs[known], _checksum(xs[known]), answer)
                known += 1
            self._hurry()  # all or none: points that share work would be in other company when the run continues
            yield answers

    def value_and_grad(self, x: Array, rule: Rule | None = None) -> tuple[float, Array]:
        """Give value and gradient at a point, (n,)."""
        if self._next is not None:
            return self._gradient_again(x)
        return self._note_gradient(x, self._source.value_and_grad(x, rule))

    def gradients(self, xs: Array) -> Iterator[Sequence[tuple[float, Array]]]:
        """Give values and gradients at the rows of `xs`, (k, n), some at a time."""
        known = 0
        while self._next is not None and known < len(xs):
            yield (self._gradient_again(xs[known]),)
            known += 1
        for answers in self._source.gradients(xs[known:]) if known < len(xs) else ():
            for answer in answers:
                yield (self._note_gradient(xs[known], answer),)
                known += 1

    def _gradient_again(self, x: Array) -> tuple[float, Array]:
        value, gradient = self._again(_checksum(x))
        return value, self._array(gradient, x)

    def _note_gradient(self, x: Array, answer: tuple[float, Array]) -> tuple[float, Array]:
        value, gradient = answer
        taken = np.asarray(gradient)
        # Anything else ends the run, and may be another thing when it is asked again.
        if taken.shape == x.shape and taken.dtype.kind == "f":
            self._note(x, _checksum(x), value, taken.astype(x.dtype).tobytes())
        return answer

    def shifted(self, x: Array, steps: Array) -> Array:
        """Give the values at ``x + steps_ij e_j``, shape of `steps`."""
        question = zlib.crc32(steps.tobytes(), _checksum(x))
        if self._next is not None:
            return np.array([self._again(question)[0] for _ in range(steps.size)]).reshape(steps.shape)
        values = np.asarray(self._source.shifted(x, steps), dtype=np.float64)
        for value in values.ravel().tolist():
            self._put(x, question, value)
        self._hurry()
        return values

    def complex_value(self, x: ComplexArray) -> complex:
        """Give the value at a complex point, (n,)."""
        question = _checksum(x)
        if self._next is not None:
            _, bits = self._again(question)
            return complex(self._array(bits, np.zeros(1, dtype=np.complex128))[0])
        value = self._source.complex_value(x)
        self._note(x.real, question, value.real, np.array([value]).tobytes())
        return value

    def _again(self, question: int) -> tuple[float, Any]:
        """Give the next answer once more, to the same question."""
        if self._next is None:
            raise InputError(f"{self.path}: run {self.run} is damaged: an answer is missing")
        number, value, asked, failure, gradient = self._next
        if not isinstance(value, int | float | None):
            raise InputError(f"{self.path}: run {self.run} is damaged: evaluation {self._number + 1:,} is no number")
        if asked != question or number != self._number:
            raise InputError(
                f"{self.path}: run {self.run} cannot be continued: at evaluation {self._number + 1:,} the optimizer "
                f"asked something else than before; was something of it changed since {self.entry.begun}?"
            )
        self._number += 1
        self._next = next(self._recorded, None)
        if self._next is None:
            self._written = self._kept = time.perf_counter()
            self._go_live()
        answer = Failed(str(failure)) if failure is not None else math.nan if value is None else float(value)
        return answer, gradient

    def _array(self, data: Any, like: Any) -> Any:
        if not isinstance(data, bytes) or len(data) != like.nbytes:
            raise InputError(f"{self.path}: run {self.run} is damaged: a gradient is missing or cut off")
        return np.frombuffer(data, dtype=like.dtype).copy()

    def _note(self, x: Array, question: int, value: float, gradient: bytes | None = None) -> float:
        self._put(x, question, value, gradient)
        self._hurry()
        return value

    def _put(self, x: Array, question: int, value: float, gradient: bytes | None = None) -> None:
        failure = value.reason if isinstance(value, Failed) else None
        point = np.asarray(x, dtype=np.float64).tobytes() if self._keep == "points" else None
        kept = float(value) if value == value else None
        self._rows.append((self._number, self._step, kept, question, failure, point, gradient))
        self._number += 1
        if gradient is not None:
            self._weight += len(gradient)

    def _hurry(self) -> None:
        """Write what has waited long enough: at the end of the step a snapshot might have made gradients needless."""
        if self.eager or time.perf_counter() - self._written > 2 * self._pause:
            self.write()


def _checksum(x: Any) -> int:
    return zlib.crc32(x.tobytes())
