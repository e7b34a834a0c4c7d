"""Worth: how far an optimizer gets, and what it takes."""

import gc
import tracemalloc
from functools import cache
from typing import Any

import numpy as np

from optikit import registry
from optikit.run import minimize
from optikit.testing.optimizers.trial import BOX, OptimizerSubject, minimized
from optikit.types import Array


def beats_random_search(subject: OptimizerSubject) -> None:
    """Be no worse than random search on 16 of 20 random quadratics, or fewer for a slow one."""
    number = max(5, min(20, 20 * subject.examples // 8))
    won = sum(minimized(subject, seed, 300, d=3)[0].fun <= _random(seed) for seed in range(number))
    assert won >= 0.8 * number, f"random search was better in {number - won} of {number}"


@cache
def _random(seed: int) -> float:
    """Give what random search finds in the box."""
    rival = OptimizerSubject(component=registry.default().make("optimizer", "random-search"))
    return minimized(rival, seed, 300, d=3)[0].fun


def arrives_on_quadratics(subject: OptimizerSubject) -> None:
    """Reach 1e-8 on random quadratics within 200 evaluations a parameter, as a local method for smooth functions."""
    for d in (5, 10):
        for seed in range(max(1, 20 * subject.examples // 8)):
            result, _ = minimized(subject, seed, 200 * d, d, bounds=None)
            assert result.fun <= 1e-8, f"{d} parameters, seed {seed}: it ends at {result.fun:.2g} ({result.message})"


FIRST, LAST, PARAMETERS = 50, 200, 8
"""Evaluations between which memory is measured, and parameters."""
KEPT = 4_000
"""Bytes that may be kept of an evaluation: enough for populations and models that keep every point in a dict."""


def keeps_little(subject: OptimizerSubject) -> None:
    """Keep no more than 4 kB of an evaluation of 8 parameters, so that long runs fit into memory."""
    # By Rosenbrock's function, as few arrive soon.
    seen = dict[int, int]()
    number = 0

    def fun(x: Array) -> float:
        nonlocal number
        number += 1
        subject.asked += 1
        if number in (FIRST, LAST):
            gc.collect()
            seen[number] = tracemalloc.get_traced_memory()[0]
        return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    def gradient(x: Array) -> Array:
        slope, bend = np.zeros_like(x), x[1:] - x[:-1] ** 2
        slope[1:] += 200 * bend
        slope[:-1] -= 400 * x[:-1] * bend + 2 * (1 - x[:-1])
        return slope

    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        x0 = np.tile([-1.2, 1.0], PARAMETERS // 2)
        usual: dict[str, Any] = {"gradient": gradient, "check_gradient": False, "history": "best", "rng": 0}
        bounds = BOX if subject.takes_bounds else None
        subject.note(objective="Rosenbrock's function", x0=x0, bounds=bounds, rng=0)
        before = -1
        while before < number < LAST:  # again, for who has arrived
            before = number
            minimize(fun, x0, optimizer=subject.component, bounds=bounds, max_evals=LAST - number, **usual)
    finally:
        if not tracing:
            tracemalloc.stop()
    said = f"it asks {number} times, run after run, and then nothing more: what it keeps cannot be measured"
    assert LAST in seen, said
    kept = (seen[LAST] - seen[FIRST]) / (LAST - FIRST)
    assert kept <= KEPT, f"it keeps {kept:,.0f} bytes of each evaluation, with {PARAMETERS} parameters"
