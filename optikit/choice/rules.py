"""The rules: which optimizers fit which traits, one table, read from top to bottom.

A rule says in words when it holds, names optimizers, the best first, and says why.  The first three names of the rules
that hold, of those that are installed and can take the problem, are the advice.  What a rule rests on is measured, and
stands in docs/choosing.md under the name of the rule.
"""

from collections.abc import Callable
from dataclasses import dataclass

from optikit.choice.traits import Traits

FEW, MANY = 100, 500
"""Evaluations for each parameter: below, one descent; from there on, a search of the whole region."""
LARGE = 1000
"""Parameters from which on a matrix of all their pairs is too much."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    name: str
    when: str
    """The condition, as the end of a sentence."""
    holds: Callable[[Traits], bool]
    optimizers: tuple[str, ...]
    """Names, the best first."""
    because: str
    gradient: str | None = None
    """The estimator for those that need a gradient, where the problem has none of its own."""


RULES = (
    Rule(
        "minibatches",
        "each step sees other samples",
        lambda it: it.minibatches,
        ("adam", "adamw", "gradient-descent"),
        "rules that take small steps average over the samples; a line search or a population would compare values of "
        "different functions",
    ),
    Rule(
        "constraints",
        "there are constraints besides bounds",
        lambda it: it.constrained,
        ("scipy-slsqp", "nlopt-slsqp", "scipy-trust-constr", "scipy-cobyqa", "nlopt-cobyla", "nlopt-isres"),
        "a sequence of quadratic programs takes constraints as they are, where others would need a penalty",
        "forward-difference",
    ),
    Rule(
        "noise",
        "the same point gives different values",
        lambda it: it.noisy,
        ("cma-es", "py-bobyqa", "nevergrad-tbpsa", "one-plus-one-es"),
        "a population ranks points and averages the noise out; differences and line searches follow it",
    ),
    Rule(
        "large",
        f"there are {LARGE:,} parameters or more, and no gradient",
        lambda it: not it.gradient and it.n >= LARGE,
        ("adam", "nevergrad-diagonal-cma", "one-plus-one-es"),
        "difference quotients would take as many evaluations a step as there are parameters; SPSA takes two",
        "spsa",
    ),
    Rule(
        "slope",
        "there is an exact gradient, and one valley as far as was seen",
        lambda it: it.gradient and it.rugged is not True,
        ("lbfgs", "scipy-slsqp", "scipy-lbfgsb", "scipy-bfgs", "nlopt-lbfgs", "conjugate-gradients"),
        "a quasi-Newton method learns the curvature from gradients, and needs the fewest of them",
    ),
    Rule(
        "low",
        f"there are at most 3 parameters, and {MANY} evaluations or more for each",
        lambda it: it.n <= 3 and it.each >= MANY,
        ("scipy-differential-evolution", "nlopt-crs2-lm", "cma-es", "nlopt-sbplx"),
        "so few parameters can be searched everywhere",
    ),
    Rule(
        "valleys",
        f"lines through the region have several minima, and there are {FEW} evaluations or more for each parameter",
        lambda it: it.rugged is True and it.each >= FEW,
        ("auto", "cma-es", "scipy-differential-evolution", "nlopt-crs2-lm", "nevergrad-de"),
        "a population looks over the hills between the valleys, where a descent ends in the first one",
    ),
    Rule(
        "kinks",
        "it is not smooth everywhere that was looked at",
        lambda it: it.smooth is False,
        ("nlopt-sbplx", "cma-es", "scipy-nelder-mead", "nlopt-neldermead", "one-plus-one-es"),
        "methods that compare values do not mind kinks; differences across one are no slope",
    ),
    Rule(
        "smooth",
        f"it is smooth, and there are fewer than {MANY} evaluations for each parameter",
        lambda it: it.smooth is not False and it.each < MANY,
        ("scipy-slsqp", "nlopt-slsqp", "lbfgs", "nlopt-bobyqa", "scipy-cobyqa"),
        "a quasi-Newton method by differences goes down in some tens of n evaluations, before others have looked round",
        "forward-difference",
    ),
    Rule(
        "else",
        "nothing else settles it",
        lambda it: True,
        ("cma-es", "lbfgs", "nlopt-sbplx", "adaptive-random-search", "one-plus-one-es", "random-search"),
        "a portfolio tries several methods and goes on with what works",
        "forward-difference",
    ),
)
"""All of them, the first that hold count most."""
