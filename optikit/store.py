"""The file of a checkpoint: a SQLite database of runs, which any SQLite client can read.

One row a run, an evaluation and a step; beside them what only a continued run needs: the last snapshot and the
gradients since.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from optikit.database import MEMORY, Database
from optikit.errors import InputError

_SCHEMA = {
    "runs": """CREATE TABLE runs (
        id INTEGER PRIMARY KEY, label TEXT, begun TEXT, about TEXT, arguments BLOB,
        stop TEXT, message TEXT, fun, nfev INTEGER, njev INTEGER, nit INTEGER, seconds REAL, looked INTEGER)""",
    "evaluations": """CREATE TABLE evaluations (
        run INTEGER, number INTEGER, step INTEGER, fun, question INTEGER, failure TEXT, x BLOB,
        PRIMARY KEY (run, number)) WITHOUT ROWID""",
    "gradients": """CREATE TABLE gradients (
        run INTEGER, number INTEGER, gradient BLOB, PRIMARY KEY (run, number)) WITHOUT ROWID""",
    "steps": """CREATE TABLE steps (
        run INTEGER, step INTEGER, nfev INTEGER, njev INTEGER, fun, best, seconds REAL,
        PRIMARY KEY (run, step)) WITHOUT ROWID""",
    "snapshots": """CREATE TABLE snapshots (run INTEGER PRIMARY KEY, nfev INTEGER, state BLOB)""",
}
"""`fun` and `best` have no type, as SQLite would take the sign of -0.0 from a column of real numbers; NaN is NULL."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in a file."""

    run: int
    label: str
    begun: str
    about: dict[str, Any]
    """What it was: optimizer, gradient, problem, limits, versions."""
    stop: str | None
    """Why it ended; None if it has not."""
    message: str
    fun: float | None
    nfev: int
    nit: int
    seconds: float


class Store(Database):
    """An open checkpoint."""

    noun, application, version, schema = "checkpoint", 0x6F70746B, 1, _SCHEMA
    advice = "continue with optikit.resume"

    def add(self, label: str, about: dict[str, Any], arguments: bytes) -> int:
        """Begin a run, and give its number."""
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        with self.writing() as connection:
            made = connection.execute(
                "INSERT INTO runs (label, begun, about, arguments, nfev, njev, nit, seconds) VALUES (?,?,?,?,0,0,0,0)",
                (label, begun, json.dumps(about), arguments),
            )
            return int(made.lastrowid or 0)

    def extract(self, run: int) -> bytes:
        """Give a file with a copy of one run, which is number 1 there."""
        copy = Store(MEMORY, write=True)
        try:
            with copy.writing() as connection:
                for table in _SCHEMA:
                    key = "id" if table == "runs" else "run"
                    for _, *row in self.read(f"SELECT * FROM {table} WHERE {key} = ?", run):
                        connection.execute(f"INSERT INTO {table} VALUES (1{',?' * len(row)})", row)
            return copy._connection.serialize()
        finally:
            copy.close()

    def entries(self) -> list[Entry]:
        """Give all runs in the file."""
        columns = "id, label, begun, about, stop, message, fun, nfev, nit, seconds"
        return [self._entry(*row) for row in self.read(f"SELECT {columns} FROM runs ORDER BY id")]

    def _entry(
        self, run: Any, label: Any, begun: Any, about: Any, stop: Any, message: Any, fun: Any, *rest: Any
    ) -> Entry:
        nfev, nit, seconds = rest
        damaged = InputError(f"{self.path}: run {run} is damaged; it was left as it is")
        if not all(isinstance(text, str) for text in (label, begun, about)):
            raise damaged
        if not all(isinstance(number, int | float) for number in (run, nfev, nit, seconds, fun or 0)):
            raise damaged
        if not all(isinstance(text, str) for text in (stop or "", message or "")):
            raise damaged
        try:
            said: Any = json.loads(about)
        except (ValueError, RecursionError):
            raise damaged from None
        if not isinstance(said, dict):
            raise damaged
        known = cast("dict[str, Any]", said)
        return Entry(run, label, begun, known, stop, message or "", fun, nfev, nit, float(seconds))
