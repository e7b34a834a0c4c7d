"""Verdicts: what came of every check, so that it can be printed, kept beside a release, and believed.

They say how many checks there were and how many ran, since one that did not run must never look like one that passed.
"""

import os
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import ValidationError, model_validator

from optikit import registry
from optikit.component import Component, explain
from optikit.described import Described
from optikit.errors import InputError, did_you_mean
from optikit.fault import own_line
from optikit.files import save_text
from optikit.testing.check import PATIENCE, Check, Hung
from optikit.testing.subject import Subject, Unposed

LARGEST = 50_000_000
"""Bytes of a file that is read."""

Outcome = Literal["passed", "failed", "failed as expected", "passed unexpectedly", "failed, but is new"]


class Verdict(Described):
    """What came of one check."""

    check: str
    """Its name."""
    says: str
    """The property."""
    outcome: Outcome
    """What came of it."""
    message: str = ""
    """Why it failed, in one line."""
    example: str = ""
    """The smallest example that was found to fail."""
    expected: str = ""
    """Why it was expected to fail."""
    warned: str = ""
    """The first warning that was raised meanwhile, and how many more: an error where pytest takes warnings as such."""

    @property
    def good(self) -> bool:
        """Whether it counts for the component."""
        return self.outcome in ("passed", "failed as expected", "failed, but is new")


class Report(Described):
    """What came of all checks of one component."""

    kind: str
    """Of the component."""
    name: str
    """Of the component."""
    distribution: str | None
    """Who brings it, if an installed distribution does."""
    version: str | None
    """Of that distribution."""
    optikit: str
    """The release whose checks these are."""
    fields: dict[str, Any]
    """Those of the component that are not at their defaults."""
    claims: tuple[str, ...]
    """What is claimed of it."""
    found: str = ""
    """What it was found to do, in words, where that is found by trying."""
    checks: int
    """How many there are for it."""
    verdicts: tuple[Verdict, ...]
    """One for each that ran."""
    unposed: str = ""
    """What the others would have to be told before they can run."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len({verdict.check for verdict in self.verdicts}) < len(self.verdicts):
            raise ValueError("has two verdicts on one check")
        if self.unposed and len(self.verdicts) == self.checks:
            raise ValueError("says that checks did not run, and has verdicts on all of them")
        if len(self.verdicts) > self.checks:
            raise ValueError(f"has {len(self.verdicts)} verdicts on {self.checks} checks")
        for verdict in self.verdicts:
            if bool(verdict.expected) != (verdict.outcome in ("failed as expected", "passed unexpectedly")):
                raise ValueError(f"does not say why {verdict.check!r} was expected to fail, or that it was")
        return self

    @property
    def ran(self) -> int:
        """How many checks ran to an end."""
        return len(self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether all checks ran, none failed that was not expected to, and none passed that was expected to fail."""
        return self.ran == self.checks > 0 and all(verdict.good for verdict in self.verdicts)

    def __str__(self) -> str:
        """Say the result in one line."""
        counts = Counter(verdict.outcome for verdict in self.verdicts)
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        return f"{self.ran} of {self.checks} checks ran: {said or 'none'}"


class Conformance(Described):
    """The file that `save` writes."""

    format: Literal[1] = 1
    """Of this file."""
    components: tuple[Report, ...]
    """One for each component that was examined."""


def examine(
    subject: Subject,
    checks: Sequence[Check],
    *,
    expected: Mapping[str, str] | None = None,
    seconds: float = PATIENCE,
    told: Callable[[Report], None] | None = None,
) -> Report:
    """Put a component to checks, one after another; one that fails keeps none of the others from running.

    Parameters
    ----------
    subject : Subject
        The component.
    checks : sequence of Check
        As `optikit.testing.checks` gives them.
    expected : mapping of str to str, optional
        Names of checks that it cannot pass, and why; one that passes all the same is an error.
    seconds : float
        How long each check may take.
    told : callable, optional
        Called after each check with the report until then, which is not passed as long as checks are missing.

    Returns
    -------
    Report
        With all verdicts.

    Raises
    ------
    InputError
        If a failure is expected of a check that there is not.
    """
    reasons = expectations(checks, expected)
    distribution, version = _origin(subject.component)
    report = Report(
        kind=subject.component.kind,
        name=subject.name,
        distribution=distribution,
        version=version,
        optikit=metadata.version("optikit"),
        fields=subject.component.model_dump(mode="json", exclude_defaults=True),
        claims=tuple(sorted(subject.claims)),
        found=subject.found,
        checks=len(checks),
        verdicts=(),
    )
    for check in checks:
        try:
            verdict = _verdict(check, subject, reasons.get(check.name, ""), seconds)
        except Unposed as error:
            report = report.model_copy(update={"unposed": report.unposed or str(error)})
            continue
        report = report.model_copy(update={"verdicts": (*report.verdicts, verdict)})
        if told is not None:
            told(report)
    return report


def expectations(checks: Sequence[Check], expected: Mapping[str, str] | None) -> dict[str, str]:
    """Read what is expected to fail.

    Raises
    ------
    InputError
        If there is no such check, or no reason.
    """
    names = [check.name for check in checks]
    if not isinstance(cast("object", expected), Mapping | None):
        raise InputError(f"expected is {expected!r}; pass what cannot be passed with the reason: {{'budget': 'why'}}")
    for name, reason in (expected or {}).items():
        if name not in names:
            known = did_you_mean(name, names)
            raise InputError(f"{name!r} is expected to fail, but there is no such check here; {known}")
        if not reason.strip():
            raise InputError(f"{name!r} is expected to fail, but not why; give the reason")
    return dict(expected or {})


def _verdict(check: Check, subject: Subject, reason: str, seconds: float) -> Verdict:
    outcome: Outcome = "passed unexpectedly" if reason else "passed"
    message = example = ""
    caught: Sequence[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")  # each place once, as there may be many
            check.put(subject, seconds)
    except Unposed:
        raise
    except (Exception, Hung) as error:
        outcome = "failed as expected" if reason else "failed, but is new" if check.new else "failed"
        message, example = _said(error, subject.component), "\n".join(getattr(error, "__notes__", ()))
    return Verdict(
        check=check.name,
        says=check.says,
        outcome=outcome,
        message=message,
        example=example,
        expected=reason,
        warned=_warned(caught),
    )


def _warned(caught: Sequence[warnings.WarningMessage]) -> str:
    """Say the first warning in one line, and where it was raised."""
    if not caught:
        return ""
    first, more = caught[0], len(caught) - 1
    said = str(first.message).strip().partition("\n")[0]
    where = f"{Path(first.filename).name}:{first.lineno}"
    return f"{first.category.__name__}: {said} ({where}){f', and {more} more' if more else ''}"


def _said(error: BaseException, component: Component) -> str:
    """Say what went wrong in one line, and where, if it is no sentence of a check."""
    first = str(error).strip().partition("\n")[0]
    if isinstance(error, AssertionError | Hung) and first:
        return first
    frames = traceback.extract_tb(error.__traceback__)
    last = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    where = Path(own_line(type(component).__module__.partition(".")[0], error, last)).name
    return f"{type(error).__name__}{': ' if first else ''}{first}{f' ({where})' if where else ''}"


def _origin(component: Component) -> tuple[str | None, str | None]:
    """Give the distribution that brings a component, and its version."""
    for entry in registry.default().entries:
        if entry.item is type(component):
            try:
                return entry.distribution, metadata.version(entry.distribution)
            except metadata.PackageNotFoundError:
                return entry.distribution, None
    return None, None


def save(reports: Sequence[Report], path: str | Path) -> None:
    """Write reports as JSON, whole or not at all.

    Parameters
    ----------
    reports : sequence of Report
        What to write.
    path : str or Path
        The file; one that is there is replaced, and a link stays one to what it points to.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink() or (target.exists() and not target.is_file()):  # a link here is one that goes in a circle
        raise InputError(f"{path}: the report cannot be written there, as that is no file; give the name of one")
    try:
        save_text(target, Conformance(components=tuple(reports)).model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{path}: the report cannot be written ({error.strerror})") from None


def load(path: str | Path) -> tuple[Report, ...]:
    """Read reports that `save` has written.

    Parameters
    ----------
    path : str or Path
        The file; nothing in it is run.

    Returns
    -------
    tuple of Report
        As they were.

    Raises
    ------
    InputError
        If it is no such file.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError(f"{path} is no conformance report: it has more than {LARGEST:,} bytes")
        return Conformance.model_validate_json(data).components
    except OSError as error:
        raise InputError(f"{path}: the report cannot be read ({error.strerror})") from None
    except ValidationError as error:
        loc, sentence = explain(error)[0]
        raise InputError(f"{path} is no conformance report: {'.'.join(map(str, loc)) or 'it'} {sentence}") from None
