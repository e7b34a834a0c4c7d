"""Evaluations: how many a method with gradients needs to come down, beside SciPy's L-BFGS-B.

Run by hand: ``python benchmarks/evaluations.py [--out FILE.json]``.  Nothing is timed: the counts are the same on every
machine up to rounding.  The functions are from More, Garbow and Hillstrom (1981), "Testing unconstrained optimization
software", ACM Transactions on Mathematical Software 7, and random quadratics and logistic regressions; each with and
without a box that cuts off a part.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import harness
import numpy as np

import optikit

METHODS = ("lbfgs", "conjugate-gradients", "barzilai-borwein", "scipy-bfgs", "scipy-cg", "scipy-slsqp", "scipy-tnc")
BASE = "scipy-lbfgsb"
NEVER = {"scipy-lbfgsb": {"ftol": 0.0, "gtol": 0.0}, "scipy-slsqp": {"ftol": 1e-15}, "scipy-tnc": {"gtol": 0.0}}
"""Options that keep a method going until nothing is left to gain; it is `gtol` alone for the others."""
MOST = 2000
NEARNESS = (1e-3, 1e-6, 1e-9)
"""Parts of the way down that may be left: from the start to the lowest value that any of the methods found."""

Problem = tuple[Callable[[Any], Any], np.ndarray, Any]


def rosenbrock(x: Any) -> Any:
    """Bend a valley."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def beale(x: Any) -> Any:
    """Be flat far from the minimum."""
    return sum((c - x[0] * (1 - x[1] ** k)) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625)))


def wood(x: Any) -> Any:
    """Couple two valleys."""
    a, b, c, d = x
    valleys = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    return valleys + 10 * (b + d - 2) ** 2 + 0.1 * (b - d) ** 2


def powell(x: Any) -> Any:
    """Have a singular Hessian at the minimum."""
    a, b, c, d = x.reshape(-1, 4).T
    return np.sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4)


def brown_dennis(x: Any) -> Any:
    """Have values of very different size."""
    t = np.arange(1, 21) / 5
    return np.sum(((x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2) ** 2)


def trigonometric(x: Any) -> Any:
    """Be dense."""
    n, cosines = len(x), np.cos(x)
    return np.sum((n - np.sum(cosines) + np.arange(1, n + 1) * (1 - cosines) - np.sin(x)) ** 2)


def variably_dimensioned(x: Any) -> Any:
    """Have one steep direction."""
    along = np.sum(np.arange(1, len(x) + 1) * (x - 1))
    return np.sum((x - 1) ** 2) + along**2 + along**4


def broyden(x: Any) -> Any:
    """Be tridiagonal."""
    left, right = np.concatenate([[0], x[:-1]]), np.concatenate([x[1:], [0]])
    return np.sum(((3 - 2 * x) * x - left - 2 * right + 1) ** 2)


def penalty(x: Any) -> Any:
    """Be a penalty function."""
    return 1e-5 * np.sum((x - 1) ** 2) + (np.sum(x * x) - 0.25) ** 2


def biggs(x: Any) -> Any:
    """Fit exponentials."""
    t = np.arange(1, 14) / 10
    wanted = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return np.sum((x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - wanted) ** 2)


def quadratic(hessian: np.ndarray, lowest: np.ndarray, x: Any) -> Any:
    """Be a bowl."""
    return (x - lowest) @ hessian @ (x - lowest) / 2


def logistic(rows: np.ndarray, x: Any) -> Any:
    """Separate two kinds of rows."""
    return np.sum(np.log(1 + np.exp(-(rows @ x)))) + 0.01 * x @ x


def problems() -> dict[str, Problem]:
    """Give functions, starts and boxes by name."""
    valley = np.tile([-1.2, 1.0], 25)
    found: dict[str, Problem] = {f"rosenbrock {n}": (rosenbrock, valley[:n], (-1.5, 0.8)) for n in (2, 10, 50)}
    found |= {
        "beale": (beale, np.ones(2), (0.5, 2.5)),
        "wood": (wood, np.array([-3.0, -1, -3, -1]), (-3.5, 0.5)),
        "powell": (powell, np.tile([3.0, -1, 0, 1], 5), (0.1, 3)),
        "brown-dennis": (brown_dennis, np.array([25.0, 5, -5, -1]), (-10, 25)),
        "trigonometric": (trigonometric, np.full(10, 0.1), (0.01, 1)),
        "variably dimensioned": (variably_dimensioned, 1 - np.arange(1, 11) / 10, (0, 0.9)),
        "broyden": (broyden, np.full(30, -1.0), (-1, -0.4)),
        "penalty": (penalty, np.arange(1.0, 11), (0.1, 10)),
        "biggs": (biggs, np.array([1.0, 2, 1, 1, 1, 1]), (0.5, 3)),
    }
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for n in (5, 20, 100):
            turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
            hessian = (turn * 1e3 ** rng.uniform(-1, 0, n)) @ turn.T
            fun = partial(quadratic, hessian, rng.uniform(-1, 1, n))
            found[f"quadratic {n}, {seed}"] = fun, rng.uniform(-0.5, 0.5, n), (-0.5, 0.5)
        rows = rng.normal(size=(200, 20))
        rows *= np.sign(rows @ rng.normal(size=20) + rng.normal(size=200))[:, None]
        found[f"logistic {seed}"] = partial(logistic, rows), np.zeros(20), (-0.3, 0.3)
    return found


def slope(fun: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Differentiate by complex steps, exact to rounding."""
    return np.array([fun(x + 1e-30j * unit).imag / 1e-30 for unit in np.eye(len(x))])


def run(method: str, problem: Problem, boxed: bool) -> np.ndarray:
    """Give the lowest value up to each evaluation."""
    fun, x0, box = problem
    known = optikit.components("optimizer")[method].model_fields
    fields = NEVER.get(method, {"gtol": 0.0} if "gtol" in known else {})
    result = optikit.minimize(
        lambda x: float(fun(x)), np.clip(x0, *box) if boxed else x0,
        optimizer=optikit.get("optimizer", method, **fields), gradient=partial(slope, fun),
        bounds=box if boxed else None, check_gradient=False, max_evals=MOST,
    )  # fmt: skip
    return result.history.best


def needed(best: np.ndarray, target: float) -> float:
    """Give the number of the first evaluation at or below a value; infinite if there is none."""
    return int(np.argmax(best <= target)) + 1 if best[-1] <= target else math.inf


def compared(boxed: bool) -> list[harness.Row]:
    """Compare all methods that take such problems."""
    curves: dict[str, list[np.ndarray]] = {}
    for method in (BASE, *METHODS):
        try:
            curves[method] = [run(method, problem, boxed) for problem in problems().values()]
        except optikit.InputError:  # it takes no bounds
            continue
    rows = list[harness.Row]()
    for method in curves:
        row: harness.Row = {"optimizer": method}
        for part in NEARNESS:
            counts = list[tuple[float, float]]()
            for i in range(len(problems())):
                lowest = min(best[i][-1] for best in curves.values())
                target = lowest + part * (curves[BASE][i][0] - lowest)
                counts.append((needed(curves[method][i], target), needed(curves[BASE][i], target)))
            both = [math.log(one / other) for one, other in counts if max(one, other) < math.inf]
            row[f"evaluations to {part:g}"] = math.exp(sum(both) / len(both))
            row[f"reached {part:g}"] = f"{sum(one < math.inf for one, _ in counts)} of {len(counts)}"
        rows.append(row)
    return rows


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "free": (
                f"Without bounds: geometric mean of the evaluations over those of {BASE}",
                partial(compared, False),
            ),
            "boxed": (f"In a box: geometric mean of the evaluations over those of {BASE}", partial(compared, True)),
        },
    )
