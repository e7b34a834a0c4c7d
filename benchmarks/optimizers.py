"""Optimizers: what a step costs beyond the objective, and what an update costs beside PyTorch's.

Run by hand: ``python benchmarks/optimizers.py [--out FILE.json]``.  Both sides of every ratio are timed in turns in
this one process, on one BLAS thread, preparation included; medians.  PyTorch stands beside where it is installed.
"""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import harness
import numpy as np

import optikit

ROUNDS = 9
N = 10
STEPS = 3000
SIZES = (1_000, 100_000, 10_000_000)


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


def overhead() -> list[harness.Row]:
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
        taken = harness.in_turns([partial(harness.seconds, work) for work in (ours, bare)], ROUNDS)
        extra = [a - b for a, b in zip(*taken, strict=True)]
        table.append({"optimizer": name, "microseconds over a bare loop": 1e6 * statistics.median(extra) / STEPS})
    return table


def valley(x: np.ndarray) -> float:
    """Take many steps."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def valley_slope(x: np.ndarray) -> np.ndarray:
    """Give the gradient of the valley."""
    gradient, bend = np.zeros_like(x), x[1:] - x[:-1] ** 2
    gradient[1:] += 200 * bend
    gradient[:-1] -= 400 * x[:-1] * bend + 2 * (1 - x[:-1])
    return gradient


def drivers() -> list[harness.Row]:
    """Compare what our driver and SciPy's add to each evaluation of the same function, for the rules both have."""
    optimize = harness.module("scipy.optimize")
    if optimize is None:
        return []
    x0, runs = np.tile([-1.2, 1.0], N // 2), 10

    def bare() -> None:
        for _ in range(1000):
            valley(x0), valley_slope(x0)

    table = []
    for name, method in (("conjugate-gradients", "CG"), ("lbfgs", "L-BFGS-B")):
        ours = partial(optikit.minimize, valley, x0, optimizer=name, gradient=valley_slope, check_gradient=False)
        theirs = partial(optimize.minimize, valley, x0, jac=valley_slope, method=method)
        counts = [ours().nfev, theirs().nfev]
        works = [partial(repeated, work, runs) for work in (ours, theirs)]
        taken = harness.in_turns([partial(harness.seconds, work) for work in (*works, bare)], ROUNDS)
        extra = [[t / runs / nfev - b / 1000 for t, b in zip(side, taken[2], strict=True)]
                 for side, nfev in zip(taken[:2], counts, strict=True)]  # fmt: skip
        table.append({"rule": name, "overhead an evaluation, over SciPy's": harness.ratio(*extra)})
    return table


def repeated(work: Callable[[], Any], times: int) -> None:
    """Do it again and again."""
    for _ in range(times):
        work()


class Given:
    """An oracle that answers with a ready gradient: what is left is the update."""

    bounded = False

    def __init__(self, gradient: np.ndarray) -> None:
        self.gradient = gradient

    def value_and_grad(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Answer."""
        return 1.0, self.gradient


def updates() -> list[harness.Row]:
    """Compare updates alone with PyTorch's fused ones."""
    torch = harness.module("torch")
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

            ratio = harness.times_as_fast(step, other, ROUNDS)
            table.append({"update": name, "n": n, "times as fast as torch.optim": ratio})
    return table


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "overhead": (f"Overhead of a step, or of a point in a batch ({N} parameters)", overhead),
            "drivers": ("Overhead an evaluation beside SciPy's own drivers", drivers),
            "updates": ("Updates alone, one thread, float64", updates),
        },
    )
