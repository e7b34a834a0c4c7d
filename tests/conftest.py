"""What all tests share: Hypothesis draws the same examples everywhere, and nobody touches NumPy's global generator."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", derandomize=True, max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")


@pytest.fixture(autouse=True)
def untouched_global_generator():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the point is to look at it
    yield
    assert np.array_equal(before, np.random.get_state()[1]), "something drew from NumPy's global generator"  # noqa: NPY002
