"""Workers: how much of their time they compute, and how many evaluations a second can be handed out.

Run by hand: ``python benchmarks/workers.py [--out FILE.json]``; ``pip install 'optikit[dask]'`` for Dask's table.  An
evaluation sleeps, so more workers than cores are no trouble.

The model on paper: with w workers and evaluations of t seconds the main process spends h seconds on each, to hand out
the question and take the answer, one after the other.  So a batch of k takes the longer of ``ceil(k / w) (t + h)``,
when workers are scarce, and ``k h + t``, when the main process is.  The efficiency is ``k t`` over w times that.
"""

import math
import statistics
import time
from functools import partial
from itertools import chain
from typing import Any

import harness
import numpy as np

import optikit
from optikit import Failures, Problem
from optikit.workers import hired

WORKERS = (1, 2, 4, 8)
SECONDS = (0.001, 0.01, 0.1)
ROUNDS = 3


def sleep(seconds: float, x: Any) -> float:
    """Take so long."""
    if seconds:
        time.sleep(seconds)
    return float(x[0])


def elapsed(source: Any, k: int) -> float:
    """Time a batch of k."""
    points = np.arange(float(k))[:, None]
    begun = time.perf_counter()
    answers = list(chain.from_iterable(source.values(points)))
    spent = time.perf_counter() - begun
    assert answers == list(range(k))
    return spent


def measured(workers: Any, seconds: float, k: int) -> float:
    """Give the median time of a batch, without that of starting the workers."""
    with hired(workers, Problem(partial(sleep, seconds)), Failures()) as source:
        elapsed(source, 2 * k)
        return statistics.median(elapsed(source, k) for _ in range(ROUNDS))


def rates() -> list[harness.Row]:
    """Hand out evaluations that take no time."""
    rows: list[harness.Row] = []
    for workers in WORKERS:
        k = 2000
        rows.append({"workers": f"{workers} processes", "evaluations a second": k / measured(workers, 0.0, k)})
    distributed = harness.module("distributed")
    for workers in WORKERS if distributed else ():
        k = 200
        with (
            distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as here,
            distributed.Client(here) as client,
        ):
            rate = k / measured(client, 0.0, k)
        rows.append({"workers": f"Dask, {workers}", "evaluations a second": rate})
    return rows


def efficiencies() -> list[harness.Row]:
    """Sleep in the workers."""
    k = 4000
    overhead = measured(1, 0.0, k) / k
    rows: list[harness.Row] = []
    for seconds in SECONDS:
        # What a sleep really takes is the base, as no worker can sleep less.
        k = max(80, 80 * round(math.sqrt(0.1 / seconds)))
        begun = time.perf_counter()
        for _ in range(20):
            time.sleep(seconds)
        each = (time.perf_counter() - begun) / 20
        for workers in WORKERS:
            took = measured(workers, seconds, k)
            modelled = max(math.ceil(k / workers) * (each + overhead), k * overhead + each)
            rows.append(
                {
                    "ms an evaluation": 1000 * seconds,
                    "workers": workers,
                    "times as fast as one at a time": k * each / took,
                    "efficiency": k * each / (workers * took),
                    "on paper": k * each / (workers * modelled),
                }
            )
    return rows


def valleys(x: Any) -> float:
    """Take 10 ms for a bowl with dents."""
    time.sleep(0.01)
    return float(((x - 0.3) ** 2).sum() + np.sin(5 * x).sum())


def slope(x: Any) -> Any:
    """Take nothing for its gradient."""
    return 2 * (x - 0.3) + 5 * np.cos(5 * x)


def side_by_side() -> list[harness.Row]:
    """Minimise from eight starts with four workers, and so many starts side by side."""
    workers, rows = 4, list[harness.Row]()
    for inner, gradient in (
        ("lbfgs", slope),
        ("lbfgs", "central-difference"),
        ("adam", slope),
        ("scipy-lbfgsb", slope),
        ("scipy-nelder-mead", None),
    ):
        for together in (1, 4, 8):
            search = optikit.get("optimizer", "multistart", optimizer=inner, starts=8, together=together)
            options = {"bounds": (-2, 2), "gradient": gradient, "check_gradient": False, "rng": 3, "max_evals": 400}
            begun = time.perf_counter()
            result = optikit.minimize(valleys, np.linspace(-1, 1, 4), optimizer=search, workers=workers, **options)
            took = time.perf_counter() - begun
            rows.append(
                {
                    "optimizer": inner,
                    "gradient": gradient if isinstance(gradient, str) else "exact" if gradient else "none",
                    "together": together,
                    "evaluations": result.nfev,
                    "times as fast as one at a time": result.nfev * 0.01 / took,
                    "efficiency": result.nfev * 0.01 / (workers * took),
                }
            )
    return rows


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "efficiency": ("Efficiency of workers", efficiencies),
            "starts": ("Starts side by side", side_by_side),
            "rate": ("Evaluations handed out a second", rates),
        },
    )
