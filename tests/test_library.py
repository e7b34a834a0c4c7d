"""A library is imported without a trace in the global generators of NumPy and Python."""

import random
import sys
import uuid

import numpy as np
import pytest

import optikit

GREEDY = """
import random
import numpy as np
np.random.seed(7)
np.random.normal()
random.seed(7)
"""


def states():
    _, key, *rest = np.random.get_state()  # noqa: NPY002 - the point is to look at it
    return key.tolist(), rest, random.getstate()


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a module under a name that there is not yet."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"greedy_{uuid.uuid4().hex}"
    yield lambda text: (tmp_path / f"{name}.py").write_text(text) and name
    sys.modules.pop(name, None)


def test_a_library_that_seeds_the_global_generators_leaves_them_as_they_were(written):
    name, before = written(GREEDY), states()
    module = optikit.import_library(name)
    assert states() == before
    assert module is sys.modules[name] is optikit.import_library(name)


def test_so_does_one_that_fails_on_the_way(written):
    name, before = written(GREEDY + "\n1 / 0"), states()
    with pytest.raises(ZeroDivisionError):
        optikit.import_library(name)
    assert states() == before


def test_one_that_is_not_there_is_an_import_error_that_names_it():
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        optikit.import_library("no_such_library")
