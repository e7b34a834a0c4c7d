"""What the benchmarks share: one BLAS thread, both sides of a ratio timed in turns, medians, tables, JSON.

Imported before NumPy, since BLAS reads its number of threads once.
"""

import os
import sys

if "numpy" in sys.modules:
    raise ImportError("import harness before NumPy: the number of BLAS threads is read when NumPy is loaded")
for library in ("OPENBLAS", "MKL", "OMP", "BLIS"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse
import importlib
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

Row = dict[str, Any]
Tables = Mapping[str, tuple[str, Callable[[], list[Row]]]]
"""Titles, and functions that measure the rows, by the names that they have in the JSON file."""

clock: Callable[[], float] = time.perf_counter
"""Seconds from somewhere; those of the processor, with ``--cpu``."""


def seconds(work: Callable[[], Any]) -> float:
    """Time one call."""
    start = clock()
    work()
    return clock() - start


def in_turns(works: Sequence[Callable[[], float]], rounds: int) -> list[tuple[float, ...]]:
    """Let each work measure itself, in turns, after a round that does not count; give the rounds of each."""
    return list(zip(*[[work() for work in works] for _ in range(rounds + 1)][1:], strict=True))


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the median over the rounds of one over the other."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def times_as_fast(one: Callable[[], Any], other: Callable[[], Any], rounds: int) -> float:
    """Give the median over the rounds of the time of the other over that of the one."""
    return ratio(*in_turns([partial(seconds, other), partial(seconds, one)], rounds))


def module(name: str) -> Any:
    """Import a library, or give None."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"({name} is left out: {error})")
        return None


def show(title: str, rows: list[Row]) -> None:
    """Print a table in Markdown."""
    if not rows:
        return
    print(f"\n{title}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()) + " |")


def main(description: str | None, tables: Tables) -> None:
    """Measure, print, and write."""
    global clock
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--out", help="also write the tables to this JSON file")
    parser.add_argument("--cpu", action="store_true", help="count processor time, for a machine that others use")
    parser.add_argument("--only", choices=tables, help="measure this table alone")
    arguments = parser.parse_args()
    clock = time.process_time if arguments.cpu else time.perf_counter
    measured = dict[str, list[Row]]()
    for name, (title, rows) in tables.items():
        if arguments.only in (None, name):
            measured[name] = rows()
            show(title, measured[name])
    machine = {"processor": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine.items()))
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as stream:
            json.dump({"machine": machine, **measured}, stream, indent=1)
