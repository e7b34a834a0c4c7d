"""The tables of a comparison, for a terminal; plain text where nobody looks at one."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optikit.comparison.hits import Numbers
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


def shares(comparison: Comparison) -> "Table":
    """Show the share of the targets that were reached within some budgets: the runtime distribution."""
    longest = max((comparison.terms.allowance(case.n) / case.n for case in comparison.problems), default=1.0)
    budgets = _up_to(longest)
    found = comparison.ecdf(budgets)
    return _by_optimizer(comparison, "targets reached within\nevaluations / n", [_told(one) for one in budgets], found)


def data(comparison: Comparison) -> "Table":
    """Show data profiles: the share of trials that were solved to some accuracies, within some budgets."""
    longest = max((comparison.terms.allowance(case.n) / (case.n + 1) for case in comparison.problems), default=1.0)
    kappas = _up_to(longest)
    found = np.hstack([comparison.data_profile(tau, kappas) for tau in TAUS])
    heads = [f"{tau:.0e}\n{_told(kappa)}" for tau in TAUS for kappa in kappas]
    return _by_optimizer(comparison, "solved to tau within\nevaluations / (n + 1)", heads, found)


def performance(comparison: Comparison) -> "Table":
    """Show performance profiles: how often one is the fastest, or at most so many times as slow."""
    alphas = np.array([1.0, 2.0, 10.0])
    found = np.hstack([comparison.performance_profile(tau, alphas) for tau in TAUS])
    heads = [f"{tau:.0e}\n{alpha:.0f}" for tau in TAUS for alpha in alphas]
    return _by_optimizer(comparison, "solved to tau at most\nso many times slower\nthan the fastest", heads, found)


def all_tables(comparison: Comparison) -> "list[Table]":
    """Give all tables, in the order in which one reads them."""
    return [make(comparison) for make in (summary, gaps, shares, data, performance)]


def _up_to(longest: float) -> Numbers:
    """Give powers of ten below the budget, and infinity for its end."""
    return np.array([*(10.0**power for power in range(1, 7) if 10**power < longest), math.inf])


def _told(budget: float) -> str:
    return f"{budget:,.0f}" if math.isfinite(budget) else "end"


def _by_optimizer(comparison: Comparison, what: str, heads: Sequence[str], found: Numbers) -> "Table":
    grid = _grid(what, *heads)
    for name, row in zip(comparison.optimizers, found, strict=True):
        grid.add_row(name, *(f"{share:.2f}" for share in row))
    return grid


def text(comparison: Comparison) -> str:
    """Give all of it as text."""
    from rich.console import Console

    console = Console(width=1000, no_color=True, highlight=False)
    with console.capture() as capture:
        for table in all_tables(comparison):
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
