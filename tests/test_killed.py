"""Runs that are killed at random moments, by the signal that nobody can catch, continue to the bitwise same result."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

OURS = ["lbfgs", "adam", "random-search", "simulated-annealing", "one-plus-one-es", "multistart", "lookahead"]
SCIPY = ["lbfgsb", "nelder-mead", "slsqp", "differential-evolution", "dual-annealing", "trust-constr"]
OTHERS = {"nlopt": "nlopt-sbplx", "cma": "cma-es", "nevergrad": "nevergrad-de", "iminuit": "minuit-migrad"}
FOREIGN = [f"scipy-{name}" for name in SCIPY] + [name for module, name in OTHERS.items() if find_spec(module)]


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
@pytest.mark.parametrize(("kind", "names"), [("own", OURS), ("foreign", FOREIGN)], ids=["own", "foreign"])
def test_a_killed_run_continues_to_the_same_end(kind, names, record_property):
    folder = Path(__file__).parent
    command = [sys.executable, "-W", "ignore", str(folder / "killed.py"), "100", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert (seen["kills"], seen["optimizers"]) == (100, len(names))
    assert kind == "foreign" or seen["from snapshots"] >= 10, "solvers that own their loop make none"
    record_property("counted", f"kill -9, {kind} optimizers, all continued bitwise the same: {seen}")
