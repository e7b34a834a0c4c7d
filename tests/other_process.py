"""A run is the same in another process, which has other hashes, and has done nothing before."""

import json
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from battery import LONG, Contender, minimized

ROOT = Path(__file__).parent.parent
MARK = "found: "
"""Libraries print, too."""
HUNG = ["nothing came back"]


def repeats_itself_in_another_process(contender: Contender) -> None:
    found = _elsewhere(contender.home)[contender.name]
    assert found != HUNG, f"{contender.name}: nothing came back from another process in time"
    assert found == fingerprint(contender, LONG), "another process finds something else"


def fingerprint(contender: Contender, max_evals: int = 40) -> list[str]:
    """Give what an optimizer finds, to the last bit."""
    try:
        result = minimized(contender, 3, max_evals)[0]
    except (Exception, pytest.skip.Exception) as error:  # which the other points tell of
        return [repr(error)]
    return [float(value).hex() for value in (result.fun, *result.x, *result.history.fun)]


@cache
def _elsewhere(home: str) -> dict[str, list[str]]:
    """Give the fingerprints of all contenders of a module, found in a process of their own.

    One that hangs takes the process with it; those after it get another one.
    """
    found: dict[str, list[str]] = {}
    left = list(import_module(home).CONTENDERS)
    while left:
        lines = _in_a_process(home, left)
        found |= zip(left, map(json.loads, lines), strict=False)
        if len(lines) < len(left):
            found[left[len(lines)]] = HUNG
        left = left[len(lines) + 1 :]
    return found


def _in_a_process(home: str, names: list[str]) -> list[str]:
    """Give what a process prints: a line for each contender, until one hangs."""
    code = f"""
import faulthandler, json, sys
sys.path[:0] = {[str(ROOT / "tests"), str(ROOT), str(ROOT / "plugins")]!r}
import other_process, {home} as home
for name in {names!r}:
    faulthandler.dump_traceback_later(home.PATIENCE, exit=True)  # which needs no signal of Python's, and so ends C, too
    found = other_process.fingerprint(home.CONTENDERS[name], {LONG})
    faulthandler.cancel_dump_traceback_later()
    print(other_process.MARK + json.dumps(found), flush=True)
"""
    # Another seed of Python's hashes, so that whoever goes through a set goes through it in another order.
    process = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(process, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "7"})
    assert done.returncode == 0 or "Timeout" in done.stderr, done.stderr
    return [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
