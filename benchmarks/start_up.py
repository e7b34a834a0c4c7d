"""Start-up: processor time of whole processes that import optikit or list what it has.

Run by hand: ``python benchmarks/start_up.py [--out FILE.json]``, on Linux or macOS.  The processes are run in turns,
and the system says what processor time each has taken, so other work on the machine counts little; medians.
"""

import os
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

import harness

ROUNDS = 21
PROCESSES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import optikit'": [sys.executable, "-c", "import optikit"],
    "python -c 'import numpy, pydantic'": [sys.executable, "-c", "import numpy, pydantic"],
    "optikit list": [str(Path(sys.executable).with_name("optikit")), "list"],
}
"""The first is what the others cost more than; the third what `optikit list` cannot do without."""


def processor_seconds(command: list[str]) -> float:
    """Run a process, and give what it has taken, children and threads included."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def start_up() -> list[harness.Row]:
    """Compare the processes with a bare interpreter, and with the libraries that optikit needs."""
    taken = harness.in_turns([partial(processor_seconds, command) for command in PROCESSES.values()], ROUNDS)
    bare, _, needed, _ = taken
    return [
        {
            "process": name,
            "milliseconds": 1000 * statistics.median(own),
            "over a bare interpreter": 1000 * statistics.median(a - b for a, b in zip(own, bare, strict=True)),
            "times numpy and pydantic": harness.ratio(own, needed),
        }
        for name, own in zip(PROCESSES, taken, strict=True)
    ]


if __name__ == "__main__":
    harness.main(__doc__, {"start-up": ("Processor time of whole processes", start_up)})
