"""How many of the 53 problems of Moré and Wild are solved with few evaluations, from values alone.

A problem is solved where the value has come down from the start by all but a 1e-5th of the way to the lowest that is
known (Moré and Wild 2009, "Benchmarking derivative-free optimization algorithms", SIAM Journal on Optimization 20).
Gradients are forward differences, which count.  SciPy's SLSQP stands there twice: as optikit's optimizer, which asks
for a gradient at each point of a line search, and as SciPy runs it with its own differences, which asks for fewer.

    python benchmarks/least_squares.py --out least_squares.json
"""

import harness  # isort: skip  # first, as it sets the number of BLAS threads

import warnings
from typing import Any

import numpy as np

import optikit

TAU = 1e-5
BUDGETS = 25, 100
NAMES = [
    *("auto", "lbfgs", "bfgs", "scipy-slsqp", "scipy-lbfgsb", "nlopt-praxis", "nlopt-bobyqa", "nlopt-sbplx"),
    *("scipy-cobyqa", "scipy-nelder-mead", "nelder-mead", "cma-es", "covariance-adaptation"),
]
DIRECT = "SciPy's SLSQP by itself"


class Spent(BaseException):
    """The budget is used up."""


def solved(name: str, number: int, per: int) -> bool:
    """Say whether one optimizer solves one problem with so many evaluations for each parameter and one more."""
    problem = optikit.get("problem", "more-wild", number=number)
    x0, fun = problem.start(np.random.default_rng(0)), problem.pose().whole.value
    values, budget = [fun(x0)], per * (len(x0) + 1)

    def counted(x: Any) -> float:
        if len(values) > budget:
            raise Spent
        values.append(fun(x))
        return values[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of points where a residual is not defined
        try:
            if name == DIRECT:
                harness.module("scipy.optimize").minimize(
                    counted, x0, method="SLSQP", options={"ftol": 1e-12, "maxiter": 10**6}
                )
            else:
                settings = {"optimizer": name, "gradient": "forward-difference", "max_evals": budget, "rng": 0}
                optikit.minimize(counted, x0, on_error="skip", **settings)
        except Spent:
            pass
    return min(value for value in values if value == value) <= problem.minimum + TAU * (values[0] - problem.minimum)


def shares() -> list[harness.Row]:
    """Measure all, best first."""
    rows = [
        {"optimizer": name}
        | {f"{per} (n + 1)": float(np.mean([solved(name, number, per) for number in range(1, 54)])) for per in BUDGETS}
        for name in [*NAMES, DIRECT]
    ]
    return sorted(rows, key=lambda row: -row[f"{BUDGETS[0]} (n + 1)"])


if __name__ == "__main__":
    harness.main(__doc__, {"solved": ("Share of the 53 problems that is solved", shares)})
