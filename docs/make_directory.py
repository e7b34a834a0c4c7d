"""Make docs/directory.md: the plugins that we know of, from their metadata and what their checks said.

python docs/make_directory.py [--list FILE.toml] [--wheels FOLDER] [--reports FOLDER] [--out FILE.md]

Nothing of a plugin is imported or run: its metadata are read from its newest wheel in the folder, or else from what is
installed, and its report, as ``optikit check`` writes it, from NAME.json in the folder of reports.  That folder is
docs/conformance by default, where our own report is, made by ``docs/make_conformance.py``.
"""

import argparse
import re
import sys
import tomllib
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.version import InvalidVersion, Version  # pytest brings it, which the checks need

from optikit import InputError
from optikit.registry import canonical
from optikit.testing import Report, load

HERE = Path(__file__).resolve().parent
REPORTS = HERE / "conformance"
LARGEST = 1_000_000
"""Bytes of a metadata file that is read."""
FEW = 3
"""Reports of a distribution that are told one by one; of more, only those that did not pass."""

INTRODUCTION = """# Plugins

The plugins that we know of. **To be listed is no endorsement**: nobody of optikit has read their code, and
[a plugin runs with your rights](plugins.md#what-a-plugin-can-do-to-its-host). The columns are what each distribution
says of itself, and what the [checks](plugins.md#checks) said of it at that version, if their report was sent along.

A row is a table in `docs/known-plugins.toml`; send a change to have yours listed. `python docs/make_directory.py` makes
this page and runs nothing of what it lists.
"""

ALONE = """
There is no plugin of a third party in it today; the row is optikit itself, as an example, with the report of all its
components that need no extra.
"""


def read(path: Path) -> list[dict[str, str]]:
    """Read the list of names and pages.

    Raises
    ------
    InputError
        If it is not such a list.
    """
    try:
        tables: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("plugin")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no list of plugins ({error}); write [[plugin]] tables") from None
    if not isinstance(tables, list):
        raise InputError(f"{path} is no list of plugins; write [[plugin]] tables")
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict) or {key: type(value) for key, value in table.items()} != {
            "name": str,
            "url": str,
        }:
            raise InputError(f"{path}: plugin {number} is {table}; write a name and a url, and nothing else")
        if not table["name"].strip():
            raise InputError(f"{path}: plugin {number} has no name; write that of its distribution")
        if ":" in table["url"] and not re.match(r"https?://", table["url"]):  # such as javascript:
            raise InputError(
                f"{path}: plugin {number} has the url {table['url']!r}; write one that begins with https://"
            )
    names = [canonical(table["name"]) for table in tables]
    for number, name in enumerate(names, 1):
        if (first := names.index(name) + 1) < number:
            raise InputError(f"{path}: plugins {first} and {number} are the same distribution, {name}; remove one")
    return sorted(tables, key=lambda table: canonical(table["name"]))


def described(name: str, wheels: Path | None) -> tuple[Message | None, str]:
    """Give the metadata of a distribution and its entry points as text: of a wheel, or else of what is installed."""
    wheel = newest(name, wheels) if wheels else None
    if wheel is not None:
        try:
            with zipfile.ZipFile(wheel) as archive:
                texts = {
                    Path(info.filename).name: archive.read(info).decode()
                    for info in archive.infolist()
                    if re.fullmatch(r"[^/]+\.dist-info/(METADATA|entry_points\.txt)", info.filename)
                    and info.file_size < LARGEST
                }
        # NotImplementedError, a RuntimeError, is for compressions that there are not; ValueError for other encodings.
        except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{wheel} is damaged ({error}); fetch it again, or remove it") from None
        about = Parser().parsestr(texts.get("METADATA", ""))
        if about["Version"] is None:
            raise InputError(f"{wheel} is damaged (it has no METADATA with a version); fetch it again, or remove it")
        return about, texts.get("entry_points.txt", "")
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None, ""
    about = Parser().parsestr(found.read_text("METADATA") or "")
    if about["Version"] is None:
        raise InputError(
            f"{name} is damaged where it is installed (it has no METADATA with a version); install it anew"
        )
    return about, found.read_text("entry_points.txt") or ""


def newest(name: str, wheels: Path) -> Path | None:
    """Give the wheel of a distribution that has the highest version; where there are several, say which it is."""
    found = [
        wheel for wheel in sorted(wheels.glob("*.whl")) if canonical(wheel.name.partition("-")[0]) == canonical(name)
    ]
    best = max(found, key=_version, default=None)
    if len(found) > 1 and best is not None:
        print(f"{name}: of {len(found)} wheels {best.name} is taken, the newest", file=sys.stderr)
    return best


def _version(wheel: Path) -> Version:
    try:
        return Version(wheel.name.split("-")[1])
    except (IndexError, InvalidVersion):
        raise InputError(f"{wheel} is no wheel: its name has no version after the first hyphen; remove it") from None


def row(table: dict[str, str], wheels: Path | None, reports: Path | None) -> str:
    """Give the row of one plugin."""
    about, points = described(table["name"], wheels)
    group = re.search(r"^\[optikit\.api\]\n((?:[^\[].*\n?)*)", points, re.MULTILINE)
    api = ", ".join(re.findall(r"^(\d+)\s*=", group[1], re.MULTILINE)) if group else "unsaid"
    report = (reports or REPORTS) / f"{canonical(table['name'])}.json"
    checked = load(report) if report.is_file() else ()
    if strangers := [
        found.name for found in checked if canonical(found.distribution or "") != canonical(table["name"])
    ]:
        raise InputError(f"{report}: {strangers[0]} is not of {table['name']}; send the report of its own components")
    version = "unknown" if about is None else str(about["Version"])
    url = quote(table["url"], safe="!#$%&'*+,-./:;=?@_~")  # so that it is one in Markdown, whatever is in it
    cells = [
        f"[{plain(table['name'])}]({url})",
        plain(version),
        plain("no metadata were found" if about is None else str(about["Summary"] or "")),
        plain(str((about and about["License-Expression"]) or (about and about["License"]) or "unsaid")),
        api,
        told(checked, version) or "no report",
    ]
    return f"| {' | '.join(cells)} |"


def told(reports: Sequence[Report], version: str) -> str:
    """Say what came of the checks: for each component, or if there are many, of all together."""
    if len(reports) <= FEW:
        return "<br>".join(verdict(report, version) for report in reports)
    outcomes = Counter(each.outcome for report in reports for each in report.verdicts)
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items())
    ran = f"{sum(outcomes.values()):,} of {sum(report.checks for report in reports):,} checks ran"
    of = {report.version for report in reports} - {version}
    total = plain(f"{len(reports)} components: {ran}: {said}{f', at version {of.pop()}' if of else ''}")
    return "<br>".join([total, *(verdict(report, version) for report in reports if not report.passed)])


def verdict(report: Report, version: str) -> str:
    """Say in one line what came of the checks."""
    of = "" if report.version == version else f", at version {report.version}"
    said = f"{report.kind} {report.name}: {report}{of}"
    return plain(said if report.passed else f"{said} (not passed)")


def plain(text: str) -> str:
    """Write what somebody else has written so that it is text, in one cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|#&])", r"\\\1", " ".join(text.split())[:300])


def page(listed: Path, wheels: Path | None = None, reports: Path | None = None) -> str:
    """Make the page."""
    tables = read(listed)
    alone = [canonical(table["name"]) for table in tables] == ["optikit"]
    head = ["| distribution | version | what it says of itself | licence | API | checks |", "|---|---|---|---|---|---|"]
    rows = [row(table, wheels, reports) for table in tables]
    return "\n".join([INTRODUCTION + (ALONE if alone else ""), *head, *rows, ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", type=Path, default=HERE / "known-plugins.toml")
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--reports", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "directory.md")
    arguments = parser.parse_args()
    try:
        for folder in filter(None, (arguments.wheels, arguments.reports)):
            if not folder.is_dir():
                raise InputError(f"{folder} is no folder; give one that is there")
        text = page(arguments.list, arguments.wheels, arguments.reports)
        try:
            arguments.out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{arguments.out} cannot be written ({error.strerror}); give another --out") from None
    except InputError as error:
        parser.exit(2, f"{error}\n")
