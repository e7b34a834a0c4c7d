"""What a comparison has found: its trials, and the statistics of them.

Every statistic is asked of the trials that are there, so whoever reads them may choose other targets or accuracies than
those that the tables show; nothing has to be run again for that.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optikit.comparison.bands import bands
from optikit.comparison.cases import Case
from optikit.comparison.data_profile import data_profile
from optikit.comparison.expected_runtime import expected_runtime
from optikit.comparison.hits import Numbers, after, hits, threshold
from optikit.comparison.performance_profile import performance_profile
from optikit.comparison.ranking import Ranking, rank
from optikit.comparison.runtime_ecdf import restarted, runtime_ecdf
from optikit.comparison.terms import Terms
from optikit.comparison.trial import Trial
from optikit.errors import InputError, did_you_mean
from optikit.tables import table

_UNKNOWN = 100.0
"""Where the minimum is unknown, targets are measured by the way from the start: the first, 1e2, is all of it."""


class Comparison:
    """What `optikit.compare` returns; made by it.

    Parameters
    ----------
    problems : sequence of Case
        What was compared on.
    optimizers : sequence of str
        Their labels.
    seeds : sequence of int
        The seeds.
    terms : Terms
        What held for all trials.
    trials : iterable of Trial
        Those that were made.
    interrupted : bool
        Whether trials are missing, as it was interrupted.
    """

    def __init__(
        self,
        problems: Sequence[Case],
        optimizers: Sequence[str],
        seeds: Sequence[int],
        terms: Terms,
        trials: Iterable[Trial],
        interrupted: bool = False,
    ) -> None:
        self.problems, self.optimizers, self.seeds = tuple(problems), tuple(optimizers), tuple(seeds)
        self.terms, self.interrupted = terms, interrupted
        made = {trial.key: trial for trial in trials}
        keys = [(case.label, one, seed) for case in problems for one in optimizers for seed in seeds]
        self.trials: tuple[Trial, ...] = tuple(made[key] for key in keys if key in made)
        """By problem, optimizer and seed, in this order."""
        self._made = made
        self._lowest = {case.label: self._found_lowest(case) for case in problems}
        self._targets = {case.label: self._read_targets(case) for case in problems}

    def trial(self, problem: str, optimizer: str, seed: int) -> Trial | None:
        """Give a trial; None if it has not been made."""
        return self._made.get((problem, optimizer, seed))

    def lowest(self, problem: str) -> float:
        """Give the known minimum of a problem, or else the best value that any trial found; infinite without one."""
        return self._lowest[self._case(problem).label]

    def targets(self, problem: str) -> Numbers:
        """Give the values that are to be reached on a problem, shape (targets,).

        They lie above the minimum by the precisions of the terms.  Where it is unknown, and no precisions were given,
        they lie above the best value, by so many hundredths of the way there from the start.
        """
        return self._targets[self._case(problem).label].copy()

    def runtimes(self) -> Numbers:
        """Give the evaluations until each target was reached, shape (optimizers, problems, seeds, targets).

        Infinite where it was not reached, NaN where the trial has not been made.
        """
        found = np.full((*self._shape, len(self.terms.precisions)), np.nan)
        for case, place, trial in self._placed():
            found[place] = hits(trial.evaluations, trial.values, self.targets(case.label))
        return found

    def lengths(self) -> Numbers:
        """Give the evaluations of each trial, shape (optimizers, problems, seeds); NaN where it has not been made."""
        return self._each("nfev")

    def ranking(self) -> Ranking:
        """Rank the optimizers by the share of the targets that they reached, with bootstrap intervals."""
        runtimes = self.runtimes()
        scores = np.where(np.isnan(runtimes).any(axis=3), np.nan, np.isfinite(runtimes).mean(axis=3))
        return rank(scores, np.random.default_rng(self.terms.root))

    def costs(self, tau: float) -> tuple[Numbers, NDArray[np.int64]]:
        """Give the evaluations that each pair of problem and seed took to be solved within `tau`.

        Parameters
        ----------
        tau : float
            Which share of the way from the start to the minimum may be left.

        Returns
        -------
        costs : ndarray, shape (optimizers, pairs)
            Infinite where it was not solved; of the pairs that all optimizers have tried.
        dimensions : ndarray, shape (pairs,)
            Number of parameters of each.
        """
        if not 0 < tau < 1:
            raise InputError(f"tau is {tau!r}; pass a share between 0 and 1, such as 1e-3")
        found = np.full(self._shape, np.nan)
        lowest = {case.label: self.lowest(case.label) for case in self.problems}
        for case, place, trial in self._placed():
            start = np.array([trial.start])
            known = math.isfinite(lowest[case.label])
            solved = threshold(start, lowest[case.label], tau) if known else np.array([-np.inf])
            found[place] = hits(trial.evaluations, trial.values, solved)[0]
        dimensions = np.repeat([case.n for case in self.problems], len(self.seeds))
        costs = found.reshape(len(self.optimizers), -1)
        made = ~np.isnan(costs).any(axis=0)
        return costs[:, made], dimensions[made]

    def performance_profile(self, tau: float, alphas: ArrayLike) -> Numbers:
        """Give performance profiles, shape (optimizers, k), within `tau` at ratios `alphas`, (k,)."""
        return performance_profile(self.costs(tau)[0], np.asarray(alphas, dtype=np.float64))

    def data_profile(self, tau: float, kappas: ArrayLike) -> Numbers:
        """Give data profiles, shape (optimizers, k), within `tau` at budgets of `kappas` (n + 1) evaluations, (k,)."""
        return data_profile(*self.costs(tau), np.asarray(kappas, dtype=np.float64))

    def ecdf(self, budgets: ArrayLike, *, restarts: int = 0) -> Numbers:
        """Give the share of problem-target pairs that were reached, shape (optimizers, k).

        Parameters
        ----------
        budgets : ndarray, shape (k,)
            Evaluations divided by the dimension.
        restarts : int
            How many runtimes with simulated restarts are drawn for each pair; without restarts if 0.
        """
        runtimes, lengths = self.runtimes(), self.lengths()
        dimensions = np.array([case.n for case in self.problems])[:, None, None]
        made: NDArray[np.bool_] = np.asarray(
            np.isfinite(lengths).all(axis=0)
        )  # pairs of problem and seed that all have tried
        found = list[Numbers]()
        for which in range(len(self.optimizers)):
            scaled, spent = runtimes[which] / dimensions, lengths[which] / dimensions[..., 0]
            if restarts:
                rng = np.random.default_rng(self.terms.root)
                drawn = [
                    restarted(scaled[p, made[p]], spent[p, made[p]], restarts, rng)
                    for p in range(len(made))
                    if made[p].any()
                ]
                counted = np.concatenate([one.ravel() for one in drawn] or [np.zeros(0)])
            else:
                counted = scaled[made]
            found.append(runtime_ecdf(counted, np.asarray(budgets, dtype=np.float64)))
        return np.array(found)

    def expected_runtime(self) -> Numbers:
        """Give expected running times, shape (optimizers, problems, targets), over the seeds that were tried."""
        runtimes, lengths = self.runtimes(), self.lengths()
        found = np.full((*runtimes.shape[:2], runtimes.shape[3]), np.nan)
        for place in product(*map(range, self._shape[:2])):
            made = ~np.isnan(lengths[place])
            if made.any():
                found[place] = expected_runtime(runtimes[place][made], lengths[place][made])
        return found

    def curve(self, problem: str, optimizer: str, numbers: ArrayLike) -> Numbers:
        """Give quartiles over the seeds of the best value after so many evaluations, shape (3, k).

        Infinite where a trial that has no finite value yet is the quartile.
        """
        self._case(problem)
        if optimizer not in self.optimizers:
            raise InputError(f"there is no optimizer {optimizer!r}; {did_you_mean(optimizer, self.optimizers)}")
        trials = [trial for trial in self._of(problem) if trial.optimizer == optimizer]
        if not trials:
            return np.full((3, np.size(numbers)), np.nan)
        return bands(
            np.array(
                [after(trial.evaluations, trial.values, np.asarray(numbers, dtype=np.float64)) for trial in trials]
            )
        )

    def frame(self) -> Any:
        """Give the trials as a table of pandas, one row each.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        rows = [row(self, trial) for trial in self.trials]
        columns = {name: np.array([one[name] for one in rows]) for name in (rows[0] if rows else ())}
        numbers = np.arange(len(rows))
        return table(("trial", numbers), columns, np.empty((len(rows), 0)), [])

    def save(self, folder: str | Path) -> None:
        """Write everything into a folder: ``comparison.json``, and a CSV file for each statistic.

        Raises
        ------
        InputError
            If it cannot be written to.
        """
        from optikit.comparison.written import save

        save(self, Path(folder))

    def html(self, path: str | Path) -> None:
        """Write everything into one HTML file, with figures, which needs no network and no other file.

        Raises
        ------
        InputError
            If bokeh is not installed, or the file cannot be written.
        """
        from optikit.comparison.html import write

        write(self, Path(path))

    def coco(self, folder: str | Path) -> None:
        """Write the trials on COCO's functions into a folder, in COCO's own data format, for ``cocopp``.

        Raises
        ------
        InputError
            If none of the problems is one of COCO's, or the folder cannot be written to.
        """
        from optikit.comparison.coco import export

        export(self, Path(folder))

    def notes(self) -> list[str]:
        """Say what a reader has to know besides: what is missing, what was refused, and what stands for a minimum."""
        from optikit.comparison.notes import notes

        return notes(self)

    def __str__(self) -> str:
        """Show the tables as text."""
        from optikit.comparison.tables import text

        return text(self)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return len(self.optimizers), len(self.problems), len(self.seeds)

    def _case(self, problem: str) -> Case:
        for case in self.problems:
            if case.label == problem:
                return case
        raise InputError(
            f"there is no problem {problem!r}; {did_you_mean(problem, [case.label for case in self.problems])}"
        )

    def _found_lowest(self, case: Case) -> float:
        if case.minimum is not None:
            return case.minimum
        return min((trial.best for trial in self._of(case.label)), default=math.inf)

    def _read_targets(self, case: Case) -> Numbers:
        lowest, scale = self._lowest[case.label], 1.0
        if case.minimum is None and self.terms.targets is None:
            ways = [trial.start - lowest for trial in self._of(case.label) if math.isfinite(trial.start - lowest)]
            way = float(np.median(ways)) if ways else 0.0
            scale = way / _UNKNOWN if way > 0 else 1.0
        return lowest + scale * self.terms.precisions

    def _of(self, problem: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.problem == problem]

    def _placed(self) -> Iterable[tuple[Case, tuple[int, ...], Trial]]:
        """Give all trials with their problem and their place in an array (optimizers, problems, seeds)."""
        for place in product(*map(range, self._shape)):
            case = self.problems[place[1]]
            trial = self.trial(case.label, self.optimizers[place[0]], self.seeds[place[2]])
            if trial is not None:
                yield case, place, trial

    def _each(self, field: str) -> Numbers:
        found = np.full(self._shape, np.nan)
        for _, place, trial in self._placed():
            found[place] = getattr(trial, field)
        return found


def row(comparison: Comparison, trial: Trial) -> dict[str, Any]:
    """Give a trial as a row of a table: numbers and words only."""
    return {
        "problem": trial.problem,
        "optimizer": trial.optimizer,
        "seed": trial.seed,
        "start": trial.start,
        "best": trial.best,
        "gap": trial.best - comparison.lowest(trial.problem) if math.isfinite(trial.best) else math.inf,
        "nfev": trial.nfev,
        "njev": trial.njev,
        "seconds": trial.seconds,
        "seconds_fun": trial.seconds_fun,
        "reason": trial.reason,
        "message": trial.message,
    }
