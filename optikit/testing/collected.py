"""What pytest collects: a test for each check, made of one line in an author's test file."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from optikit.component import Component
from optikit.errors import InputError, did_you_mean
from optikit.testing.check import FIRST, Check
from optikit.testing.subject import Subject
from optikit.testing.suites import checks, posed
from optikit.testing.verdicts import expectations


def conformance(
    component: Component | type[Component],
    *,
    expected: Mapping[str, str] | None = None,
    claims: Collection[str] = (),
    examples: int | None = None,
    at_least: int | None = None,
    **known: Any,
) -> Callable[..., None]:
    """Make a test of a component, for pytest: one for each check, by its name.

    Parameters
    ----------
    component : Component or type
        The component, or its class, which is then made with its defaults and the examples of its required fields.
    expected : mapping of str to str, optional
        Names of checks that it cannot pass, and why.  They are strict: one that passes is an error.
    claims : collection of str
        What is claimed of it and shall be checked, too, such as ``"bounds"``, ``"local"`` or ``"convex"``.
    examples : int, optional
        How many examples of each property are drawn; fewer for a slow component.
    at_least : int, optional
        How many checks there have to be.  A component that loses an ability loses the checks of it, which nobody would
        notice otherwise.
    **known : object
        What else the checks of its kind have to know, such as the `inputs` of a model.

    Returns
    -------
    callable
        To be given a name that begins with ``test_``.

    Raises
    ------
    InputError
        If the component cannot be made, or one of the names is that of no check.

    Examples
    --------
    >>> from optikit.testing import conformance
    >>> test_my_search = conformance(MySearch, at_least=20)
    """
    import pytest

    subject = posed(component, claims=claims, examples=examples, **known)
    owed = checks(subject, at_least)
    reasons = expectations(owed, expected)

    @pytest.mark.parametrize("check", [_case(check, reasons) for check in owed])
    def test(check: Check) -> None:
        check(subject)

    return test


def parametrize_checks(
    components: Sequence[Component | type[Component] | Subject],
    *,
    expected: Mapping[str, Mapping[str, str]] | None = None,
) -> Callable[..., Any]:
    """Make a test of several components: it is called with each `subject` and each `check` that it owes.

    Parameters
    ----------
    components : sequence of Component, type or Subject
        The components, or their classes, or what `posed` makes of either.
    expected : mapping, optional
        By the name of a component, what `conformance` takes under that name.

    Returns
    -------
    callable
        A decorator of a test with the arguments `subject` and `check`, which calls ``check(subject)``.

    Examples
    --------
    >>> from optikit.testing import parametrize_checks
    >>> @parametrize_checks([MySearch, MyDescent(learning_rate=0.1)])
    ... def test_my_optimizers(subject, check):
    ...     check(subject)
    """
    import pytest

    subjects = [each if isinstance(each, Subject) else posed(each) for each in components]
    cases, names = list[Any](), [subject.name for subject in subjects]
    if not subjects:
        raise InputError("there are no components to be checked; a test of none would pass")
    for name in expected or {}:
        if name not in names:
            raise InputError(f"failures of {name!r} are expected, which is not checked; {did_you_mean(name, names)}")
    for subject in subjects:
        owed = checks(subject)
        reasons = expectations(owed, (expected or {}).get(subject.name))
        cases += [_case(check, reasons, subject) for check in owed]
    return pytest.mark.parametrize(("subject", "check"), cases)


def _case(check: Check, reasons: Mapping[str, str], *subjects: Subject) -> Any:
    import pytest

    marks = list[Any]()
    if check.name in reasons:
        marks.append(pytest.mark.xfail(strict=True, reason=reasons[check.name]))
        check = replace(check, since=FIRST)  # a warning would be no failure
    return pytest.param(*subjects, check, id=" ".join([*(each.name for each in subjects), check.name]), marks=marks)
