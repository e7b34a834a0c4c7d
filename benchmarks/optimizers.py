"""Optimizers: what a step costs beyond the objective, and what an update costs beside PyTorch's.

Run by hand: ``python benchmarks/optimizers.py [--out FILE.json]``.  Both sides of every ratio are timed in turns in
this one process, on one BLAS thread, preparation included; medians.  PyTorch stands beside where it is installed.
"""

import os

for library in ("OPENBLAS", "MKL", "OMP", "BLIS"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse
import importlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import optikit

ROUNDS = 9
N = 10
STEPS = 3000
SIZES = (1_000, 100_000, 10_000_000)


def seconds(work: Callable[[], Any]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def module(name: str) -> Any:
    """Import a library, or give None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed and left out")
        return None


def value(x: np.ndarray) -> float:
    """Cost next to nothing."""
    return 1.0


SLOPE = np.ones(N)


def slope(x: np.ndarray) -> np.ndarray:
    """Cost next to nothing, and never vanish."""
    return SLOPE


def run(name: str, gradient: Any = None, **options: Any) -> Callable[[], Any]:
    """Prepare runs of an optimizer on the function that costs nothing."""
    fields = {"random-search": {"samples": 1000}}.get(name, {"learning_rate": 1e-9})
    optimizer = optikit.get("optimizer", name, **fields)
    return lambda: optikit.minimize(
        value, np.zeros(N), optimizer=optimizer, gradient=gradient, check_gradient=False, rng=0, **options
    )


def bare_descent() -> None:
    """Make the same steps without anything around them."""
    x = np.zeros(N)
    for _ in range(STEPS):
        value(x)
        x = x - 1e-9 * slope(x)


def bare_search() -> None:
    """Draw and compare the same number of points."""
    rng, best = np.random.default_rng(0), np.inf
    for x in rng.uniform(-1, 1, size=(STEPS, N)):
        best = min(best, value(x))


def overhead() -> list[dict[str, Any]]:
    """Compare a step, or a point, with a bare loop."""
    cases = [
        ("random-search, in batches", run("random-search", bounds=(-1, 1), max_evals=STEPS), bare_search),
        *(
            (name, run(name, gradient=slope, max_steps=STEPS), bare_descent)
            for name in ("gradient-descent", "adam", "rprop")
        ),
    ]
    table = []
    for name, ours, bare in cases:
        ours(), bare()
        extra = [seconds(ours) - seconds(bare) for _ in range(ROUNDS)]
        table.append({"optimizer": name, "microseconds over a bare loop": 1e6 * statistics.median(extra) / STEPS})
    return table


class Given:
    """An oracle that answers with a ready gradient: what is left is the update."""

    bounded = False

    def __init__(self, gradient: np.ndarray) -> None:
        self.gradient = gradient

    def value_and_grad(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Answer."""
        return 1.0, self.gradient


def updates() -> list[dict[str, Any]]:
    """Compare updates alone with PyTorch's fused ones."""
    torch = module("torch")
    if torch is None:
        return []
    torch.set_num_threads(1)
    table = []
    for n in SIZES:
        gradient = np.random.default_rng(0).normal(size=n)
        rounds = max(3, 2_000_000 // n)
        for name, theirs, fields, options in (
            ("gradient-descent", "SGD", {"momentum": 0.9}, {"momentum": 0.9, "fused": True}),
            ("adam", "Adam", {}, {"fused": True}),
        ):
            ours = optikit.get("optimizer", name, learning_rate=1e-3, **fields)
            state, oracle = ours.init(np.zeros(n), np.random.default_rng(0)), Given(gradient)
            x = torch.zeros(n, dtype=torch.float64, requires_grad=True)
            x.grad = torch.from_numpy(gradient.copy())
            rival = getattr(torch.optim, theirs)([x], lr=1e-3, **options)

            def step(ours: Any = ours, state: Any = state, oracle: Any = oracle, rounds: int = rounds) -> None:
                for _ in range(rounds):
                    state = ours.step(oracle, state)

            def other(rival: Any = rival, rounds: int = rounds) -> None:
                for _ in range(rounds):
                    rival.step()

            step(), other()
            ratio = statistics.median(seconds(other) / seconds(step) for _ in range(ROUNDS))
            table.append({"update": name, "n": n, "times as fast as torch.optim": ratio})
    return table


def show(title: str, table: list[dict[str, Any]]) -> None:
    """Print a table in Markdown."""
    if not table:
        return
    print(f"\n{title}\n\n| {' | '.join(table[0])} |\n|{'---|' * len(table[0])}")
    for row in table:
        print(f"| {' | '.join(f'{cell:.3g}' if isinstance(cell, float) else str(cell) for cell in row.values())} |")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="also write the tables to this JSON file")
    arguments = parser.parse_args()
    tables = {"overhead": overhead(), "updates": updates()}
    show(f"Overhead of a step, or of a point in a batch ({N} parameters)", tables["overhead"])
    show("Updates alone, one thread, float64", tables["updates"])
    machine = {"processor": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    print("\n" + ", ".join(f"{key} {cell}" for key, cell in machine.items()))
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as stream:
            json.dump({"machine": machine, **tables}, stream, indent=1)


if __name__ == "__main__":
    main()
