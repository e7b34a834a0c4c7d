"""What a component is given stays as it was: the arrays, and the random generators that belong to everybody.

What it returns is looked at before anything is computed with it.
"""

# ruff: noqa: NPY002 - the point is to look at NumPy's global generator

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

_NUMPY, _PYTHON = np.random.RandomState(1906704127).get_state(), random.Random(1906704127).getstate()


@contextmanager
def untouched(**arrays: Any) -> Generator[None]:
    """See that nothing is written into arrays, and nothing is drawn from a global generator.

    Parameters
    ----------
    **arrays : ndarray
        What is lent, by what an author calls it.

    Raises
    ------
    AssertionError
        If something has changed in the end.
    """
    before = {name: each.tobytes() for name, each in arrays.items()}
    numpy, python = np.random.get_state(), random.getstate()
    try:
        # States of nobody: whoever seeds them, and be it twice with the same seed, leaves others.
        np.random.set_state(_NUMPY)
        random.setstate(_PYTHON)
        yield
        for name, each in arrays.items():
            assert each.tobytes() == before[name], f"it has written into the {name} that it was given; copy first"
        drawn = not all(map(np.array_equal, _NUMPY, np.random.get_state()))
        assert not drawn, "it has drawn from NumPy's global generator, or seeded it; draw from the rng that is given"
        drawn = random.getstate() != _PYTHON
        assert not drawn, "it has drawn from Python's global generator, or seeded it; draw from the rng that is given"
    finally:
        np.random.set_state(numpy)
        random.setstate(python)


def is_array(given: Any) -> bool:
    """Say whether something is an array of NumPy."""
    return isinstance(given, np.ndarray)


def is_number(given: Any) -> bool:
    """Say whether something is a real number of a floating-point type."""
    return isinstance(given, float | np.floating)
