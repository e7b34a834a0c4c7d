"""Every optimizer that is installed, put to every point of the battery.

One that cannot pass a point is a strict expected failure, with the reason; nothing is skipped.
"""

from collections import Counter
from importlib.util import find_spec

import pytest
from battery import put_to
from contenders import CONTENDERS, KNOWN, LISTED
from points import POINTS

COUNTED = {
    **{None: 21, "scipy": 20, "nlopt": 24, "nevergrad": 18, "optax": 20, "torch": 13, "optuna": 4},
    **{"iminuit": 2, "cma": 1, "pybobyqa": 1},
}
"""How many optimizers there are, by the library that they require."""
BOUNDED = COUNTED | {"scipy": 12, "nlopt": 23, "torch": 12}
"""How many of them take bounds."""


def case(name, point):
    fails = CONTENDERS[name].fails
    marks = [pytest.mark.xfail(strict=True, reason=fails[point])] if point in fails else []
    return pytest.param(name, point, marks=marks, id=f"{name} {point}")


CASES = [case(name, point) for name in CONTENDERS for point in POINTS]


@pytest.mark.parametrize(("name", "point"), CASES)
def test_an_optimizer_passes_a_point(name, point):
    put_to(CONTENDERS[name], POINTS[point])


@pytest.mark.parametrize("library", [library for library in COUNTED if library is not None])
def test_the_optimizers_of_a_library_are_there_to_be_put_to_it(library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    assert [name for name in CONTENDERS if LISTED[name] == library]


def test_no_optimizer_and_no_point_is_left_out():
    assert Counter(LISTED.values()) == COUNTED
    installed = {library: number for library, number in COUNTED.items() if library is None or find_spec(library)}
    assert len(POINTS) == 16
    assert len(CASES) == 16 * sum(installed.values())
    taking = Counter(LISTED[name] for name, contender in CONTENDERS.items() if contender.takes_bounds)
    assert taking == {library: BOUNDED[library] for library in installed}


def test_what_is_known_is_of_optimizers_and_points_that_there_are():
    assert set(KNOWN) <= set(LISTED)
    assert {point for entry in KNOWN.values() for point in entry.fails} <= set(POINTS)
