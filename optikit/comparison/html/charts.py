"""What the figures show, in plain numbers: curves of all optimizers, on one sheet for each choice that a reader has.

A figure is some hundred pixels wide and high, so a curve is kept at some hundred places, with three decimals.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optikit.comparison.hits import Numbers
from optikit.comparison.outcome import Comparison
from optikit.comparison.performance_profile import ratios
from optikit.comparison.tables import TAUS

_PLACES = 150
"""Places at which distributions and profiles are kept."""
_CURVES = 72
"""The same for convergence curves, of which there are many more."""
_DECIMALS = 3
"""Of a share, or of the logarithm of a value: the height of a pixel is about two thousandths of a share."""
_MOST_RATIO = 1e4
_MOST_GROUPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The curves that are shown together."""

    label: str
    x: Numbers
    """Where they are known, (k,); or each for itself, (optimizers, k)."""
    bands: Numbers
    """Their values, (optimizers, 1, k); with a band (optimizers, 3, k): the curve, the lower end, the upper end."""
    top: tuple[float, float] | None = None
    """The range of the values that is shown; that of the curves, if not given."""

    def packed(self, log: bool) -> dict[str, Any]:
        """Give it as plain data for the page's script."""
        values = np.log10(np.where(self.bands > 0, self.bands, np.nan)) if log else self.bands
        known = values[np.isfinite(values)]
        y = self.top or ((float(known.min()), float(known.max())) if known.size else (0.0, 1.0))
        places = [[_rounded(place, 5) for place in row] for row in np.atleast_2d(self.x)]
        curves = [[[_decimal(value) for value in band] for band in bands] for bands in values]
        return {"x": places, "curves": curves, "y": y}


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A figure: its sheets, of which one is shown at a time."""

    key: str
    title: str
    x: str
    """What is along the axis."""
    y: str
    choice: str
    """What a reader chooses by; empty where there is one sheet."""
    sheets: tuple[Sheet, ...]
    reading: str
    """How to read it."""
    log: bool = False
    """Whether values are shown by their logarithm; the other axis always is."""
    points: bool = False
    """Whether each optimizer is a point and no curve."""

    @property
    def banded(self) -> bool:
        """Whether there are bands around the curves."""
        return bool(self.sheets) and self.sheets[0].bands.shape[1] > 1


def all_charts(comparison: Comparison) -> list[Chart]:
    """Give all figures, in the order in which one reads them; none without a trial."""
    if not comparison.trials:
        return []
    return [make(comparison) for make in (runtimes, data, performance, convergence, costs)]


def runtimes(comparison: Comparison) -> Chart:
    """Show the share of targets that were reached within a budget; for each dimension, too, where there are several."""
    sheets = [_runtimes(comparison, "all problems")]
    dimensions = sorted({case.n for case in comparison.problems})
    for n in dimensions if 1 < len(dimensions) <= _MOST_GROUPS else ():
        some = [case for case in comparison.problems if case.n == n]
        part = Comparison(some, comparison.optimizers, comparison.seeds, comparison.terms, comparison.trials)
        sheets.append(_runtimes(part, f"n = {n}"))
    return Chart(
        key="runtimes",
        title="Targets reached",
        x="evaluations / n",
        y="share of targets",
        choice="problems",
        sheets=tuple(sheets),
        reading="The runtime distribution: what share of all targets, over problems and seeds, was reached within so "
        "many evaluations, divided by the number of parameters n. The higher and the further to the left, the "
        "better. A trial that has ended is not restarted.",
    )


def _runtimes(comparison: Comparison, label: str) -> Sheet:
    per = np.array([case.n for case in comparison.problems])
    budgets = _budgets(comparison, per)
    return _shares(label, budgets, comparison.ecdf(budgets))


def data(comparison: Comparison) -> Chart:
    """Show data profiles: the share of trials that were solved within a budget."""
    budgets = _budgets(comparison, np.array([case.n + 1 for case in comparison.problems]))
    return Chart(
        key="data-profile",
        title="Solved within a budget",
        x="evaluations / (n + 1)",
        y="share of trials solved",
        choice="accuracy",
        sheets=tuple(_shares(_accuracy(tau), budgets, comparison.data_profile(tau, budgets)) for tau in TAUS),
        reading="The data profile: what share of trials was solved within so many evaluations, counted in gradients by "
        "differences (n + 1). A trial is solved to an accuracy tau when all but that share of the way from the "
        "start to the lowest value is gone.",
    )


def performance(comparison: Comparison) -> Chart:
    """Show performance profiles: how often an optimizer is at most so many times as expensive as the best one."""
    found = [ratios(comparison.costs(tau)[0]) for tau in TAUS]
    most = max((float(one[np.isfinite(one)].max(initial=1.0)) for one in found), default=1.0)
    alphas = _spaced(1.0, min(max(most, 10.0), _MOST_RATIO))
    return Chart(
        key="performance-profile",
        title="How much more expensive than the fastest",
        x="times the evaluations of the fastest",
        y="share of trials solved",
        choice="accuracy",
        sheets=tuple(_shares(_accuracy(tau), alphas, comparison.performance_profile(tau, alphas)) for tau in TAUS),
        reading="The performance profile. At the left edge: how often an optimizer was the fastest. Further on: how "
        "often it took at most so many times the evaluations of the fastest. It depends on who else takes part, "
        "so read no order of the others off its left edge.",
    )


def convergence(comparison: Comparison) -> Chart:
    """Show the best value so far on each problem: the median over the seeds, and the quartiles as a band."""
    return Chart(
        key="convergence",
        title="Convergence",
        x="evaluations",
        y="gap to the lowest value",
        choice="problem",
        sheets=tuple(_curves(comparison, case.label) for case in comparison.problems),
        reading="How far the best value so far is above the lowest one: the median over the seeds, and a band from the "
        "lower to the upper quartile. A trial that has ended keeps its value. What is below the last target is "
        "drawn on it. Bands are drawn while at most six optimizers are shown.",
        log=True,
    )


def _curves(comparison: Comparison, problem: str) -> Sheet:
    spent = max((trial.nfev for trial in comparison.trials if trial.problem == problem), default=1)
    numbers = np.unique(np.rint(np.geomspace(1, max(spent, 2), _CURVES)))
    lowest = comparison.lowest(problem)
    if not math.isfinite(lowest):
        return Sheet(problem, numbers, np.full((len(comparison.optimizers), 3, len(numbers)), np.nan))
    # Rounding leaves no gap smaller than the distance between two floating-point numbers.
    floor = max(float(comparison.targets(problem)[-1]) - lowest, float(np.spacing(abs(lowest))))
    gaps = np.array([comparison.curve(problem, one, numbers)[[1, 0, 2]] for one in comparison.optimizers]) - lowest
    return Sheet(problem, numbers, np.maximum(gaps, floor))


def costs(comparison: Comparison) -> Chart:
    """Show what a trial cost: evaluations and seconds, of the whole and of the optimizer alone."""
    sums = np.zeros((3, len(comparison.optimizers)))
    for trial in comparison.trials:
        sums[:, comparison.optimizers.index(trial.optimizer)] += (
            trial.nfev,
            trial.seconds,
            max(trial.seconds - trial.seconds_fun, 0.0),
        )
    made = np.array([sum(trial.optimizer == one for trial in comparison.trials) for one in comparison.optimizers])
    evaluations, seconds, own = np.where(made * (sums[0] > 0) > 0, sums / np.maximum(made, 1), np.nan)
    return Chart(
        key="costs",
        title="Seconds beside evaluations",
        x="evaluations of a trial, mean",
        y="seconds",
        choice="seconds",
        sheets=tuple(
            Sheet(label, evaluations[:, None], values[:, None, None])
            for label, values in (("of a trial", seconds), ("that the optimizer took itself", own))
        ),
        reading="The means of a trial. An optimizer that takes few evaluations and many seconds pays where your "
        "function is slow; where a value takes a microsecond, the seconds that the optimizer takes itself are "
        "what you pay.",
        log=True,
        points=True,
    )


def _shares(label: str, x: Numbers, found: Numbers) -> Sheet:
    return Sheet(label, x, found[:, None, :], (0.0, 1.0))


def _accuracy(tau: float) -> str:
    return f"tau = {tau:.0e}".replace("e-0", "e-")


def _budgets(comparison: Comparison, per: Iterable[float]) -> Numbers:
    """Give budgets from the first evaluation to the last that was made, in the given units of each problem."""
    spent = comparison.lengths() / np.asarray(per, dtype=np.float64)[None, :, None]
    last = float(np.nanmax(spent, initial=1.0))
    return _spaced(1 / float(np.max(np.asarray(per))), last)


def _spaced(first: float, last: float) -> Numbers:
    """Space places evenly in their logarithm, with the powers of ten among them, which tables show."""
    powers = [10.0**power for power in range(math.ceil(math.log10(first)), math.ceil(math.log10(last)))]
    return np.unique(np.concatenate([np.geomspace(first, last, _PLACES), powers]))


def _rounded(number: float, digits: int) -> float | None:
    """Round a place to so many digits, whole numbers aside; none where there is none."""
    if not math.isfinite(number):
        return None
    return int(number) if float(number).is_integer() else float(f"{number:.{digits}g}")


def _decimal(number: float) -> float | None:
    return round(float(number), _DECIMALS) if math.isfinite(number) else None
