"""A database: a SQLite file of ours, which any SQLite client can read, opened as if a stranger had written it.

In WAL mode a commit survives the death of the process at any moment, and one process at a time may write.  A file that
is not ours, is damaged, or has anything in it that could run is refused and left as it is.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from optikit.errors import InputError, OptikitError
from optikit.lock import Lock

_MOST_BYTES = 1 << 30
_ROWS = 1000
MEMORY = Path(":memory:")
"""Where a file is none, as SQLite calls it: what is kept there is lost with the process."""


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


class Database:
    """An open file; those who derive from it say what is in it.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Whether to write to it, which one process at a time may; it is made if it is not there.

    Raises
    ------
    InputError
        If there is no such file, it is none of this kind, of a later version, damaged, or in use.
    """

    noun: ClassVar[str]
    """What such a file is called, such as "checkpoint"."""
    application: ClassVar[int]
    """The number by which SQLite files of this kind are known."""
    version: ClassVar[int]
    schema: ClassVar[Mapping[str, str]]
    """The tables by name, as SQL."""
    advice: ClassVar[str]
    """What to do once there is room again."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        new = path == MEMORY or not os.path.exists(path)  # so it seems, too, where nobody may look
        if new and not write:
            raise InputError(f"{path}: there is no such file")
        if os.path.isdir(path):
            raise InputError(f"{path}: this is a folder and no {self.noun}; pass a file")
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
                raise InputError(f"{path}: this is no {self.noun} of optikit")
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
                f"{path}: it cannot be used as a {self.noun} ({_line(error)}); it was left as it is"
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for sql in self.schema.values():
            connection.execute(sql)
        connection.execute(f"PRAGMA application_id = {self.application}")
        connection.execute(f"PRAGMA user_version = {self.version}")
        connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection, made: list[tuple[str, str, str | None]]) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != self.application:
            raise InputError(f"{self.path}: this is no {self.noun} of optikit")
        if version != self.version:
            when = "a later" if version > self.version else "an earlier"
            raise InputError(f"{self.path}: it was written by {when} version of optikit; install that to continue it")
        # Views and triggers are code of a kind: nothing but our own tables is taken.
        if {name: sql for _, name, sql in made} != self.schema:
            raise InputError(f"{self.path}: it has other tables than a {self.noun} has; it was left as it is")
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
                f"{self.path}: the {self.noun} cannot be written ({error}); make room, then {self.advice}: what was "
                "committed before is whole"
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


def _line(said: object) -> str:
    """Put what SQLite says into one line."""
    return " ".join(str(said).split())[:100]
