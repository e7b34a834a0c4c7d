"""A run is the same in another process, which has other hashes, and has done nothing before."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from battery import Contender, minimized

ROOT = Path(__file__).parent.parent


def repeats_itself_in_another_process(contender: Contender) -> None:
    found = _elsewhere(contender.home)[contender.name]
    assert found == fingerprint(contender), "another process finds something else"


def fingerprint(contender: Contender) -> list[str]:
    """Give what an optimizer finds, to the last bit."""
    try:
        result = minimized(contender, 3)[0]
    except (Exception, pytest.skip.Exception) as error:  # which the other points tell of
        return [repr(error)]
    return [float(value).hex() for value in (result.fun, *result.x, *result.history.fun)]


@cache
def _elsewhere(home: str) -> dict[str, list[str]]:
    """Give the fingerprints of all contenders of a module, found in a process of their own."""
    code = f"""
import json, sys
sys.path[:0] = {[str(ROOT / "tests"), str(ROOT), str(ROOT / "plugins")]!r}
import other_process, {home} as home
print(json.dumps({{name: other_process.fingerprint(each) for name, each in home.CONTENDERS.items()}}))
"""
    # Another seed of Python's hashes, so that whoever goes through a set goes through it in another order.
    process = [sys.executable, "-W", "ignore", "-c", code]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(process, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])
