"""What all tests share: Hypothesis draws the same examples everywhere, and nobody touches NumPy's global generator."""

import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", derandomize=True, max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

pytest.register_assert_rewrite("battery", "points", "global_generator", "other_process")

# Who starts the tests in the background has Ctrl-C ignored, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def untouched_global_generator():
    # All of the state: most draws move only the position in it.  Hypothesis puts back what its own examples draw.
    before = np.random.get_state()  # noqa: NPY002 - the point is to look at it
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert all(map(np.array_equal, before, after)), "something drew from NumPy's global generator"
