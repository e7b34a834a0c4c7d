"""What a reader has to know besides the numbers, in sentences: what is missing, and what the numbers rest on."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from optikit.comparison.outcome import Comparison
from optikit.comparison.ranking import Ranking
from optikit.comparison.trial import REFUSED


def notes(comparison: Comparison) -> list[str]:
    """Say what is missing, what was refused or failed, and what stands for a minimum."""
    return [*caveats(comparison), *_failures(comparison)]


def caveats(comparison: Comparison) -> list[str]:
    """Say what the numbers rest on: what is missing, and what stands for a minimum."""
    said = list[str]()
    whole = len(comparison.problems) * len(comparison.optimizers) * len(comparison.seeds)
    if len(comparison.trials) < whole:
        said.append(
            f"{whole - len(comparison.trials)} of {whole} trials are missing; the same call with a file goes on."
        )
    if len(comparison.seeds) == 1:
        said.append("One seed says nothing about others: nothing can be concluded.")
    unknown = [case.label for case in comparison.problems if case.minimum is None]
    if unknown:
        said.append(f"The minimum is not known of {', '.join(unknown)}: the best value found here stands for it.")
    fixed = [case.label for case in comparison.problems if case.fixed]
    if fixed and len(comparison.seeds) > 1:
        said.append(
            f"All seeds start at the same point on {', '.join(fixed)}: what is said holds for that start; x0 as a "
            "function of a generator draws others."
        )
    return said


def _failures(comparison: Comparison) -> list[str]:
    """Say what was refused or failed."""
    said = list[str]()
    for reason in (REFUSED, "error"):
        trials = [trial for trial in comparison.trials if trial.reason == reason]
        for (optimizer, message), many in Counter((trial.optimizer, trial.message) for trial in trials).items():
            where = sorted(
                {trial.problem for trial in trials if (trial.optimizer, trial.message) == (optimizer, message)}
            )
            how = "was refused on" if reason == REFUSED else f"failed in {many} trials on"
            said.append(f"{optimizer} {how} {', '.join(where)}: {message}")
    return said


def verdicts(comparison: Comparison, ranking: Ranking) -> list[str]:
    """Say of the leader whom the evidence separates it from, and whom it does not."""
    if len(comparison.optimizers) < 2 or not np.isfinite(ranking.scores).all():
        return []
    first, *others = (int(which) for which in ranking.order)
    name = comparison.optimizers
    beaten = [which for which in others if ranking.separated(first, which)]
    level = [which for which in others if which not in beaten]
    said = list[str]()
    if beaten:
        shown = [
            f"{name[which]} (by {ranking.differences[first, which]:.3f}, "
            f"95% interval {ranking.low[first, which]:.3f} to {ranking.high[first, which]:.3f})"
            for which in beaten
        ]
        said.append(f"{name[first]} reached a larger share of the targets than {_listed(shown)}.")
    if level:
        said.append(f"The evidence does not separate {name[first]} from {_listed(name[which] for which in level)}.")
    return said


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
