"""Make docs/conformance/optikit.json: what the checks say of our own components, for the directory and for badges.

python docs/make_conformance.py [--out FILE.json]

It is the report that ``optikit check`` writes, of all components that need neither an extra nor a file, each with the
fields and claims that our tests check it with.  Of each check its name and what came of it are kept: what the checks
say stands in plugins.md, and would make 226 kB of 62.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from optikit import registry
from optikit.files import save_text
from optikit.testing import Report, Subject, checks, examine, posed

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from contenders import KNOWN, contender  # noqa: E402 - after its folder is on the path

FILES = ("csv", "npz", "idx")
"""The data that are read from files of the user."""


def subjects() -> Iterator[Subject]:
    """Give our components that can be checked anywhere."""
    for entry in registry.default().entries:
        if entry.distribution != registry.HOME or entry.item.requires is not None or entry.name in FILES:
            continue
        if entry.kind == "optimizer":
            yield contender(entry.name)
        else:
            yield posed(entry.item, claims=["convex"] if entry.kind == "loss" and entry.name != "focal" else ())


def expected(subject: Subject) -> dict[str, str]:
    """Say what the component cannot pass, and why."""
    known = KNOWN.get(subject.name) if subject.component.kind == "optimizer" else None
    return dict(known.expected) if known else {}


def written(reports: Iterable[Report]) -> str:
    """Write reports, each in one line, without what can be read elsewhere."""
    return '{"format": 1, "components": [\n' + ",\n".join(map(_brief, reports)) + "\n]}\n"


def _brief(report: Report) -> str:
    verdicts = tuple(verdict.model_copy(update={"says": ""}) for verdict in report.verdicts)
    return report.model_copy(update={"verdicts": verdicts}).model_dump_json(exclude_defaults=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "conformance" / "optikit.json")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)  # before what takes minutes
    reports = list[Report]()
    for subject in subjects():
        reports.append(examine(subject, checks(subject), expected=expected(subject)))
        print(f"{subject.component.kind} {subject.name}: {reports[-1]}")
    whole = sum(len(json.dumps(report.model_dump(mode="json"), indent=1)) for report in reports)
    text = written(reports)
    save_text(arguments.out, text)
    print(f"{len(text):,} bytes; as a whole report {whole:,}")
    sys.exit(not all(report.passed for report in reports))
