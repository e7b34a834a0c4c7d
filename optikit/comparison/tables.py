"""The tables of a comparison, for a terminal; plain text where nobody looks at one."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from optikit.comparison.notes import notes, verdicts
from optikit.comparison.outcome import Comparison

if TYPE_CHECKING:
    from rich.table import Table

TAUS = (1e-1, 1e-3, 1e-5)
"""Accuracies that profiles are shown for, as Moré and Wild do."""


def summary(comparison: Comparison) -> "Table":
    """Rank the optimizers, with what they cost."""
    ranking, trials = comparison.ranking(), comparison.trials
    grid = _grid("optimizer", "targets", "95% interval", "evaluations", "gradients", "seconds", "own seconds", "failed")
    for which in ranking.order:
        name = comparison.optimizers[which]
        mine = [trial for trial in trials if trial.optimizer == name]
        low, high = ranking.intervals[which]
        many = max(len(mine), 1)
        grid.add_row(
            name,
            f"{ranking.scores[which]:.3f}" if mine else "",
            f"{low:.3f} to {high:.3f}" if math.isfinite(low) and ranking.conclusive else "",
            f"{sum(trial.nfev for trial in mine) / many:,.0f}",
            f"{sum(trial.njev for trial in mine) / many:,.0f}",
            f"{sum(trial.seconds for trial in mine) / many:.3g}",
            f"{sum(trial.seconds - trial.seconds_fun for trial in mine) / many:.3g}",
            f"{sum(trial.failed for trial in mine)}" if any(trial.failed for trial in mine) else "",
        )
    return grid


def gaps(comparison: Comparison) -> "Table":
    """Show how far above the minimum each optimizer ended on each problem: the median over the seeds."""
    grid = _grid("gap, median", *comparison.optimizers)
    for case in comparison.problems:
        lowest = comparison.lowest(case.label)
        cells = list[str]()
        for name in comparison.optimizers:
            made = (comparison.trial(case.label, name, seed) for seed in comparison.seeds)
            ends = [trial.best for trial in made if trial is not None]
            # The lower of the two in the middle, so that it is the gap of a trial.
            middle = float(np.quantile(ends, 0.5, method="inverted_cdf")) if ends else math.nan
            cells.append(f"{middle - lowest:.2g}" if math.isfinite(middle) else "" if math.isnan(middle) else "none")
        grid.add_row(f"{case.label} ({case.n})", *cells)
    return grid


def profiles(comparison: Comparison) -> "Table":
    """Show data profiles: the share of trials that were solved, within some budgets, to some accuracies."""
    longest = max((comparison.terms.allowance(case.n) / (case.n + 1) for case in comparison.problems), default=1.0)
    budgets = [*(kappa for kappa in (10.0, 100.0, 1000.0) if kappa < longest), math.inf]
    columns = [(tau, kappa) for tau in TAUS for kappa in budgets]
    heads = (f"{tau:.0e} {f'{kappa:.0f}' if math.isfinite(kappa) else 'end'}" for tau, kappa in columns)
    grid = _grid("solved, tau and budget/(n+1)", *heads)
    found = {tau: comparison.data_profile(tau, np.array([min(kappa, 1e300) for kappa in budgets])) for tau in TAUS}
    for which, name in enumerate(comparison.optimizers):
        grid.add_row(name, *(f"{found[tau][which, budgets.index(kappa)]:.2f}" for tau, kappa in columns))
    return grid


def text(comparison: Comparison) -> str:
    """Give all of it as text."""
    from rich.console import Console

    console = Console(width=1000, no_color=True, highlight=False)
    with console.capture() as capture:
        for table in (summary(comparison), gaps(comparison), profiles(comparison)):
            console.print(table)
            console.print()
    lines = (line.rstrip() for line in capture.get().splitlines())
    return "\n".join([*lines, *remarks(comparison)]).strip()


def remarks(comparison: Comparison) -> list[str]:
    """Give what is said under the tables: what the evidence separates, and what one has to know besides."""
    return [*verdicts(comparison, comparison.ranking()), *notes(comparison)]


def _grid(*heads: str) -> "Table":
    from rich import box
    from rich.table import Table

    grid: Any = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for number, head in enumerate(heads):
        grid.add_column(head, justify="right" if number else "left", no_wrap=True)
    return grid
