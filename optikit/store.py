"""The file of a checkpoint: a SQLite database of runs, which any SQLite client can read.

One row a run, an evaluation and a step; beside them what only a continued run needs: the last snapshot and the
gradients since.  In WAL mode a commit survives the death of the process at any moment.  A file that is not ours, is
damaged, or has anything in it that could run is refused and left as it is.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from optikit.errors import InputError, OptikitError
from optikit.lock import Lock

_APPLICATION = 0x6F70746B
_VERSION = 1
_MOST_BYTES = 1 << 30
_ROWS = 1000
MEMORY = Path(":memory:")
"""Where a file is none, as SQLite calls it: what is kept there is lost with the process."""

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


def named_file(what: str, given: Any) -> Path:
    """Take what a user gives as a file.

    Raises
    ------
    InputError
        If it is no name of one.
    """
    if not isinstance(given, str | Path) or str(given) in ("", str(MEMORY)) or "\0" in str(given):
        raise InputError(f"{what} is {given!r}, which is no file; pass the name of one, such as 'run.db'")
    return Path(given)


class CheckpointError(OptikitError):
    """A checkpoint could not be written; what was committed before is whole, and can be continued."""


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


class Store:
    """An open file.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Whether to write to it, which one process at a time may; it is made if it is not there.

    Raises
    ------
    InputError
        If there is no such file, it is no checkpoint, of a later version, damaged, or in use.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        new = path == MEMORY or not os.path.exists(path)  # so it seems, too, where nobody may look
        if new and not write:
            raise InputError(f"{path}: there is no such file")
        if os.path.isdir(path):
            raise InputError(f"{path}: this is a folder and no checkpoint; pass a file")
        if not os.path.isdir(path.parent):
            raise InputError(f"{path}: it cannot be written to, as there is no such folder; make it first")
        self._lock = Lock(path) if write and path != MEMORY else None
        try:
            self._connection = self._open(new and write, write)
        except BaseException:
            self._unlock()
            raise

    def _open(self, new: bool, write: bool) -> sqlite3.Connection:
        path = self.path
        if not new:
            try:
                with path.open("rb") as file:
                    head = file.read(16)
            except OSError as error:
                raise InputError(f"{path}: it cannot be opened ({error.strerror})") from None
            if head not in (b"SQLite format 3\0", b""):
                raise InputError(f"{path}: this is no checkpoint of optikit")
        try:
            address = str(path) if path == MEMORY else f"{path.resolve().as_uri()}?mode={'rwc' if write else 'ro'}"
            connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise InputError(f"{path}: it cannot be opened ({error})") from None
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "busy_timeout = 5000"):
                connection.execute(f"PRAGMA {pragma}")
            made = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
            if not made and write:
                self._make(connection)
            else:
                self._check(connection, made)
            if write:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("BEGIN IMMEDIATE")  # says at once if it cannot be written to
                connection.execute("ROLLBACK")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            connection.close()
            raise InputError(
                f"{path}: it cannot be used as a checkpoint ({_line(error)}); it was left as it is"
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _make(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for sql in _SCHEMA.values():
            connection.execute(sql)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection, made: list[tuple[str, str, str | None]]) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise InputError(f"{self.path}: this is no checkpoint of optikit")
        if version != _VERSION:
            when = "a later" if version > _VERSION else "an earlier"
            raise InputError(f"{self.path}: it was written by {when} version of optikit; install that to continue it")
        # Views and triggers are code of a kind: nothing but our own tables is taken.
        if {name: sql for _, name, sql in made} != _SCHEMA:
            raise InputError(f"{self.path}: it has other tables than a checkpoint has; it was left as it is")
        (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise InputError(f"{self.path}: it is damaged ({_line(sound)}); it was left as it is")

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Make what is done inside one transaction.

        Raises
        ------
        CheckpointError
            If it cannot be written; the file is as before then.
        """
        connection = self._connection
        try:
            try:
                connection.execute("BEGIN IMMEDIATE")  # within: Ctrl-C may come as it returns
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise CheckpointError(
                f"{self.path}: the checkpoint cannot be written ({error}); make room, then continue with "
                "optikit.resume: what was committed before is whole"
            ) from error

    def read(self, sql: str, *values: Any) -> Iterator[Any]:
        """Give the rows of a query.

        Raises
        ------
        InputError
            If the file turns out to be damaged.
        """
        try:
            cursor = self._connection.execute(sql, values)
            # Some at a time, so that nothing is left open by who reads the first row only.
            while rows := cursor.fetchmany(_ROWS):
                yield from rows
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: it is damaged ({_line(error)}); it was left as it is") from None

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


def _line(said: object) -> str:
    """Put what SQLite says into one line."""
    return " ".join(str(said).split())[:100]
