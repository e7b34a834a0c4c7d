"""Compare optimizers: make a trial of each on each problem from each seed, several at a time, and keep what there is.

Trials are independent, so any crew that answers questions can make them.  They are made seed by seed: whoever
interrupts a comparison has whole seeds of all optimizers, which can be compared, rather than the first problems.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from optikit.comparison.archive import opened
from optikit.comparison.cases import Case, read_cases
from optikit.comparison.contestants import Contestant, read_contestants
from optikit.comparison.outcome import Comparison
from optikit.comparison.terms import Terms, read_seeds, read_terms, rooted
from optikit.comparison.trial import Trial, attempt, lost
from optikit.crew import Answer, Question, portable
from optikit.failures import Failures
from optikit.interrupts import held
from optikit.source import Failed
from optikit.types import Seed
from optikit.workers import gathered

ONE_SEED = "one seed says nothing about others: nothing can be concluded; take ten"


def compare(
    problems: Any,
    *,
    optimizers: Any,
    max_evals: int | str,
    seeds: int | Sequence[int] = 10,
    x0: Any = None,
    bounds: Any = None,
    gradient: Any = None,
    targets: Sequence[float] | None = None,
    max_seconds: float | None = None,
    workers: Any = None,
    file: str | Path | None = None,
    rng: Seed = 0,
    callback: Callable[[Trial], Any] | None = None,
) -> Comparison:
    """Compare optimizers on problems: the same starts and seeds, the same budget of evaluations.

    Parameters
    ----------
    problems : Benchmark, str, dict, callable, Problem, (model, loss, data), or list of them
        Benchmarks, their names, or tables with a name and fields; or what is to be minimised itself.
    optimizers : Optimizer, str, dict, list of them, or dict of str to one
        Components, names, or tables with a name and fields; a dict gives them labels.
    max_evals : int or str
        Evaluations of each trial, difference quotients included; ``"200d"`` is 200 times the number of parameters.
    seeds : int or list of int
        How many trials are made of each optimizer on each problem, or their seeds.
    x0 : array, structure, or callable, optional
        Where all trials on a function start, or a function of a generator that draws a start for each seed.  Drawn from
        the box, or as the model says, if not given.
    bounds : (low, high), optional
        Of a function, as for `optikit.minimize`.
    gradient : GradientEstimator, str or dict, optional
        How gradients are found.  By default a problem's own gradient is used, where it has one, else forward
        differences.
    targets : list of float, optional
        How far above the minimum the targets are.  By default COCO's 51 from 1e2 to 1e-8; where the minimum is unknown,
        they are counted from the best value found, in hundredths of the way there from the start.
    max_seconds : float, optional
        Seconds of each trial; the comparison cannot be repeated exactly then.
    workers : int, Executor, callable, distributed.Client or str, optional
        Who makes trials, several at a time and with the same numbers, as for `optikit.minimize`.
    file : str or Path, optional
        A file in which trials are kept.  The same call again makes only those that are missing.
    rng : int, SeedSequence, Generator or None
        Where all randomness comes from, as in SPEC 7.
    callback : callable, optional
        Called with each `Trial` when it has been made.

    Returns
    -------
    Comparison
        All trials and their statistics.  Ctrl-C ends the comparison and returns what there is until then.

    Raises
    ------
    InputError
        If an argument is wrong, or the file is of a comparison on other terms; nothing has been evaluated then.
    """
    terms = read_terms(max_evals, max_seconds, targets, rooted(rng))
    cases, contestants = read_cases(problems, x0=x0, bounds=bounds), read_contestants(optimizers, gradient)
    chosen = read_seeds(seeds)
    if len(chosen) == 1:
        warnings.warn(ONE_SEED, UserWarning, stacklevel=2)
    return made(cases, contestants, chosen, terms, workers=workers, file=file, callback=callback)


def made(
    cases: Sequence[Case],
    contestants: Sequence[Contestant],
    seeds: Sequence[int],
    terms: Terms,
    *,
    workers: Any = None,
    file: str | Path | None = None,
    callback: Callable[[Trial], Any] | None = None,
) -> Comparison:
    """Make the trials that are missing; takes what `compare` has read.

    Raises
    ------
    InputError
        If the file is of a comparison on other terms, or in use, or that is no worker.
    """
    labels, interrupted = [one.label for one in contestants], False
    with opened(file, cases, contestants, seeds, terms) as archive:
        trials = {trial.key: trial for trial in archive.trials()}
        todo = [
            (case, contestant, seed)
            for seed in seeds
            for case in cases
            for contestant in contestants
            if (case.label, contestant.label, seed) not in trials
        ]
        try:
            for trial in _made(todo, terms, workers):
                with held() as interrupts:
                    archive.add(trial)
                    trials[trial.key] = trial
                if callback is not None:
                    callback(trial)
                if interrupts:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupted = True
    return Comparison(cases, labels, seeds, terms, trials.values(), interrupted)


class _Bench:
    """Everything that a worker needs to make any of the trials."""

    def __init__(self, todo: Sequence[tuple[Case, Contestant, int]], terms: Terms) -> None:
        self._todo, self._terms = todo, terms

    def tell(self, question: Question) -> Answer:
        """Make a trial."""
        try:
            number: int = question.points
            return Answer([attempt(*self._todo[number], self._terms)])
        except BaseException as error:
            return Answer([], portable(error))


def _made(todo: Sequence[tuple[Case, Contestant, int]], terms: Terms, workers: Any) -> Iterator[Trial]:
    """Make trials, and give each as it is done."""
    if workers is None or not todo:
        for each in todo:
            yield attempt(*each, terms)
        return
    crew = gathered(workers, _Bench(todo, terms), Failures(retries=0))
    try:
        with closing(crew.as_they_come([Question(None, "trial", number) for number in range(len(todo))])) as coming:
            for number, answer in coming:
                if answer.error is not None:
                    raise answer.error
                (made,) = answer.values
                yield lost(*todo[number], made.reason) if isinstance(made, Failed) else made
    finally:
        with held():
            crew.close()
