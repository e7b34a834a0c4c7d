"""What becomes of bad input: every optimizer of optikit, and those of other libraries, before the same judge.

python benchmarks/failures.py [--out docs/failures.md]

The rows and the judge are those of the tests (`tests/bad_inputs.py`).  A library that is not installed is left out.
"""

import argparse
import datetime
import io
import logging
import os
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import hanging
import numpy as np
from bad_inputs import BUDGET, ROWS, Row, outcome
from contenders import CONTENDERS, LISTED
from test_bad_inputs import found

INTRODUCTION = """# Bad input

What becomes of a function that misbehaves, or of a bad start or bad bounds: in optikit for every optimizer that was
installed, and beside it in other libraries, before the same judge. `python benchmarks/failures.py` writes this page,
and the tests hold that the column of optikit is what they find.

- *error*: an exception says so. That of optikit is one sentence, or the function's own exception, and has the best
  point until then as its attribute `result`.
- *flagged*: there is a result, and it tells that something was lost: no success, or a message with the number of
  evaluations.
- *correct*: the result is a value that was really seen at that point, and no worse than the start.
- *silent garbage*: a result that was never seen, that is not finite although it claims success, or that hides an
  exception.
- *no end*: more than twenty times the budget of {budget} evaluations, or more than 20 seconds, without coming back.
"""

CLOSING = """
An objective that writes into its argument harms nobody here, as each question is a copy. `-inf` is an error, as nothing
could beat it; `on_error=optikit.Failures(minus_inf="skip")` goes on past it. An array of one number is an error, too:
which number of an array was meant is better asked at the first evaluation than found out later. Difference quotients
with a value that is not finite are errors of the optimizers that ask for a gradient. Also under `on_error="skip"`: a
one-sided difference from the other neighbour would be of lower order in that coordinate alone, without anybody being
told, and there is none where both fail; bounds, or `on_error="penalise"`, are the user's to choose.

## A function that hangs

At one call, not the first, the function hangs for ever, or kills its process; a run that has not come back after
{patience:.0f} seconds hangs. Without workers nobody can end the call, in optikit as elsewhere: it is in the process of
whoever would have to end it. With `workers=2, on_error=optikit.Failures(error="penalise", timeout=1.0)` the worker is
ended, the evaluation counts as failed, and the run goes on; and one whose worker was killed is made again. The workers
of the others have no limit of time for a call. `python benchmarks/hanging.py` makes this table alone.

{hanging}
"""


def nelder_mead(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with SciPy's simplex."""
    from scipy.optimize import Bounds, minimize

    result = minimize(fun, x0, method="Nelder-Mead", bounds=Bounds(*bounds), options={"maxfev": BUDGET})
    return result.x, result.fun, bool(result.success)


def bfgs(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with SciPy's BFGS, which takes no bounds."""
    from scipy.optimize import minimize

    result = minimize(fun, x0, method="BFGS", options={"maxiter": BUDGET})
    return result.x, result.fun, bool(result.success)


def differential_evolution(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with SciPy's differential evolution: 10 points in 6 generations are the budget."""
    from scipy.optimize import Bounds, differential_evolution

    low, high = (np.full(2, side) if np.ndim(side) == 0 else np.asarray(side) for side in bounds)
    result = differential_evolution(fun, Bounds(low, high), x0=x0, popsize=5, maxiter=5, polish=False, rng=0)
    return result.x, result.fun, bool(result.success)


def optimagic(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with optimagic, by its Nelder-Mead of SciPy."""
    import optimagic as om

    low, high = (np.full(2, side) if np.ndim(side) == 0 else np.asarray(side) for side in bounds)
    options = {"stopping_maxfun": BUDGET}
    result = om.minimize(fun, x0, "scipy_neldermead", algo_options=options, bounds=om.Bounds(lower=low, upper=high))
    return result.params, result.fun, None if result.success is None else bool(result.success)


def pycma(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with pycma, which says nothing of success."""
    import cma

    options = {"maxfevals": BUDGET, "bounds": list(bounds), "verbose": -9, "seed": 1}
    result = cma.fmin2(fun, x0, 0.5, options)[1].result
    return result.xbest, result.fbest, None


def nevergrad(fun: Any, x0: Any, bounds: Any) -> tuple[Any, Any, bool | None]:
    """Minimise with nevergrad, which says nothing of success."""
    import nevergrad as ng

    parameters = ng.p.Array(init=x0).set_bounds(*bounds)
    parameters.random_state.seed(1)
    found = ng.optimizers.OnePlusOne(parameters, budget=BUDGET).minimize(fun)
    return found.value, found.loss, None


RIVALS = {
    "SciPy Nelder-Mead": ("scipy", nelder_mead),
    "SciPy BFGS": ("scipy", bfgs),
    "SciPy differential evolution": ("scipy", differential_evolution),
    "optimagic Nelder-Mead": ("optimagic", optimagic),
    "pycma": ("cma", pycma),
    "nevergrad (1+1)": ("nevergrad", nevergrad),
}
"""Column, module, and how it minimises."""


def rival(row: Row, solve: Any) -> str:
    """Put a row to another library, without what it prints."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), np.errstate(all="ignore"):
        return outcome(row, solve)[0]


def page() -> str:
    """Make the page."""
    logging.disable(logging.CRITICAL)
    rivals = {column: solve for column, (module, solve) in RIVALS.items() if find_spec(module) is not None}
    lines = [f"| input | optikit | {' | '.join(rivals)} |", "|---" * (len(rivals) + 2) + "|"]
    for name, row in ROWS.items():
        counts = Counter(found(row).values()).most_common()
        ours = ", ".join(what if len(counts) == 1 else f"{what} {number}" for what, number in counts)
        theirs = [
            "takes none" if solve is bfgs and "bounds" in name else rival(row, solve) for solve in rivals.values()
        ]
        lines.append(f"| {name} | {ours} | {' | '.join(theirs)} |")
        print(lines[-1], flush=True)
    packages = {module: version(module) for module, _ in RIVALS.values() if find_spec(module) is not None}
    known = ", ".join(f"{name} {number}" for name, number in {"numpy": version("numpy"), **packages}.items())
    closing = CLOSING.format(patience=hanging.PATIENCE, hanging="\n".join(hanging.table()))
    today = datetime.datetime.now(tz=datetime.UTC).date()
    of = "" if len(CONTENDERS) == len(LISTED) else f" of {len(LISTED)}"
    measured = f"Measured on {today} with {len(CONTENDERS)}{of} optimizers of optikit and {known}."
    return "\n".join([INTRODUCTION.format(budget=BUDGET), measured, "", *lines, closing])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "failures.md")
    out = parser.parse_args().out
    out.write_text(page(), encoding="utf-8")
