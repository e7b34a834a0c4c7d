"""Logs: a row for every step, in a file that is whole up to its last row whatever happens to the process.

Each row is handed to the system as soon as it is there, so that whoever kills the process takes at most a part of the
last one.  A run that is continued cuts that off, and leaves out the steps that are in the file already: they are the
same, since a continued run is.
"""

import csv
import io
import json
import math
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self, TextIO

from optikit import FilePath, InputError, Observer, Progress, Result, Run
from optikit_observers.told import NUMBERS, numbers

_TAIL = 1 << 16
"""Bytes at the end of a file in which its last row is: no row is nearly as long."""


class Log(Observer):
    """Writes a row for every step; how a row is written is for those that derive from this."""

    suffix: ClassVar[str]

    path: FilePath | None = None
    """The file; by default NAME beside the results of an experiment, and `progress` in the current folder else, with
    the suffix of the log."""
    replace: bool = False
    """Whether a file that is there already is replaced; otherwise it is refused, unless a run is continued."""

    @abstractmethod
    def row(self, told: dict[str, Any]) -> str:
        """Write a row, without the end of the line."""

    @abstractmethod
    def read(self, row: str) -> tuple[int, int]:
        """Give step and nfev of a row; ValueError or KeyError if it is none."""

    def head(self) -> str | None:
        """Give the first line, if it is no row."""
        return None

    def placed(self, folder: Path, name: str) -> Self:
        """Write beside the results of an experiment."""
        return self if self.path is not None else self.model_copy(update={"path": folder / f"{name}{self.suffix}"})

    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Look at the file; it is opened with the first row, so that a run that is refused leaves none."""
        path = self.path or Path(f"progress{self.suffix}")
        if not path.parent.is_dir():
            raise InputError(f"{self.name}: {path.parent} is no folder; make it first, or give another path")
        there = path.exists()
        if there and not run.continued and not self.replace:
            raise InputError(f"{self.name}: {path} exists; give another path, or say replace = true")
        try:
            last = _last(path, self) if there and run.continued else None
        except (OSError, UnicodeDecodeError, LookupError, ValueError) as error:
            raise InputError(f"{self.name}: {path} is no log to be continued ({error}); give another path") from None
        return _Writer(self, path, last)


class CsvLog(Log):
    """A table with a row for every step, as comma-separated values.

    Within steps that take long there are some rows, too.  What is not known is empty.
    """

    name = "csv-log"
    suffix: ClassVar[str] = ".csv"

    def row(self, told: dict[str, Any]) -> str:
        """Separate the numbers by commas."""
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(told.get(name, "") for name in NUMBERS)
        return line.getvalue()

    def read(self, row: str) -> tuple[int, int]:
        """Read the first two numbers."""
        step, nfev, *_ = row.split(",")
        return int(step), int(nfev)

    def head(self) -> str:
        """Name the columns."""
        return ",".join(NUMBERS)


class JsonLinesLog(Log):
    """A JSON object on a line for every step; what is not finite is null.

    Within steps that take long there are some lines, too.
    """

    name = "json-lines-log"
    suffix: ClassVar[str] = ".jsonl"

    def row(self, told: dict[str, Any]) -> str:
        """Make an object of the numbers."""
        return json.dumps({name: number if math.isfinite(number) else None for name, number in told.items()})

    def read(self, row: str) -> tuple[int, int]:
        """Read two of the numbers."""
        told = json.loads(row)
        return int(told["step"]), int(told["nfev"])


class _Writer:
    """Writes the rows that come after `last`, or all into a new file."""

    def __init__(self, log: Log, path: Path, last: tuple[int, int] | None) -> None:
        self._log, self._path, self._last = log, path, last
        self._file: TextIO | None = None

    def __call__(self, progress: Progress) -> None:
        place = progress.step, progress.nfev
        if self._last is None or place > self._last:
            self._write(self._log.row(numbers(progress)))
            self._last = place

    within = __call__

    def _write(self, row: str) -> None:
        if self._file is None:
            new = self._last is None
            # One line is one write.
            self._file = self._path.open("w" if new else "a", buffering=1, encoding="utf-8", newline="\n")
            if new and (head := self._log.head()) is not None:
                self._file.write(f"{head}\n")
        self._file.write(f"{row}\n")

    def close(self, result: Result | None) -> None:
        if self._file is not None:
            self._file.close()


def _last(path: Path, log: Log) -> tuple[int, int] | None:
    """Cut off what was not written whole, and give step and nfev of the last row; None if there is no row."""
    with path.open("rb+") as file:
        size = file.seek(0, io.SEEK_END)
        begin = file.seek(max(0, size - _TAIL))
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        if begin and not whole:
            raise ValueError("it has no lines")
        lines = whole.decode().splitlines()
        found = None if not lines or (begin == 0 and lines == [log.head()]) else log.read(lines[-1])
        file.truncate(begin + len(whole))
    return found
