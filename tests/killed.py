"""Kills runs at random moments and continues them; a process of its own, as it forks. Prints what it has seen as JSON.

Arguments: how many times, and names of optimizers, which take turns.
"""

import json
import os
import signal
import sqlite3
import struct
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import contenders
import numpy as np

import optikit

EVALS = 300
LOWEST = np.linspace(-0.9, 0.8, 5)
CALL = struct.Struct("d")


class Logged:
    """A rough valley; every call is appended to a file with its time, which survives the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, x):
        os.write(self._file, CALL.pack(time.monotonic()))
        time.sleep(6e-4)
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


def killed(contender, expected, folder: Path, delay: float) -> dict:
    """Kill one run, continue it, and say what that has cost."""
    path, fun = folder / "run.db", Logged(folder / "calls")
    child = os.fork()
    if not child:
        try:
            begin(contender, fun, checkpoint=path)
        finally:
            os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    before = fun.calls
    try:
        with sqlite3.connect(path) as connection:  # any client can read it
            (committed,) = connection.execute("SELECT count(*) FROM evaluations").fetchone()
            ((ended,),) = connection.execute("SELECT stop FROM runs").fetchall()
        connection.close()
    except (sqlite3.Error, ValueError):
        return {"unborn": 1, "lost": len(before)}  # it had not begun
    result = optikit.resume(path, fun, gradient=gradient)
    paid = len(fun.calls) - len(before)
    assert np.array_equal(result.history.fun, expected.history.fun), f"{contender.name}: it went another way"
    assert np.array_equal(result.x, expected.x)
    assert (result.nit, result.njev, result.message) == (expected.nit, expected.njev, expected.message)
    assert paid == result.nfev - committed, f"{contender.name}: {paid} paid for {result.nfev - committed} lacking"
    lost = before[committed:]
    return {
        "resumed": 1, "within": int(ended is None and 0 < committed < EVALS), "lost": len(lost),
        "milliseconds": 1e3 * (lost[-1] - lost[0]) if lost else 0.0,
    }  # fmt: skip


def main(number: int, names: list[str]) -> None:
    rng = np.random.default_rng(2026)
    expected, length = {}, {}
    for name in names:
        with TemporaryDirectory() as folder:
            begun = time.monotonic()
            expected[name] = begin(contenders.CONTENDERS[name], Logged(Path(folder, "calls")))
            length[name] = time.monotonic() - begun
    seen: list[dict] = []
    for i in range(number):
        name = names[i % len(names)]
        with TemporaryDirectory() as folder:
            delay = rng.uniform(0, 1.1) * length[name]
            seen.append(killed(contenders.CONTENDERS[name], expected[name], Path(folder), delay))
    sums = {key: sum(one.get(key, 0) for one in seen) for key in ("resumed", "within", "unborn", "lost")}
    print(json.dumps({**sums, "most": max(one.get("milliseconds", 0.0) for one in seen), "kills": number}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
