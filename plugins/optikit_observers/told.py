"""What observers tell of a run: the numbers of a `Progress`, the axis they are drawn on, and how much is done."""

from typing import Any, Literal

from optikit import Progress, Run, Solver

NUMBERS = ("step", "nfev", "njev", "fun", "best", "seconds", "accuracy", "held_out_loss")
"""The numbers of a `Progress`, in the order in which they are written; the last two of trainings only."""


def numbers(progress: Progress) -> dict[str, Any]:
    """Give the numbers that are known."""
    told = {name: getattr(progress, name) for name in NUMBERS}
    return {name: number for name, number in told.items() if number is not None}


def axis(run: Run) -> Literal["step", "nfev"]:
    """Say what numbers are drawn over: steps, but for a solver that makes only one."""
    return "nfev" if isinstance(run.optimizer, Solver) else "step"


def steps(run: Run) -> int | None:
    """Say how many steps there are at most, if that is known; the one step of a solver is none to count."""
    limits = [] if isinstance(run.optimizer, Solver) else [run.planned, run.budget.max_steps]
    return min((limit for limit in limits if limit is not None), default=None)


def done(run: Run, progress: Progress) -> float | None:
    """Say how much of the budget is used up, from 0 to 1; None if nothing is limited."""
    budget = run.budget
    counts = (progress.step, steps(run)), (progress.nfev, budget.max_evals), (progress.njev, budget.max_grads)
    used = *counts, (progress.seconds, budget.max_seconds)
    shares = [number / limit for number, limit in used if limit]
    return min(1.0, max(shares)) if shares else None


def sentence(run: Run, progress: Progress) -> str:
    """Say how far a run is, on one line."""
    total, limit = steps(run), run.budget.max_evals
    if total is None and (limit is not None or isinstance(run.optimizer, Solver)):
        where = f"evaluation {progress.nfev:,}" + ("" if limit is None else f"/{limit:,}")
    else:
        where = f"step {progress.step}" + ("" if total is None else f"/{total}")
    if progress.accuracy is not None:
        return f"{where}, loss {progress.fun:.4g}, held-out accuracy {progress.accuracy:.4f}"
    held_out = "" if progress.held_out_loss is None else f", held-out loss {progress.held_out_loss:.4g}"
    return f"{where}, loss {progress.fun:.4g}{held_out}"
