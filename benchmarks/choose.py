"""Which optimizer, of functions that nobody has seen?  Fixed choices and `auto` on BBOB, the 24 functions of COCO.

A run has a budget of so many evaluations for each parameter, finite differences included.  It is scored by the share
of 51 targets that it reaches, f_opt + 10^2 down to f_opt + 10^-8 in equal steps of the exponent; the score of an
optimizer is the mean over functions and instances.  Local ones begin again from random points until the budget is
spent, as BBOB scores the whole of it.  All begin in the middle of the box, and a seed is the same for all.

Two optimizers are compared by their differences on the same function and instance, and the mean of these has a 95 %
interval from the bootstrap over pairs of function and instance, of all dimensions at once: an interval that contains 0
says nothing.

Needs ``coco-experiment`` and ``six``, which that does not ask for, and what the contenders need; rows that a file has
already are not measured again:

    python benchmarks/choose.py --budget 200 --dims 2 5 10 --instances 1 2 3 --out choose.jsonl
"""

import harness  # isort: skip  # first, as it sets the number of BLAS threads

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import optikit

TARGETS = 10.0 ** np.linspace(2, -8, 51)
FUNCTIONS = range(1, 25)
SEED = 20261


class Spent(BaseException):
    """The budget is used up; no ``except Exception`` of a solver's may swallow that."""


class Counted:
    """A function of BBOB that counts, and remembers at which evaluation each target was reached."""

    def __init__(self, function: int, dim: int, instance: int, budget: int) -> None:
        self.function, self.n, self.instance, self.budget = function, dim, instance, budget
        self._suite = module("cocoex").Suite("bbob", f"instances:{instance}", f"dimensions:{dim}")
        self._fun = self._suite.get_problem_by_function_dimension_instance(function, dim, instance)
        self.low, self.high = self._fun.lower_bounds, self._fun.upper_bounds
        self._lowest = self._minimum()
        self.count, self.reached, self.left = 0, list[int](), list(TARGETS)

    def __call__(self, x: Any) -> float:
        """Count, and end the run where there is nothing left to do."""
        if self.count >= self.budget:
            raise Spent
        self.count += 1
        value = float(self._fun(x))
        while self.left and value - self._lowest <= self.left[0]:
            del self.left[0]
            self.reached.append(self.count)
        if not self.left:
            raise Spent  # nothing more to win
        return value

    def _minimum(self) -> float:
        """Ask COCO for the best point, which it tells by a file in the working directory only."""
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                self._fun._best_parameter("print")
                best = np.loadtxt("._bbob_problem_best_parameter.txt", ndmin=1)
            finally:
                os.chdir(here)
        return float(self._fun(best))


def module(name: str) -> Any:
    """Import a library that is needed."""
    return harness.importlib.import_module(name)


Contender = Callable[[Counted, np.random.Generator], None]


def again(name: str, fun: Counted, rng: np.random.Generator, gradient: str | None = None, **options: Any) -> None:
    """Run an optimizer of optikit, again and again from other points."""
    optimizer = optikit.get("optimizer", name, **options)
    x0 = (fun.low + fun.high) / 2
    while True:
        left, before = fun.budget - fun.count, fun.count
        seed, bounds = int(rng.integers(2**31)), (fun.low, fun.high)
        # One more than is left, so that it is the function that ends the last run.
        optikit.minimize(
            fun, x0, optimizer=optimizer, gradient=gradient, bounds=bounds, max_evals=left + 1, rng=seed, history="best"
        )
        if fun.count == before:
            raise RuntimeError(f"{name} asks nothing")
        x0 = rng.uniform(fun.low, fun.high)


def auto(fun: Counted, rng: np.random.Generator) -> None:
    """Run `auto`, which plans with the budget, once."""
    optimizer, x0, bounds = optikit.get("optimizer", "auto"), (fun.low + fun.high) / 2, (fun.low, fun.high)
    seed = int(rng.integers(2**31))
    optikit.minimize(fun, x0, optimizer=optimizer, bounds=bounds, max_evals=fun.budget, rng=seed, history="best")


def pycma(fun: Counted, rng: np.random.Generator, bipop: bool) -> None:
    """Run CMA-ES with restarts: growing populations, or those and small ones in turns."""
    cma, first = module("cma"), iter([(fun.low + fun.high) / 2])
    while True:
        seed = int(rng.integers(1, 2**31))
        options = {"verbose": -9, "seed": seed, "verb_log": 0, "verb_disp": 0, "maxfevals": np.inf}
        cma.fmin2(
            fun, lambda: next(first, rng.uniform(fun.low, fun.high)), 2.0, options=options, restarts=9, bipop=bipop
        )


CONTENDERS: dict[str, Contender] = {
    "auto": auto,
    "bfgs": partial(again, "bfgs"),
    "covariance-adaptation": partial(again, "covariance-adaptation"),
    "nelder-mead": partial(again, "nelder-mead"),
    "differential-evolution": partial(again, "differential-evolution"),
    "scipy-slsqp": partial(again, "scipy-slsqp", gradient="forward-difference", ftol=1e-12),
    "scipy-lbfgsb": partial(again, "scipy-lbfgsb", gradient="forward-difference", ftol=1e-14),
    "scipy-nelder-mead": partial(again, "scipy-nelder-mead", xatol=1e-9, fatol=1e-9),
    "scipy-powell": partial(again, "scipy-powell", xtol=1e-9, ftol=1e-12),
    "scipy-differential-evolution": partial(again, "scipy-differential-evolution", tol=1e-10),
    "nlopt-sbplx": partial(again, "nlopt-sbplx", xtol_rel=1e-9, ftol_rel=1e-13),
    "nlopt-crs2-lm": partial(again, "nlopt-crs2-lm", ftol_rel=1e-13),
    "nlopt-bobyqa": partial(again, "nlopt-bobyqa", xtol_rel=1e-9, ftol_rel=1e-13),
    "nlopt-praxis": partial(again, "nlopt-praxis", ftol_rel=1e-13),
    "cma-es, IPOP": partial(pycma, bipop=False),
    "cma-es, BIPOP": partial(pycma, bipop=True),
}


def measured(name: str, function: int, dim: int, instance: int, per: int) -> dict[str, Any]:
    """Make one run; a row says when it reached which targets, or what it failed of."""
    fun = Counted(function, dim, instance, per * dim)
    row = {"contender": name, "budget": per, "function": function, "dim": dim, "instance": instance}
    rng, began, failed = np.random.default_rng([SEED, function, dim, instance]), time.perf_counter(), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            CONTENDERS[name](fun, rng)
        except Spent:
            pass
        except Exception as error:
            if not isinstance(error.__cause__, Spent) and fun.count < fun.budget:
                failed = f"{type(error).__name__}: {error}"
    seconds = round(time.perf_counter() - began, 3)
    return {**row, "reached": fun.reached, "evaluations": fun.count, "seconds": seconds, "failed": failed}


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["contender"], row["budget"], row["function"], row["dim"], row["instance"]


def measure(wanted: Iterable[tuple[Any, ...]], path: Path) -> list[dict[str, Any]]:
    """Make the runs that the file does not have, and give all rows that are wanted."""
    known = {}
    if path.exists():
        known = {_key(row): row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    rows = list[dict[str, Any]]()
    with path.open("a", encoding="utf-8") as stream:
        for name, per, function, dim, instance in wanted:
            row = known.get((name, per, function, dim, instance))
            if row is None:
                row = measured(name, function, dim, instance, per)
                stream.write(json.dumps(row) + "\n")
                stream.flush()
            rows.append(row)
    return rows


def scores(rows: list[dict[str, Any]]) -> dict[str, dict[tuple[int, int, int], float]]:
    """Give for each contender the share of targets reached, by dimension, function and instance."""
    table = dict[str, dict[tuple[int, int, int], float]]()
    for row in rows:
        place = row["dim"], row["function"], row["instance"]
        table.setdefault(row["contender"], {})[place] = len(row["reached"]) / len(TARGETS)
    return table


def interval(one: dict[Any, float], other: dict[Any, float]) -> tuple[float, float, float]:
    """Give the mean of one minus the other, and its 95 % interval by the bootstrap over (function, instance)."""
    pairs = dict[Any, list[float]]()
    for place in one.keys() & other.keys():
        pairs.setdefault(place[1:], []).append(one[place] - other[place])
    means = np.array([np.mean(each) for _, each in sorted(pairs.items())])
    drawn = np.random.default_rng(0).choice(means, (10_000, len(means))).mean(1)
    return float(means.mean()), *map(float, np.quantile(drawn, [0.025, 0.975]))


def report(rows: list[dict[str, Any]], dims: list[int], per: int) -> None:
    """Print the shares by dimension, best first, and how `auto` differs from each."""
    table, lines = scores(rows), list[dict[str, Any]]()

    def share(of: dict[Any, float], dim: int) -> float:
        return float(np.mean([value for place, value in of.items() if place[0] == dim]))

    fixed = [of for name, of in table.items() if name != "auto"]
    if len(fixed) > 1:
        table["best of the fixed for each"] = {
            place: max(of[place] for of in fixed if place in of) for place in fixed[0]
        }
    for name, of in table.items():
        shares = {f"D {dim}": share(of, dim) for dim in dims}
        line = {"optimizer": name, **shares, "mean": float(np.mean(list(shares.values())))}
        if "auto" in table:
            difference, low, high = interval(table["auto"], of)
            line["auto minus it"] = "" if name == "auto" else f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"
        lines.append(line)
    lines.sort(key=lambda line: -line["mean"])
    harness.show(f"{per} evaluations for each parameter", lines)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, nargs="+", default=[200], help="evaluations for each parameter")
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 5, 10])
    parser.add_argument("--instances", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--functions", type=int, nargs="+", default=list(FUNCTIONS))
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--out", type=Path, default=Path("choose.jsonl"), help="rows, one a line; goes on where it is")
    a = parser.parse_args()
    for per in a.budget:
        wanted = [(name, per, f, dim, i) for name in a.only for dim in a.dims for f in a.functions for i in a.instances]
        report(measure(wanted, a.out), a.dims, per)


if __name__ == "__main__":
    main()
