"""What all tests share: Hypothesis draws the same examples everywhere, and nobody touches NumPy's global generator."""

import json
import os
import signal
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from optikit.errors import InputError
from optikit.lock import Lock

settings.register_profile(
    "ci", derandomize=True, max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

pytest_plugins = ["pytester"]
pytest.register_assert_rewrite("mutated")

# Who starts the tests in the background has Ctrl-C ignored, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    # What tests have counted (`record_property("counted", ...)`) is told in the end, whichever process has made them.
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "counted":
                terminalreporter.write_line(str(value))


@pytest.fixture(autouse=True, scope="session")
def cache_of_the_tests(tmp_path_factory):
    # Not the user's own; the processes that share the tests share this one, too.
    before = os.environ.get("OPTIKIT_CACHE")
    os.environ["OPTIKIT_CACHE"] = str(tmp_path_factory.getbasetemp().parent / "optikit-cache")
    yield
    os.environ.pop("OPTIKIT_CACHE") if before is None else os.environ.update(OPTIKIT_CACHE=before)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Give what `make(folder)` gave, as JSON, to all processes that share the tests: the first that asks makes it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"

    def given(name, make):
        shared.mkdir(exist_ok=True)
        made = shared / f"{name}.json"
        while not made.exists():
            try:
                lock = Lock(made)
            except InputError:  # another process is at it
                time.sleep(0.1)
                continue
            try:
                if not made.exists():
                    (folder := shared / name).mkdir()
                    (folder / "whole").write_text(json.dumps(make(folder)))
                    (folder / "whole").replace(made)
            finally:
                lock.release()
        return json.loads(made.read_text())

    return given


@pytest.fixture(autouse=True)
def untouched_global_generator():
    # All of the state: most draws move only the position in it.  Hypothesis puts back what its own examples draw.
    before = np.random.get_state()  # noqa: NPY002 - the point is to look at it
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert all(map(np.array_equal, before, after)), "something drew from NumPy's global generator"
