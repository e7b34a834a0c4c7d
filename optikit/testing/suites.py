"""Suites: which checks a component owes, by its kind, its interface, and what is claimed of it.

An interface with more methods owes more: a loss that has no gradient has no check of one.  So a component that lost
its gradient by mistake would pass all checks that are left; whoever publishes one says how many there have to be.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from optikit import registry
from optikit.component import Component, explain
from optikit.errors import InputError, did_you_mean
from optikit.example import example_fields
from optikit.testing import (
    asking,
    backward,
    components,
    data,
    gradients,
    losses,
    models,
    observers,
    optimizers,
    problems,
    schedules,
    targets,
)
from optikit.testing.check import Check
from optikit.testing.subject import Subject


class Suite(NamedTuple):
    """What belongs to a kind."""

    subject: type[Subject]
    """What the checks are given."""
    checks: Sequence[Check]
    """All of them, for every interface and every claim."""


SUITES: dict[str, Suite] = {
    "optimizer": Suite(optimizers.OptimizerSubject, optimizers.CHECKS),
    "gradient": Suite(gradients.GradientSubject, (*gradients.CHECKS, *asking.CHECKS)),
    "loss": Suite(targets.LossSubject, (*losses.CHECKS, *targets.CHECKS)),
    "model": Suite(models.ModelSubject, (*models.CHECKS, *backward.CHECKS)),
    "data": Suite(Subject, data.CHECKS),
    "observer": Suite(Subject, observers.CHECKS),
    "schedule": Suite(Subject, schedules.SCHEDULE_CHECKS),
    "stopping": Suite(Subject, schedules.STOPPING_CHECKS),
    "problem": Suite(Subject, problems.CHECKS),
}
"""By kind."""


def suite(kind: str) -> Suite:
    """Give the suite of a kind."""
    return SUITES.get(kind, Suite(Subject, ()))


def posed(component: Any, *, claims: Collection[str] = (), examples: int | None = None, **known: Any) -> Subject:
    """Make a subject of a component.

    Parameters
    ----------
    component : Component or type
        A component, or its class.
    claims : collection of str
        What is claimed of it.
    examples : int, optional
        How many examples of each property are drawn.
    **known : object
        What else the subject of the kind takes.

    Returns
    -------
    Subject
        To be put to `checks`.

    Raises
    ------
    InputError
        If it cannot be made, or nobody can check what is claimed.
    """
    made = made_of(component)
    chosen = suite(made.kind)
    claimable = sorted({check.claim for check in chosen.checks if check.claim is not None})
    if isinstance(claims, str):
        raise InputError(f"claims is {claims!r}; pass a list, such as [{claims!r}]")
    if examples is not None and examples < 1:
        raise InputError(f"examples is {examples}; a property needs one at least")
    for claim in claims:
        if claim not in claimable:
            raise InputError(f"nobody can check that a {made.kind} is {claim!r}; {did_you_mean(claim, claimable)}")
    options = {} if examples is None else {"examples": examples}
    try:
        return chosen.subject(component=made, claims=frozenset(claims), **options, **known)
    except TypeError:
        raise InputError(f"the checks of a {made.kind} take no {' and no '.join(sorted(known))}") from None


class Unmade(InputError):
    """A component cannot be made of its class alone.

    Parameters
    ----------
    cls : type
        The class.
    what : str
        What is wrong with which field.
    """

    def __init__(self, cls: type[Component], what: str) -> None:
        known = "pass a component, or give the field an example: Field(examples=[...])"
        super().__init__(f"{cls.__qualname__} cannot be made ({what}); {known}")
        self.what = what


def made_of(component: Any) -> Component:
    """Make a component of its class; its required fields get the author's first example.

    Raises
    ------
    InputError
        If that is not possible; an `Unmade` one, if it is a class of a component.
    """
    if isinstance(component, Component):
        return component
    if not (isinstance(component, type) and issubclass(component, Component)):
        raise InputError(f"{component!r} is no component; pass one, or its class")
    try:
        make = {"folder": None, "make": registry.default().make}
        return component.model_validate(example_fields(component), context=make)
    except (InputError, ValidationError) as error:
        places = explain(error) if isinstance(error, ValidationError) else [((), str(error))]
        what = "; ".join(f"{'.'.join(map(str, loc))} {sentence}".strip() for loc, sentence in places)
        raise Unmade(component, what) from None


def checks(subject: Subject, at_least: int | None = None) -> list[Check]:
    """List the checks that a component owes.

    Parameters
    ----------
    subject : Subject
        The component.
    at_least : int, optional
        How many there have to be.

    Returns
    -------
    list of Check
        In the order in which they run.

    Raises
    ------
    InputError
        If there are fewer.
    """
    component, all_of_them = subject.component, (*components.CHECKS, *suite(subject.component.kind).checks)
    owed = (check for check in all_of_them if check.needs is None or isinstance(component, check.needs))
    found = [check for check in owed if check.claim in (None, *subject.claims)]
    if len(found) < (at_least or 0):
        missed = f"{subject.name} has {len(found)} checks, and not the {at_least} that it has to have"
        raise InputError(f"{missed}; has it lost a method?")
    return found
