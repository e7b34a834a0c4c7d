"""Every optimizer that is installed, put to every check of the kit, in the way of every author.

One that cannot pass a check is a strict expected failure, with the reason; nothing is skipped.
"""

from collections import Counter
from importlib.util import find_spec

import pytest
from contenders import CONTENDERS, EXPECTED, KNOWN, LISTED

from optikit.testing import checks, parametrize_checks

COUNTED = {
    **{None: 26, "scipy": 20, "nlopt": 24, "nevergrad": 18, "optax": 20, "torch": 13, "optuna": 4},
    **{"iminuit": 2, "cma": 1, "pybobyqa": 1},
}
"""How many optimizers there are, by the library that they require."""
BOUNDED = COUNTED | {"scipy": 12, "nlopt": 23, "torch": 12}
"""How many of them take bounds."""
CHECKS = 28
"""How many checks an optimizer owes; one more if it is claimed to be local."""


@parametrize_checks(list(CONTENDERS.values()), expected=EXPECTED)
def test_an_optimizer_passes_a_check(subject, check):
    check(subject)


@pytest.mark.parametrize("library", [library for library in COUNTED if library is not None])
def test_the_optimizers_of_a_library_are_there_to_be_checked(library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    assert [name for name in CONTENDERS if LISTED[name] == library]


def test_no_optimizer_and_no_check_is_left_out():
    assert Counter(LISTED.values()) == COUNTED
    installed = {library: number for library, number in COUNTED.items() if library is None or find_spec(library)}
    assert len(CONTENDERS) == sum(installed.values())
    for name, subject in CONTENDERS.items():
        assert len(checks(subject)) == CHECKS + ("local" in subject.claims), name
    taking = Counter(LISTED[name] for name, subject in CONTENDERS.items() if subject.takes_bounds)
    assert taking == {library: BOUNDED[library] for library in installed}


def test_what_is_known_is_of_optimizers_that_there_are():
    assert set(KNOWN) <= set(LISTED)
