"""Tuning: an optimizer's own fields, looked for by another optimizer on short runs, and the best ones on longer runs.

First many settings are tried with a small share of the budget, where an optimizer that asks for values only says which
to try next.  Then the best third goes on to three times the budget, and the best third of those again, until the whole
budget is reached: successive halving.  The optimizer as it was given is tried at each length, too, so that what comes
out is never worse than that, on the seeds that were used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from optikit.comparison.cases import Case, read_cases
from optikit.comparison.contestants import Contestant, read_contestants
from optikit.comparison.terms import Terms, read_seeds, read_terms
from optikit.comparison.trial import REFUSED, attempt
from optikit.errors import InputError
from optikit.failures import Failures
from optikit.optimizer import Optimizer
from optikit.run import minimize
from optikit.tuning.space import Axis, axes, made
from optikit.types import Array

REDUCTION = 3
"""By which the budget grows, and the number of settings shrinks, from one length to the next."""
LENGTHS = 3
"""How many lengths there are, the last being the whole budget."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Values of the fields, and how they did."""

    fields: dict[str, float | int]
    max_evals: int
    """The length of its runs."""
    value: float
    """The mean of the best values over the seeds; infinite where a run failed."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found, and what it cost."""

    optimizer: Optimizer[Any]
    """The best one."""
    value: float
    """The mean of its best values over the seeds, with the whole budget."""
    before: float
    """The same of the optimizer as it was given."""
    nfev: int
    """Evaluations of all runs together."""
    settings: tuple[Setting, ...] = field(repr=False)
    """All that was tried, in this order."""

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        first = self.settings[0].fields
        best = {name: getattr(self.optimizer, name) for name in first}
        said = ", ".join(f"{name} = {value:.4g}" for name, value in best.items())
        runs = f"{len(self.settings):,} settings were tried, with {self.nfev:,} evaluations"
        if best == first:
            return f"Nothing better than {said} was found ({self.value:.6g} on average); {runs}."
        return f"{said}: {self.value:.6g} on average, where it was {self.before:.6g} before; {runs}."


def tune(
    optimizer: Optimizer[Any] | str,
    problem: Any,
    x0: Any = None,
    *,
    max_evals: int | str,
    bounds: Any = None,
    gradient: Any = None,
    fields: Any = None,
    tries: int = 27,
    seeds: int | Sequence[int] = 3,
    by: Optimizer[Any] | str = "one-plus-one-es",
    rng: int = 0,
) -> Tuned:
    """Look for the best values of an optimizer's own fields, the learning rate first.

    Parameters
    ----------
    optimizer : Optimizer or str
        A component or its name; what is not looked for stays as it is.
    problem : Benchmark, str, dict, callable, Problem or (model, loss, data)
        One, as for `compare`.
    x0, bounds : optional
        Of a function of your own.
    max_evals : int or str
        Evaluations of a run at its full length, or text such as ``"200d"``, times the dimension.
    gradient : GradientEstimator, str or dict, optional
        How gradients are found; the problem's own where it has one, else forward differences, if not given.
    fields : str, list of str, or dict of str to (low, high), optional
        Which fields; the learning rate, if not given.  Without a range of its own a field is looked for in the one that
        it has, or from a thousandth to a thousandfold of its value.
    tries : int
        Settings that are tried with the shortest runs, which have a ninth of the evaluations.
    seeds : int or list of int
        How many runs each setting makes, or their seeds; all settings make the same.
    by : Optimizer or str
        Who says which to try next.  It sees one parameter for each field, from 0 to 1.
    rng : int
        Where all randomness comes from.

    Returns
    -------
    Tuned
        Printed, it says what was found and what it cost.

    Raises
    ------
    InputError
        If an argument is wrong.

    References
    ----------
    Jamieson and Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization", AISTATS;
    here with an optimizer that chooses the settings.

    Examples
    --------
    >>> import optikit
    >>> tuned = optikit.tune(
    ...     "gradient-descent", lambda x: float(x @ x), [1.0, 2.0], max_evals=90, gradient="central-difference"
    ... )
    >>> tuned.value < tuned.before
    True
    """
    (contestant,), cases = read_contestants([optimizer], gradient), read_cases(problem, x0=x0, bounds=bounds)
    if len(cases) != 1:
        raise InputError(f"tune takes one problem, and {len(cases)} are given; values of several do not compare")
    if tries < 1:
        raise InputError(f"tries is {tries!r}; pass how many settings to try, at least 1")
    bench = _Bench(cases[0], contestant, axes(contestant.optimizer, fields), read_seeds(seeds), rng)
    whole = read_terms(max_evals, None, None, rng).allowance(cases[0].n)
    lengths = [max(1, whole // REDUCTION**k) for k in reversed(range(LENGTHS))]
    given = np.array([axis.place(getattr(contestant.optimizer, axis.field)) for axis in bench.axes])
    bench.search(given, lengths[0], tries, by)
    for length in lengths[1:]:
        bench.halve(length)
    return bench.outcome()


class _Bench:
    """Where settings are tried; each is tried once at each length."""

    def __init__(self, case: Case, contestant: Contestant, along: list[Axis], seeds: Sequence[int], root: int) -> None:
        self._case, self._contestant, self.axes, self._seeds, self._root = case, contestant, along, seeds, root
        self._tried: dict[int, dict[Optimizer[Any], float]] = {}
        self._settings: list[Setting] = []
        self._nfev = 0

    def search(self, given: Array, length: int, tries: int, by: Optimizer[Any] | str) -> None:
        """Try the optimizer as it was given, and what `by` asks for."""
        self._measure(self._contestant.optimizer, length)
        if tries > 1:
            minimize(
                lambda u: self._try(u, length),
                given,
                optimizer=by,
                bounds=(0, 1),
                max_evals=tries - 1,
                on_error=Failures(inf="penalise"),
                rng=self._root,
            )

    def halve(self, length: int) -> None:
        """Try the best third again, at another length, and the optimizer as it was given."""
        before = self._tried[max(self._tried)]
        ranked = sorted(before, key=lambda setting: before[setting])
        for setting in dict.fromkeys([self._contestant.optimizer, *ranked[: math.ceil(len(ranked) / REDUCTION)]]):
            self._measure(setting, length)

    def outcome(self) -> Tuned:
        """Give the best at the whole length; of equal ones the optimizer as it was given, else the first."""
        final = self._tried[max(self._tried)]
        best = min(final, key=lambda setting: final[setting])
        given = final[self._contestant.optimizer]
        return Tuned(best, final[best], given, self._nfev, tuple(self._settings))

    def _try(self, u: Array, length: int) -> float:
        try:
            optimizer = made(self._contestant.optimizer, self.axes, u.tolist())
        except ValidationError:  # each value is in its range, but they do not go together
            return math.inf
        return self._measure(optimizer, length)

    def _measure(self, optimizer: Optimizer[Any], length: int) -> float:
        known = self._tried.setdefault(length, {})
        if optimizer not in known:
            contestant = replace(self._contestant, optimizer=optimizer)
            terms = Terms(max_evals=length, root=self._root)
            trials = [attempt(self._case, contestant, seed, terms) for seed in self._seeds]
            if trials[0].reason == REFUSED:
                raise InputError(f"{optimizer.name} cannot take {self._case.label}: {trials[0].message}")
            self._nfev += sum(trial.nfev for trial in trials)
            value = float(np.mean([math.inf if trial.failed else trial.best for trial in trials]))
            known[optimizer] = value if math.isfinite(value) else math.inf
            fields = {axis.field: getattr(optimizer, axis.field) for axis in self.axes}
            self._settings.append(Setting(fields, length, known[optimizer]))
        return known[optimizer]
