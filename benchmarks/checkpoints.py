"""Checkpoints: what it costs to keep a run in a file, and how much room it takes.

Run by hand: ``python benchmarks/checkpoints.py [--out FILE.json] [--cpu]``; runs with a checkpoint and without it are
made in turns.
"""

import harness  # isort: skip - before NumPy

import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import optikit

ROUNDS = 7
EVALUATIONS = 50_000


def bowl(x: Any) -> float:
    """Ten numbers, and as little work as possible."""
    return float(x @ x)


def search(**options: Any) -> None:
    """Ask a batch of a hundred points a step."""
    optimizer = optikit.get("optimizer", "random-search", samples=100)
    optikit.minimize(bowl, np.ones(10), optimizer=optimizer, bounds=(-2, 2), max_evals=EVALUATIONS, rng=0, **options)


def descent(**options: Any) -> None:
    """Ask for a gradient a step."""
    optimizer = optikit.get("optimizer", "adam", learning_rate=1e-6)
    usual = {"gradient": lambda x: 2 * x, "check_gradient": False, "max_evals": EVALUATIONS}
    optikit.minimize(bowl, np.ones(10), optimizer=optimizer, **usual, **options)


def kept(run: Callable[..., None], **options: Any) -> None:
    """Make a run that is kept in a file."""
    with tempfile.TemporaryDirectory() as folder:
        run(checkpoint=Path(folder, "run.db"), **options)


def overhead() -> list[harness.Row]:
    """Compare each run with the same without a checkpoint."""
    rows: list[harness.Row] = []
    for name, run in {"random-search, in batches": search, "adam": descent}.items():
        works = [run, partial(kept, run), partial(kept, run, history="points")]
        off, values, points = harness.in_turns([partial(harness.seconds, work) for work in works], ROUNDS)
        rows += [
            {
                "optimizer": name,
                "kept": what,
                "microseconds more an evaluation": 1e6
                * statistics.median(a - b for a, b in zip(own, off, strict=True))
                / EVALUATIONS,
                "times a run without": harness.ratio(own, off),
            }
            for what, own in (("values", values), ("points, too", points))
        ]
    return rows


def room() -> list[harness.Row]:
    """Measure bytes an evaluation, in memory (the growth of the largest that the process has been) and in the file."""
    unit = 1 if sys.platform == "darwin" else 1024
    rows: list[harness.Row] = []
    search()
    for what in ("best", "values", "points"):
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            optikit.minimize(
                bowl, np.ones(10), optimizer="random-search", bounds=(-2, 2), max_evals=20 * EVALUATIONS, rng=0,
                history=what, checkpoint=Path(folder, "run.db"),
            )  # fmt: skip
            grown = unit * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
            size = sum(file.stat().st_size for file in Path(folder).iterdir())
        both = {"in memory": grown, "in the file": size}
        rows.append({"history": what, **{name: number / (20 * EVALUATIONS) for name, number in both.items()}})
    return rows


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "overhead": ("What a checkpoint costs, ten parameters", overhead),
            "room": (f"Bytes an evaluation, ten parameters, {20 * EVALUATIONS:,} evaluations", room),
        },
    )
