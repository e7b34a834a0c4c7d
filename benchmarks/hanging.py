"""What becomes of a function that hangs, or kills its process, once: in optikit and in other libraries.

python benchmarks/hanging.py [LIBRARY TROUBLE WORKERS]

makes one such run and says what became of it, or all of them, each in a process of its own that is ended when it hangs.
The table is a part of the page of `benchmarks/failures.py`.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

BUDGET, PATIENCE = 60, 15.0
"""Evaluations, and seconds until a run that has not come back hangs; it takes a few."""
START, BOUNDS = np.array([0.5, 0.5]), (-1.0, 2.0)
TROUBLES = ("hangs", "kills its process")


def bowl(x: Any) -> float:
    """Make trouble at one call in all processes together, not the first one."""
    trouble, folder = os.environ["TROUBLE"].split(":", 1)
    if not np.array_equal(x, START) and not os.path.exists(f"{folder}/made"):
        try:
            os.close(os.open(f"{folder}/made", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return float(((x - 0.3) ** 2).sum())
        if trouble == TROUBLES[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(1000)
    return float(((x - 0.3) ** 2).sum())


def optikit(workers: int) -> str:
    """Search by an evolution strategy, and by L-BFGS with central differences."""
    import optikit

    said: set[str] = set()
    for optimizer, gradient in (("adaptive-random-search", None), ("lbfgs", "central-difference")):
        Path(os.environ["TROUBLE"].split(":", 1)[1], "made").unlink(missing_ok=True)
        failures = optikit.Failures(error="penalise", timeout=1.0) if workers else "penalise"
        result = optikit.minimize(
            bowl, START, optimizer=optimizer, gradient=gradient, bounds=BOUNDS, max_evals=BUDGET, rng=0,
            workers=workers or None, on_error=failures,
        )  # fmt: skip
        failed = result.history.failures
        assert max(failed, default=0) < result.nfev - 1, "nothing was evaluated after it"
        said.add(f"goes on, {len(failed)} failed" if failed else "goes on")
    return " or ".join(sorted(said))


def scipy(workers: int) -> str:
    """Minimise by differential evolution."""
    from scipy.optimize import differential_evolution

    options: dict[str, Any] = {"workers": workers, "updating": "deferred"} if workers else {}
    differential_evolution(bowl, [BOUNDS] * 2, x0=START, popsize=5, maxiter=5, polish=False, rng=0, **options)
    return "goes on"


def optimagic(workers: int) -> str:
    """Minimise by its SciPy's differential evolution."""
    import optimagic as om

    low, high = (np.full(2, side) for side in BOUNDS)
    options: dict[str, Any] = {"stopping_maxiter": 5, "population_size_multiplier": 5, "seed": 0}
    options |= {"n_cores": workers, "batch_evaluator": "joblib"} if workers else {}
    om.minimize(bowl, START, "scipy_differential_evolution", algo_options=options, bounds=om.Bounds(low, high))
    return "goes on"


def pycma(workers: int) -> str:
    """Minimise, with its own pool of processes."""
    import cma

    options = {"maxfevals": BUDGET, "bounds": list(BOUNDS), "verbose": -9, "seed": 1}
    if workers:
        with cma.optimization_tools.EvalParallel2(bowl, workers) as together:
            cma.fmin2(None, START, 0.5, options, parallel_objective=together)
    else:
        cma.fmin2(bowl, START, 0.5, options)
    return "goes on"


def nevergrad(workers: int) -> str:
    """Minimise by differential evolution, on an executor of the standard library."""
    import nevergrad as ng

    parameters = ng.p.Array(init=START).set_bounds(*BOUNDS)
    optimizer = ng.optimizers.DE(parameters, budget=BUDGET, num_workers=max(1, workers))
    if workers:
        with ProcessPoolExecutor(workers) as executor:
            optimizer.minimize(bowl, executor=executor, batch_mode=False)
    else:
        optimizer.minimize(bowl)
    return "goes on"


LIBRARIES: dict[str, tuple[str, Callable[[int], str]]] = {
    "optikit": ("optikit", optikit),
    "SciPy differential evolution": ("scipy", scipy),
    "optimagic differential evolution": ("optimagic", optimagic),
    "pycma": ("cma", pycma),
    "nevergrad differential evolution": ("nevergrad", nevergrad),
}
"""Column, module, and what is run."""


def outcome(library: str, trouble: str, workers: int) -> str:
    """Make a run in a process of its own, and end that with all its children when it hangs."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, library, trouble, str(workers)]
        environment = {**os.environ, "TROUBLE": f"{trouble}:{folder}"}
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, env=environment, start_new_session=True, **streams) as process:
            try:
                said, _ = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return "hangs"
        if process.returncode < 0:
            return "dies with it"
        return said.splitlines()[-1] if process.returncode == 0 else "error"


def table() -> list[str]:
    """Make the table, line by line."""
    columns = [column for column, (module, _) in LIBRARIES.items() if find_spec(module) is not None]
    lines = [f"| function | workers | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for trouble in TROUBLES:
        for workers in (0, 2):
            cells = [outcome(column, trouble, workers) for column in columns]
            lines.append(f"| {trouble} | {workers or 'none'} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    if sys.argv[1:]:
        library, _, workers = sys.argv[1:]
        print(LIBRARIES[library][1](int(workers)))
    else:
        table()
