"""Kills runs at random moments and continues them; a process of its own, as it forks. Prints what it has seen as JSON.

Arguments: how many kills shall hit a run that has begun and not ended, and names of optimizers, which take turns.
Every second one is of a run that makes snapshots all the time.
"""

import json
import math
import os
import signal
import sqlite3
import struct
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import contenders
import numpy as np

import optikit
from optikit import journal

EVALS = 300
PATIENCE = 30.0
"""Seconds for a run to begin."""
LOWEST = np.linspace(-0.9, 0.8, 5)
CALL = struct.Struct("d")


class Logged:
    """A rough valley; every call is appended to a file with its time, which survives the process."""

    pause = 6e-4
    """Seconds that a call takes at least, so that there are moments to be killed at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, x):
        os.write(self._file, CALL.pack(time.monotonic()))
        if self.pause:
            time.sleep(self.pause)
        return float((np.arange(1, 6) * (x - LOWEST) ** 2).sum() + 0.1 * np.sin(9 * x).sum())

    @property
    def calls(self) -> list[float]:
        return [moment for (moment,) in CALL.iter_unpack(self.path.read_bytes())]


def gradient(x):
    return 2 * np.arange(1, 6) * (x - LOWEST) + 0.9 * np.cos(9 * x)


def begin(contender, fun, **options):
    start = np.linspace(1.5, -1.5, 5)
    settings = {"bounds": (-2, 2) if contender.takes_bounds else None, "max_evals": EVALS, "check_gradient": False}
    settings |= {"gradient": gradient, "rng": 1}
    return optikit.minimize(fun, start, optimizer=contender.component, **settings, **options)


def killed(contender, expected, folder: Path, delay: float, snapshots: bool) -> dict | None:
    """Kill a run so many seconds after its first evaluation, continue it, and say what that has cost.

    None if it had ended by then.
    """
    path, fun = folder / "run.db", Logged(folder / "calls")
    child = os.fork()
    if not child:
        if snapshots:
            journal.INTERVAL, journal.SHARE = 0.0, math.inf
        try:
            begin(contender, fun, checkpoint=path)
        finally:
            os._exit(0)
    patience = time.monotonic() + PATIENCE
    while not fun.path.stat().st_size and time.monotonic() < patience:
        time.sleep(1e-3)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return None
    before = fun.calls
    with closing(sqlite3.connect(path)) as connection:  # any client can read it
        (committed,) = connection.execute("SELECT count(*) FROM evaluations").fetchone()
        (whole,) = connection.execute("SELECT count(*) FROM snapshots WHERE nfev > 0").fetchone()
        ((ended,),) = connection.execute("SELECT stop FROM runs").fetchall()
    if ended is not None:
        return None
    fun.pause = 0.0  # nobody kills this one
    result = optikit.resume(path, fun, gradient=gradient)
    paid = len(fun.calls) - len(before)
    assert np.array_equal(result.history.fun, expected.history.fun), f"{contender.name}: it went another way"
    assert np.array_equal(result.x, expected.x)
    assert (result.nit, result.njev, result.message) == (expected.nit, expected.njev, expected.message)
    assert paid == result.nfev - committed, f"{contender.name}: {paid} paid for {result.nfev - committed} lacking"
    lost = before[committed:]
    return {
        "kills": 1, "snapshots": whole, "lost": len(lost),
        "milliseconds": 1e3 * (lost[-1] - lost[0]) if lost else 0.0,
    }  # fmt: skip


def main(number: int, names: list[str]) -> None:
    rng = np.random.default_rng(2026)
    expected, length, seen, turns = {}, {}, list[dict](), 0
    for name in names:
        with TemporaryDirectory() as folder:
            fun = Logged(Path(folder, "calls"))
            expected[name] = begin(contenders.CONTENDERS[name], fun)
            length[name] = fun.calls[-1] - fun.calls[0]
    while len(seen) < number and turns < 3 * number:
        name = names[turns % len(names)]
        with TemporaryDirectory() as folder:
            delay, snapshots = rng.uniform(0, 0.95) * length[name], turns // len(names) % 2 == 1
            one = killed(contenders.CONTENDERS[name], expected[name], Path(folder), delay, snapshots)
        seen += [] if one is None else [{**one, "name": name}]
        turns += 1
    print(json.dumps({
        "kills": len(seen), "optimizers": len({one["name"] for one in seen}),
        "from snapshots": sum(one["snapshots"] for one in seen), "evaluations lost": sum(one["lost"] for one in seen),
        "most lost in ms": round(max(one["milliseconds"] for one in seen), 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
