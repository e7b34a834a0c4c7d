"""Another library, imported when it is first used, and without a trace in what is everybody's.

Some libraries draw from NumPy's and Python's global generators while they are imported (JAX), or seed them (nevergrad).
Then it would depend on which plugins a user has tried what the user's own code draws.
"""

import random
import sys
from importlib import import_module
from typing import Any

import numpy as np


def import_library(name: str) -> Any:
    """Import a module of another library, and leave the global generators of NumPy and Python as they were.

    What another thread draws from them meanwhile, it may draw once more: import in the main thread first, where that
    counts.

    Parameters
    ----------
    name : str
        Of the module, as in an ``import`` statement.

    Returns
    -------
    module
        Untyped, since most libraries are.

    Raises
    ------
    ImportError
        If it is not there.
    """
    if name in sys.modules:
        return import_module(name)
    # These are the two that are meant to be left alone.
    numbers, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        return import_module(name)
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(pythons)
