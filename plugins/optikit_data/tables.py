"""Samples from files that everybody has: npz and csv."""

import csv
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optikit import Data, Dataset, FilePath, InputError, load_arrays


class Npz(Data):
    """Two arrays of an npz file, and weights if there are any.

    Targets of an integer dtype and one dimension are labels; others are real values.
    """

    name = "npz"

    path: FilePath
    """The file; nothing in it is unpickled."""
    inputs: str = "x"
    """Name of the array of inputs, shape (rows, ...)."""
    targets: str = "y"
    """Name of the array of targets, shape (rows,) or (rows, k)."""
    weights: str | None = None
    """Name of the array of weights, shape (rows,): how much each row counts; the same if not given."""
    scale: float = Field(default=1.0, gt=0)
    """Inputs are divided by this; 255 brings bytes to the range from 0 to 1."""

    def load(self) -> Dataset:
        """Read the arrays."""
        names = [self.inputs, self.targets, *([] if self.weights is None else [self.weights])]
        arrays = load_arrays(self.path, names)
        inputs, targets = arrays[self.inputs], arrays[self.targets]
        for name, array in arrays.items():
            if array.dtype.kind not in "iuf" or array.ndim == 0:
                raise InputError(
                    f"{self.path}: {name} is {array.dtype} of shape {array.shape}; rows of numbers are needed"
                )
        kind = np.int64 if targets.dtype.kind in "iu" and targets.ndim == 1 else np.float64
        weights = None if self.weights is None else arrays[self.weights]
        return self.split(inputs / self.scale, targets.astype(kind), weights)


class Csv(Data):
    """Rows of a text table: one column is the target, one may be the weight, the others are the inputs."""

    name = "csv"

    path: FilePath
    """The file, in UTF-8, with column names in its first line."""
    target: str
    """Name of the target's column."""
    targets: Literal["labels", "values"] = "labels"
    """Whether the target is a class or a real value."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of their labels 0, 1, ...; not needed where the column has whole numbers."""
    weight: str | None = None
    """Name of the column that says how much each row counts; all count the same if not given."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What stands between columns."""

    def load(self) -> Dataset:
        """Read the table."""
        rows = self._rows()
        _, header = next(rows, (1, list[str]()))
        target = self._column("target", self.target, header)
        weight = None if self.weight is None else self._column("weight", self.weight, header)
        if weight == target:
            raise InputError(f"{self.path}: weight = {self.weight!r} is the column of the target, too; name another")
        inputs: list[list[float]] = []
        wanted: list[tuple[int, str]] = []
        weights: list[float] = []
        for line, row in rows:
            if len(row) != len(header):
                raise InputError(f"{self.path}:{line}: it has {len(row)} columns, but the first line {len(header)}")
            wanted.append((line, row[target]))
            if weight is not None:
                weights.append(self._number(row[weight], line))
            rest = [text for column, text in enumerate(row) if column not in (target, weight)]
            inputs.append([self._number(text, line) for text in rest])
        if not inputs:
            raise InputError(f"{self.path}: it has no rows below the column names")
        return self.split(np.array(inputs), self._targets(wanted), np.array(weights) if weights else None)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read the lines that are not empty, with their numbers."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.reader(stream, delimiter=self.delimiter, strict=True)
                yield from ((reader.line_num, row) for row in reader if row)
        except FileNotFoundError:
            raise InputError(f"{self.path}: there is no such file") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self.path}: it cannot be read as a table ({error})") from None

    def _column(self, field: str, name: str, header: list[str]) -> int:
        if name not in header:
            raise InputError(
                f"{self.path}: {field} = {name!r} is no column; the first line has {', '.join(header) or 'none'}"
            )
        return header.index(name)

    def _number(self, text: str, line: int) -> float:
        try:
            return float(text)
        except ValueError:
            raise InputError(f"{self.path}:{line}: {text!r} is no number; inputs and weights are numbers") from None

    def _targets(self, wanted: list[tuple[int, str]]) -> NDArray[Any]:
        if self.targets == "values":
            return np.array([[self._number(text, line)] for line, text in wanted])
        if self.classes:
            return np.array([self._label(text, line) for line, text in wanted])
        try:
            return np.array([int(text) for _, text in wanted])
        except ValueError:
            if all(_is_number(text) for _, text in wanted):
                raise InputError(
                    f'{self.path}: target = "{self.target}" is a column of real numbers; give targets = "values"'
                ) from None
            # Numbering what this file happens to have would number a second file otherwise.
            found = ", ".join(f'"{text}"' for text in sorted({text for _, text in wanted})[:20])
            raise InputError(f"{self.path}: the target's classes are names; give classes = [{found}]") from None

    def _label(self, text: str, line: int) -> int:
        if text not in self.classes:
            raise InputError(f"{self.path}:{line}: {text!r} is none of the classes {', '.join(self.classes)}")
        return self.classes.index(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
