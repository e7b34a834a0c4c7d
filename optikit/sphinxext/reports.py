"""What `optikit check` found of a component, in words for a badge: from the reports that the configuration names."""

import functools
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from optikit.errors import InputError
from optikit.registry import Entry, canonical

if TYPE_CHECKING:
    from optikit.testing import Report


class Badge(NamedTuple):
    """What is said of a report."""

    text: str
    passed: bool


def read_reports(file: str) -> "tuple[Report, ...]":
    """Read a file that `optikit check` has written; once, for all the pages that have something from it.

    Raises
    ------
    InputError
        If it is no such file.
    """
    path = Path(file)
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(maxsize=32)
def _read(path: Path, changed: int) -> "tuple[Report, ...]":
    try:
        from optikit.testing import load
    except ModuleNotFoundError as error:
        needed = "run `python -m pip install 'optikit[testing]'`"
        raise InputError(f"{path}: the report cannot be read, which needs {error.name}; {needed}") from None
    return load(path)


def badges(entry: Entry, files: Iterable[str]) -> list[Badge]:
    """Give a badge for each report on a component; files that cannot be read have been complained of already."""
    found: list[Badge] = []
    for file in files:
        with suppress(InputError):
            found += [_badge(report) for report in read_reports(file) if _is_about(report, entry)]
    return found


def _is_about(report: "Report", entry: Entry) -> bool:
    same = (report.kind, report.name) == (entry.kind, entry.name)
    return same and canonical(report.distribution or "") == canonical(entry.distribution)


def _badge(report: "Report") -> Badge:
    """Count the checks that it passed, and name the version, if that is not the one that is described."""
    passed = sum(verdict.outcome == "passed" for verdict in report.verdicts)
    text = f"{passed} of {report.checks} checks passed, optikit {report.optikit}"
    if expected := sum(verdict.outcome == "failed as expected" for verdict in report.verdicts):
        text += f", {expected} failed as expected"
    with suppress(metadata.PackageNotFoundError):
        if report.distribution and report.version != metadata.version(report.distribution):
            text += f", of version {report.version}"
    if report.fields:
        text += ", with " + ", ".join(f"{name}={value!r}" for name, value in report.fields.items())
    return Badge(text, report.passed)
