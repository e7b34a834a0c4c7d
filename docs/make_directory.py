"""Make docs/directory.md: the plugins that we know of, from their metadata and what their checks said.

python docs/make_directory.py [--list FILE.toml] [--wheels FOLDER] [--reports FOLDER] [--out FILE.md]

Nothing of a plugin is imported or run: its metadata are read from a wheel in the folder, or else from what is
installed, and its report, as ``optikit check`` writes it, from NAME.json in the folder of reports.
"""

import argparse
import re
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Any

from optikit import InputError
from optikit.registry import canonical
from optikit.testing import Report, load

HERE = Path(__file__).resolve().parent
LARGEST = 1_000_000
"""Bytes of a metadata file that is read."""

INTRODUCTION = """# Plugins

The plugins that we know of. **To be listed is no endorsement**: nobody of optikit has read their code, and
[a plugin runs with your rights](plugins.md#what-a-plugin-can-do-to-its-host). The columns are what each distribution
says of itself, and what the [checks](plugins.md#checks) said of it at that version, if their report was sent along.

A row is a table in `docs/known-plugins.toml`; send a change to have yours listed. `python docs/make_directory.py` makes
this page and runs nothing of what it lists.
"""

ALONE = "\nThere is no plugin of a third party in it today; the row is optikit itself, as an example.\n"


def read(path: Path) -> list[dict[str, str]]:
    """Read the list of names and pages.

    Raises
    ------
    InputError
        If it is not such a list.
    """
    try:
        tables: list[Any] = tomllib.loads(path.read_text(encoding="utf-8"))["plugin"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is no list of plugins ({error}); write [[plugin]] tables") from None
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict) or {key: type(value) for key, value in table.items()} != {
            "name": str,
            "url": str,
        }:
            raise InputError(f"{path}: plugin {number} is {table}; write a name and a url, and nothing else")
    return sorted(tables, key=lambda table: canonical(table["name"]))


def described(name: str, wheels: Path | None) -> tuple[Message | None, str]:
    """Give the metadata of a distribution and its entry points as text: of a wheel, or else of what is installed."""
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        if canonical(wheel.name.partition("-")[0]) == canonical(name):
            with zipfile.ZipFile(wheel) as archive:
                texts = {
                    Path(info.filename).name: archive.read(info).decode()
                    for info in archive.infolist()
                    if re.fullmatch(r"[^/]+\.dist-info/(METADATA|entry_points\.txt)", info.filename)
                    and info.file_size < LARGEST
                }
            return Parser().parsestr(texts.get("METADATA", "")), texts.get("entry_points.txt", "")
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None, ""
    return Parser().parsestr(found.read_text("METADATA") or ""), found.read_text("entry_points.txt") or ""


def row(table: dict[str, str], wheels: Path | None, reports: Path | None) -> str:
    """Give the row of one plugin."""
    about, points = described(table["name"], wheels)
    group = re.search(r"^\[optikit\.api\]\n((?:[^\[].*\n?)*)", points, re.MULTILINE)
    api = ", ".join(re.findall(r"^(\d+)\s*=", group[1], re.MULTILINE)) if group else "unsaid"
    report = (reports or HERE) / f"{canonical(table['name'])}.json"
    checked = load(report) if reports and report.is_file() else ()
    if strangers := [
        found.name for found in checked if canonical(found.distribution or "") != canonical(table["name"])
    ]:
        raise InputError(f"{report}: {strangers[0]} is not of {table['name']}; send the report of its own components")
    version = "unknown" if about is None else str(about["Version"])
    cells = [
        f"[{plain(table['name'])}]({re.sub(r'[^!-;=?-Z_a-z~]|[()]', '', table['url'])})",
        plain(version),
        plain("no metadata were found" if about is None else str(about["Summary"] or "")),
        plain(str((about and about["License-Expression"]) or (about and about["License"]) or "unsaid")),
        api,
        "<br>".join(verdict(found, version) for found in checked) or "no report",
    ]
    return f"| {' | '.join(cells)} |"


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
        arguments.out.write_text(page(arguments.list, arguments.wheels, arguments.reports), encoding="utf-8")
    except InputError as error:
        parser.exit(2, f"{error}\n")
