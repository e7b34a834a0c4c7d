"""What ``optikit check`` does: the components that are meant are put to their checks, and the verdicts are shown."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from optikit import catalogue, registry
from optikit.errors import InputError
from optikit.experiment import written
from optikit.registry import Entry
from optikit.testing.check import Check
from optikit.testing.subject import Subject
from optikit.testing.suites import Unmade, checks, made_of, posed
from optikit.testing.verdicts import Outcome, Report, examine, save

_WIDEST = max(map(len, get_args(Outcome)))
_COLOURS = {"passed": "green", "failed as expected": "green", "failed, but is new": "yellow"}


def check(
    name: str,
    kind: str | None,
    settings: Sequence[str],
    claims: Sequence[str],
    expected: Sequence[str],
    examples: int | None,
    at_least: int | None,
    known: Mapping[str, str],
    out: Path,
    console: Console,
) -> bool:
    """Put a component, or all that a distribution brings, to their checks.

    Parameters
    ----------
    name : str
        Of a component, or of a distribution.
    kind : str, optional
        Of the component, where several kinds have the name.
    settings : sequence of str
        ``FIELD=VALUE`` for the fields of the component.
    claims : sequence of str
        What is claimed of it.
    expected : sequence of str
        ``CHECK=REASON`` for those that it cannot pass.
    examples : int, optional
        How many examples of each property are drawn.
    at_least : int, optional
        How many checks there have to be.
    known : mapping of str to str
        What else the checks have to know: ``inputs``, the shape of a row such as ``28,28``, or ``targets``, a sort.
    out : Path
        The file for the reports.
    console : Console
        Where verdicts are shown.

    Returns
    -------
    bool
        Whether everything passed.

    Raises
    ------
    InputError
        If there is no such component, or it cannot be made.
    """
    entries = _meant(name, kind)
    if len(entries) > 1 and (settings or claims or expected or known or at_least):
        raise InputError(
            f"{name} brings {len(entries)} components; --set, --claim, --expect and so on go with one of them"
        )
    reasons = dict(_pair(text, "--expect", "CHECK=REASON") for text in expected)
    reports, unmade = list[Report](), 0
    for entry in entries:
        try:
            subject = posed(_made(entry, settings), claims=claims, examples=examples, **_read(known))
        except InputError as error:
            if len(entries) == 1:
                raise
            console.print(str(error), markup=False, soft_wrap=True, end="\n\n")
            unmade += 1
            continue
        reports.append(
            _examined(
                subject, checks(subject, at_least), reasons, console, lambda report: save([*reports, report], out)
            )
        )
    console.print(f"written to {out}", markup=False, soft_wrap=True)
    return not unmade and all(report.passed for report in reports)


def _examined(
    subject: Subject,
    owed: Sequence[Check],
    reasons: Mapping[str, str],
    console: Console,
    keep: Callable[[Report], None],
) -> Report:
    """Put a component to its checks, and show each verdict as it comes: who crashes or is interrupted loses none."""
    names = [check.name for check in owed]
    following = dict(zip(names, [*names[1:], "done"], strict=True))
    console.print(Text(f"{subject.component.kind} {subject.name}", style="italic"))
    if subject.found:
        console.print(subject.found, markup=False, highlight=False, soft_wrap=True)
    with console.status(names[0]) as status:

        def told(report: Report) -> None:
            keep(report)
            verdict = report.verdicts[-1]
            why = "\n".join(filter(None, [verdict.message, verdict.example]))
            said = verdict.expected if verdict.outcome == "failed as expected" else why or verdict.says
            warned = verdict.warned and f"warned: {verdict.warned}"
            console.print(_row(names, verdict.check, verdict.outcome, "\n".join(filter(None, [said, warned]))))
            status.update(following[verdict.check])

        report = examine(subject, owed, expected=reasons, told=told)
    if report.unposed:
        keep(report)
        missed = f"{report.checks - report.ran} checks"
        console.print(_row([*names, missed], missed, "not run", report.unposed))
    console.print(Text(str(report), style="bold"), end="\n\n")
    return report


def _row(names: Sequence[str], name: str, outcome: str, said: str) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column(width=max(map(len, names)))
    row.add_column(width=_WIDEST if outcome in get_args(Outcome) and outcome != "passed" else len(outcome))
    row.add_row(name, Text(outcome, style=_COLOURS.get(outcome, "red")), Text(said))
    return row


def _meant(name: str, kind: str | None) -> list[Entry]:
    known = registry.default()
    brought = [
        entry
        for entry in known.entries
        if entry.chosen and registry.canonical(entry.distribution) == registry.canonical(name)
    ]
    if kind is None and brought:
        return brought
    for fault in known.faults:
        if registry.canonical(fault.distribution) == registry.canonical(name):
            raise InputError(f"{name!r} cannot be checked: {fault}")
    return [catalogue.find(name, kind)]


def _made(entry: Entry, settings: Sequence[str]) -> Any:
    fields: Mapping[str, Any] = {
        field: written(text) for field, text in (_pair(text, "--set", "FIELD=VALUE") for text in settings)
    }
    if not fields:
        if entry.missing is not None:
            what = f"the {entry.kind} {entry.name!r} needs {entry.missing}, which is not installed"
            raise InputError(f"{what}; {entry.remedy}")
        try:
            return made_of(entry.item)
        except Unmade as error:
            required = [field for field, info in entry.item.model_fields.items() if info.is_required()]
            sets = " ".join(f"--set {field}=VALUE" for field in required or ["FIELD"])
            said = f"the {entry.kind} {entry.name!r} cannot be made ({error.what}); say what its fields shall be"
            raise InputError(f"{said}: optikit check {entry.name} {sets}") from None
    return registry.default().make(entry.kind, {"name": entry.qualified, **fields})


def _read(known: Mapping[str, str]) -> dict[str, Any]:
    read: dict[str, Any] = dict(known)
    if "inputs" in read:
        sides = read["inputs"].split(",")
        if not all(side.strip().isdecimal() for side in sides):
            raise InputError(f"--inputs {read['inputs']}: write the shape of a row, such as 3 or 28,28")
        read["inputs"] = tuple(map(int, sides))
    return read


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not equals or not left.strip():
        raise InputError(f"{option} {text}: write {form}")
    return left.strip(), right.strip()
