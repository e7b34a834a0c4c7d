"""Advice on which optimizer to take: look at the problem, go through the rules, name three, and say why.

There is no black box: what was seen are the `Traits`, the rules are one table, and the advice says which of them held,
and what would change its mind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optikit import able, registry
from optikit.benchmark import Benchmark
from optikit.choice.rules import RULES
from optikit.choice.traits import Traits, look
from optikit.comparison.terms import read_terms
from optikit.errors import InputError
from optikit.probe import Abilities
from optikit.problem import Problem
from optikit.registry import HOME
from optikit.run import posed
from optikit.types import Seed, generator

SHARE = 0.05
"""Of the budget, for looking at the problem."""
MOST = 400
"""Evaluations for it at most."""
NAMED = 3
"""Optimizers that are named."""

_OURS = {f"{HOME}:{name}" for rule in RULES for name in rule.optimizers}
_CHANGES: Mapping[str, Callable[[Traits], dict[str, Any]]] = {
    "it had an exact gradient": lambda it: {} if it.gradient else {"gradient": True},
    "the same point gave different values": lambda it: {} if it.noisy else {"noise": 0.1, "smooth": None},
    "the same point gave the same value": lambda it: {"noise": 0.0} if it.noisy else {},
    "it had kinks": lambda it: {} if it.smooth is False else {"smooth": False},
    "it were smooth": lambda it: {"smooth": True} if it.smooth is False else {},
    "it had many valleys": lambda it: {} if it.rugged else {"rugged": True},
    "it had one valley": lambda it: {"rugged": False} if it.rugged else {},
    "there were ten times the evaluations": lambda it: {"budget": 10 * it.budget},
    "there were a tenth of the evaluations": lambda it: {"budget": max(1, it.budget // 10)},
}
"""What might be otherwise, as changes of the traits; nothing where it is so already."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An optimizer, and why."""

    optimizer: str
    gradient: str | None
    """An estimator, where it needs one."""
    rule: str
    """The rule that named it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is recommended, and what it rests on."""

    traits: Traits
    """What was seen."""
    rules: tuple[str, ...]
    """Names of the rules that hold, the first one counting most."""
    recommended: tuple[Recommendation, ...]
    """Three optimizers, the best first; fewer where no more are installed."""
    missing: tuple[str, ...]
    """Those that would have been named before the last of them, were they installed."""
    otherwise: Mapping[str, str]
    """What would be recommended first, if one thing were otherwise: the name, by the condition."""

    def __str__(self) -> str:
        """Say it in lines."""
        lines = [f"Seen with {self.traits.spent:,} evaluations: {described(self.traits)}."]
        for place, each in enumerate(self.recommended, 1):
            gradient = f" with gradient={each.gradient!r}" if each.gradient else ""
            lines.append(f"{place}. {each.optimizer}{gradient}, by the rule {each.rule!r}")
        named = {each.rule for each in self.recommended}
        lines += [
            f"Rule {rule.name!r} holds, as {rule.when}: {rule.because} ({rule.evidence})."
            for rule in RULES
            if rule.name in named
        ]
        if self.missing:
            lines.append(f"Not installed, else it would be named, too: {', '.join(self.missing)}.")
        lines += [f"If {condition}, {name} would come first." for condition, name in self.otherwise.items()]
        return "\n".join(lines)


def advise(
    fun: Callable[[Any], Any] | Problem | Benchmark | str | dict[str, Any],
    x0: Any = None,
    *,
    bounds: Any = None,
    gradient: Callable[[Any], Any] | None = None,
    constraints: Any = None,
    max_evals: int | str | None = None,
    share: float = SHARE,
    rng: Seed = None,
) -> Advice:
    """Say which optimizer to take for a function.

    Parameters
    ----------
    fun : callable, Problem, Benchmark, str or dict
        As for `minimize`; or a benchmark, or its name, or a table with its name and fields.
    x0 : array, or (nested) dict or list of arrays and numbers
        Where to start; not for a benchmark, which has a start of its own.
    bounds, gradient, constraints : optional
        As for `minimize`; `gradient` is a function here.
    max_evals : int or str, optional
        Evaluations that the run may make, or text such as ``"200d"``, times the dimension; 10,000 (n + 1) if not given.
    share : float
        The share of them that may be spent on looking at the problem, from 0 to 1; never more than 400 evaluations.
    rng : int, SeedSequence, Generator or None
        Draws where to look.

    Returns
    -------
    Advice
        Printed, it says what was seen, three optimizers with the reasons, and what would change its mind.

    Raises
    ------
    InputError
        If an argument is wrong.

    Examples
    --------
    >>> import optikit
    >>> advice = optikit.advise(lambda x: ((x - 3) ** 2).sum(), [0.0, 0.0], gradient=lambda x: 2 * (x - 3), rng=0)
    >>> advice.recommended[0].optimizer
    'lbfgs'
    """
    if not 0 <= share <= 1:
        raise InputError(f"share is {share!r}; pass the share of the evaluations to look with, from 0 to 1")
    stream = generator(rng)
    if isinstance(fun, Benchmark | str | dict):
        if x0 is not None or bounds is not None:
            raise InputError("a benchmark has a start and bounds of its own; leave out x0 and bounds")
        benchmark: Benchmark = registry.default().make("problem", fun)
        fun, x0 = benchmark.pose(), benchmark.start(stream)
    settings: dict[str, Any] = {"fixed": None, "scale": None, "feasibility_tol": None, "stop": None}
    settings |= {"on_error": "raise", "history": "values", "continued": False}
    given = {"bounds": bounds, "gradient": gradient, "constraints": constraints}
    run = posed(fun, x0, optimizer="random-search", **given, **settings)
    n = len(run.x0)
    # `posed` has said how many evaluations there are where nobody else did.
    budget = run.budget.max_evals or 0 if max_evals is None else read_terms(max_evals, None, None, 0).allowance(n)
    return advised(look(run.problem, run.x0, budget, min(MOST, int(share * budget)), stream))


def advised(traits: Traits) -> Advice:
    """Go through the rules with what was seen of a problem."""
    entries = {entry.name: entry for entry in registry.default().entries if entry.qualified in _OURS}
    installed = {name: entry for name, entry in entries.items() if entry.missing is None}
    abilities = able.known(installed.values())
    known = {name: abilities[entry.qualified] for name, entry in installed.items()}
    recommended = _recommended(traits, known)
    otherwise = dict[str, str]()
    for condition, change in _CHANGES.items():
        if changed := change(traits):
            first = _recommended(traits.model_copy(update=changed), known)[:1]
            if first and first[0].optimizer not in [each.optimizer for each in recommended[:1]]:
                otherwise[condition] = first[0].optimizer
    holding = [rule for rule in RULES if rule.holds(traits)]
    named = [name for rule in holding for name in rule.optimizers]
    last = max((named.index(each.optimizer) for each in recommended), default=0)
    missing = dict.fromkeys(name for name in named[:last] if name in entries and name not in installed)
    return Advice(traits, tuple(rule.name for rule in holding), recommended, tuple(missing), otherwise)


def _recommended(traits: Traits, known: Mapping[str, Abilities]) -> tuple[Recommendation, ...]:
    """Take the first that can take the problem."""
    demands, found = _demands(traits), dict[str, Recommendation]()
    for rule in RULES:
        for name in rule.optimizers if rule.holds(traits) else ():
            if name in known and able.fits(known[name], demands):
                estimator = rule.gradient if known[name].needs_gradient and not traits.gradient else None
                found.setdefault(name, Recommendation(name, estimator, rule.name))
    return tuple(found.values())[:NAMED]


def described(traits: Traits) -> str:
    """Say in words what was seen."""
    said = [f"{traits.n:,} parameters", f"{traits.budget:,} evaluations to spend"]
    said.append("an exact gradient" if traits.gradient else "no gradient")
    said.append("a finite box" if traits.box else "some bounds" if traits.bounded else "no bounds")
    if traits.constrained:
        said.append("constraints")
    if traits.minibatches:
        said.append("other samples at each step")
    if traits.noise is None:
        said.append("not known whether it is noisy")
    else:
        said.append(f"noise of {traits.noise:.1g} of its range" if traits.noise else "no noise")
    for seen, yes, no in ((traits.smooth, "smooth", "kinks or jumps"), (traits.rugged, "many valleys", "one valley")):
        if seen is not None:
            said.append(yes if seen else no)
    if traits.failing:
        said.append(f"{traits.failing:.0%} of the evaluations failed")
    if traits.seconds is not None:
        said.append(f"{traits.seconds:.1g} s an evaluation")
    return ", ".join(said)


def _demands(traits: Traits) -> dict[str, bool]:
    """Say which abilities an optimizer for this problem has, and which needs it must not have."""
    demands: dict[str, bool] = {}
    if traits.bounded:
        demands["bounds"] = True
    if not traits.box:
        demands["needs_box"] = False
    if traits.constrained:
        demands["constraints"] = True
    return demands
