"""Numerical gradients: faster than the naive loop on a network, cheap on a plain function, and how accurate.

Run by hand: ``python benchmarks/gradients.py [--out FILE.json]``.  Both sides of every ratio are timed in turns in this
one process, on one BLAS thread, preparation included; the naive loop on a random subset of the coordinates, scaled.
SciPy, numdifftools and optimagic stand beside where they are installed.
"""

import math
import statistics
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import harness
import numpy as np

import optikit

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from functions import SMOOTH

ROUNDS = 7
SUBSET = 400
POINTS = 5
COORDINATES = 10

Gradient = Callable[[Callable[[np.ndarray], float], np.ndarray], np.ndarray]


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


def sweeps() -> list[harness.Row]:
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
        faster = harness.times_as_fast(
            lambda e=central, o=objective, x=x, r=rng: e.value_and_grad(o, x, r),
            lambda o=objective, x=x, h=h, c=coordinates: naive(o, x, h, c),
            ROUNDS,
        )
        rows.append(
            {"initializer": initializer, "activation": activation, "inputs": kind, "h": h,
             "faster": faster * len(x) / SUBSET,
             "largest difference": worst}
        )  # fmt: skip
    return rows


@cache
def others() -> dict[str, Gradient]:
    """Give the gradients of the other libraries, as far as they are installed."""

    def scipy(optimize: Any) -> dict[str, Gradient]:
        # With no step to make, minimize returns the gradient at the start: the public way to its three points.
        still = {"method": "CG", "jac": "3-point", "options": {"maxiter": 0}}
        return {
            "scipy approx_fprime": lambda fun, x: optimize.approx_fprime(x, fun),
            "scipy minimize, 3-point": lambda fun, x: optimize.minimize(fun, x, **still).jac,
        }

    def numdifftools(library: Any) -> dict[str, Gradient]:
        return {"numdifftools Gradient": lambda fun, x: library.Gradient(fun)(x)}

    def optimagic(library: Any) -> dict[str, Gradient]:
        return {"optimagic first_derivative": lambda fun, x: library.first_derivative(fun, x).derivative}

    found: dict[str, Gradient] = {}
    for name, given in {"scipy.optimize": scipy, "numdifftools": numdifftools, "optimagic": optimagic}.items():
        library = harness.module(name)
        found |= {} if library is None else given(library)
    return found


def counted(gradient: Gradient, fun: Callable[[np.ndarray], float], x: np.ndarray) -> tuple[np.ndarray, int]:
    """Give a gradient, and how many evaluations it took."""
    evaluations = 0

    def counting(x: np.ndarray) -> float:
        nonlocal evaluations
        evaluations += 1
        return fun(x)

    return np.asarray(gradient(counting, x)), evaluations


def estimator(name: str) -> Gradient:
    """Give one of optikit's estimators, alone."""
    made = optikit.get("gradient", name)
    return lambda fun, x: made.value_and_grad(optikit.Problem(fun).at(0), x, np.random.default_rng(0))[1]


def overhead() -> list[harness.Row]:
    """Compare gradients of a vectorised function of 1,000 numbers with the bare 2n + 1 evaluations."""
    rng = np.random.default_rng(0)
    matrix, x = rng.normal(size=(1000, 200)), rng.normal(size=1000)

    def fun(x: np.ndarray) -> float:
        return float(np.square(x @ matrix).sum())

    def bare() -> None:
        for _ in range(2001):
            fun(x)

    central = optikit.get("gradient", "central-difference")
    gradients: dict[str, Gradient] = {
        "optikit central-difference": estimator("central-difference"),
        "the same through the oracle": lambda fun, x: optikit.Oracle(
            optikit.Problem(fun), x, gradient=central
        ).value_and_grad(x)[1],
        **others(),
    }

    def row(name: str) -> harness.Row:
        evaluations = counted(gradients[name], fun, x)[1]
        cost = harness.times_as_fast(bare, lambda: gradients[name](fun, x), ROUNDS)
        each = cost * 2001 / evaluations
        return {"gradient": name, "evaluations": evaluations, "cost": cost, "cost an evaluation": each}

    return rows_of(row, gradients)


def accuracy() -> list[harness.Row]:
    """Compare gradients of smooth functions with the known ones; errors are relative to the largest slope."""
    ours = ["richardson", "complex-step", "central-difference", "forward-difference", "noise-aware"]
    gradients = {**{f"optikit {name}": estimator(name) for name in ours}, **others()}
    points = np.random.default_rng(0).uniform(-1.9, 1.9, size=(POINTS, COORDINATES))

    def row(name: str) -> harness.Row:
        errors, evaluations = list[float](), list[int]()
        for fun, exact in SMOOTH.values():
            for x in points:
                gradient, number = counted(gradients[name], fun, x)
                error = abs(gradient - exact(x)).max() / abs(exact(x)).max()
                errors.append(math.log10(max(error, np.finfo(float).eps)))
                evaluations.append(number)
        return {
            "gradient": name, "median log10 error": statistics.median(errors), "worst log10 error": max(errors),
            "evaluations a coordinate": statistics.mean(evaluations) / COORDINATES,
        }  # fmt: skip

    return rows_of(row, gradients)


def rows_of(row: Callable[[str], harness.Row], names: Iterable[str]) -> list[harness.Row]:
    """Make the rows of a table; a library that fails loses its own row only."""
    rows: list[harness.Row] = []
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows.append(row(name))
        except Exception as error:
            print(f"({name} is left out: {type(error).__name__}: {error})")
    return rows


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "sweeps": ("Times faster than the naive loop (784-50-100-10, batch of 100, float64)", sweeps),
            "overhead": ("Cost in units of 2n + 1 bare evaluations (n = 1000)", overhead),
            "accuracy": (
                f"Accuracy on {len(SMOOTH)} smooth functions of {COORDINATES} numbers, at {POINTS} points",
                accuracy,
            ),
        },
    )
