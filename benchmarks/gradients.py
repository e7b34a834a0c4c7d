"""How much faster layered sweeps are than the naive loop, and what an estimator costs beside the bare evaluations.

Run by hand: ``python benchmarks/gradients.py [--out FILE.json]``.  Both sides of every ratio are timed in turns in this
one process, on one BLAS thread, preparation included; the naive loop on a random subset of the coordinates, scaled.
"""

import os

for library in ("OPENBLAS", "MKL", "OMP", "BLIS"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

import optikit

ROUNDS = 7
SUBSET = 400


def seconds(work: Callable[[], Any]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(slow: Callable[[], Any], fast: Callable[[], Any], scale: float) -> float:
    """Give the median over the rounds of scale * slow / fast, timed in turns."""
    fast()
    return statistics.median(scale * seconds(slow) / seconds(fast) for _ in range(ROUNDS))


def naive(objective: optikit.Objective, x: np.ndarray, h: float, coordinates: np.ndarray) -> np.ndarray:
    """Compute central differences one coordinate after the other."""
    gradient = np.empty(len(coordinates))
    for k, i in enumerate(coordinates):
        kept = x[i]
        x[i] = kept + h
        up = objective.value(x)
        x[i] = kept - h
        gradient[k] = (up - objective.value(x)) / (2 * h)
        x[i] = kept
    return gradient


def sweeps() -> list[dict[str, Any]]:
    """Compare the gradient of the network of the main job with the naive loop."""
    data = optikit.get("data", "mnist-sample").load().train[np.arange(0, 4000, 40)]
    dense = np.random.default_rng(5).normal(size=data.inputs.shape)
    cases = [
        *product(["he", "xavier", "normal 0.01", "normal 0.1"], ["relu"], ["digits"], [1e-4, 1e-2]),
        ("he", "relu", "dense", 1e-4),
        ("he", "tanh", "digits", 1e-4),
    ]
    rows = []
    for initializer, activation, kind, h in cases:
        name, _, std = initializer.partition(" ")
        fields = {"std": float(std)} if std else {}
        model = optikit.get(
            "model", "mlp", layers=[784, 50, 100, 10], activation=activation, initializer=name, **fields
        )
        inputs = data.inputs if kind == "digits" else dense
        objective = optikit.Problem.of(model, optikit.get("loss", "cross-entropy"), inputs, data.targets).at(0)
        rng = np.random.default_rng(0)
        x, coordinates = model.init(rng), rng.choice(45_360, SUBSET, replace=False)
        central = optikit.get("gradient", "central-difference", h=h)
        _, gradient = central.value_and_grad(objective, x, rng)
        worst = abs(gradient[coordinates] - naive(objective, x, h, coordinates)).max()
        faster = ratio(
            lambda o=objective, x=x, h=h, c=coordinates: naive(o, x, h, c),
            lambda e=central, o=objective, x=x, r=rng: e.value_and_grad(o, x, r),
            len(x) / SUBSET,
        )
        rows.append(
            {"initializer": initializer, "activation": activation, "inputs": kind, "h": h, "faster": faster,
             "largest difference": worst}
        )  # fmt: skip
    return rows


def overhead() -> list[dict[str, Any]]:
    """Compare central differences of a vectorised function of 1,000 numbers with the bare 2n + 1 evaluations."""
    rng = np.random.default_rng(0)
    matrix, x = rng.normal(size=(1000, 200)), rng.normal(size=1000)

    def fun(x: np.ndarray) -> float:
        return float(np.square(x @ matrix).sum())

    def bare() -> None:
        for _ in range(2001):
            fun(x)

    central = optikit.get("gradient", "central-difference")
    problem = optikit.Problem(fun)
    estimators: dict[str, Callable[[], Any]] = {
        "optikit, estimator alone": lambda: central.value_and_grad(problem.at(0), x, rng),
        "optikit, through the oracle": lambda: optikit.Oracle(problem, x, gradient=central).value_and_grad(x),
    }
    try:
        from scipy.optimize import approx_fprime

        estimators["scipy approx_fprime (forward, n + 1)"] = lambda: approx_fprime(x, fun)
    except ImportError:
        print("(scipy is not installed: left out)")
    return [{"estimator": name, "cost": 1 / ratio(bare, work, 1.0)} for name, work in estimators.items()]


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print("| " + " | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()) + " |")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="also write the tables to this JSON file")
    arguments = parser.parse_args()
    tables = {"sweeps": sweeps(), "overhead": overhead()}
    show("Times faster than the naive loop (784-50-100-10, batch of 100, float64)", tables["sweeps"])
    show("Cost in units of the bare 2n + 1 evaluations (n = 1000)", tables["overhead"])
    machine = {"processor": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine.items()))
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8") as stream:
            json.dump({"machine": machine, **tables}, stream, indent=1)


if __name__ == "__main__":
    main()
