"""The rules: which optimizers fit which traits, one table, read from top to bottom.

A rule says in words when it holds, names optimizers, the best first, and says why.  The first three names of the rules
that hold, of those that are installed and can take the problem, are the advice.  What a rule rests on is measured, and
stands in docs/choosing.md under the name of the rule.
"""

from collections.abc import Callable
from dataclasses import dataclass

from optikit.choice.traits import Traits

FEW, MANY = 100, 500
"""Evaluations for each parameter: below the first there is time for one descent, from the second on for more."""
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
    evidence: str
    """Where that was measured, or who says so."""
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
        "Bottou, Curtis and Nocedal (2018), Optimization methods for large-scale machine learning, SIAM Review 60",
    ),
    Rule(
        "constraints",
        "there are constraints besides bounds",
        lambda it: it.constrained,
        ("scipy-slsqp", "nlopt-slsqp", "scipy-trust-constr", "scipy-cobyqa", "nlopt-cobyla", "nlopt-isres"),
        "a sequence of quadratic programs takes constraints as they are, where others would need a penalty",
        "Nocedal and Wright (2006), Numerical Optimization, chapter 18",
        "forward-difference",
    ),
    Rule(
        "noise",
        "the same point gives different values",
        lambda it: it.noisy,
        ("cma-es", "covariance-adaptation", "py-bobyqa", "nevergrad-tbpsa", "one-plus-one-es"),
        "a population ranks points and averages the noise out; differences and line searches follow it",
        "Beyer (2000), Evolutionary algorithms in noisy environments, Comput. Methods Appl. Mech. Engrg. 186",
    ),
    Rule(
        "large",
        f"there are {LARGE:,} parameters or more, and no gradient",
        lambda it: not it.gradient and it.n >= LARGE,
        ("adam", "nevergrad-diagonal-cma", "one-plus-one-es"),
        "difference quotients would take as many evaluations a step as there are parameters; SPSA takes two",
        "Spall (1992), Multivariate stochastic approximation, IEEE Transactions on Automatic Control 37",
        "spsa",
    ),
    Rule(
        "slope",
        "there is an exact gradient, and one valley as far as was seen",
        lambda it: it.gradient and it.rugged is not True,
        ("lbfgs", "bfgs", "scipy-slsqp", "scipy-lbfgsb", "scipy-bfgs", "nlopt-lbfgs", "conjugate-gradients"),
        "a quasi-Newton method learns the curvature from gradients, and needs the fewest of them",
        "Nocedal and Wright (2006), Numerical Optimization, chapters 6 and 7",
    ),
    Rule(
        "low",
        f"there are at most 3 parameters, and {MANY} evaluations or more for each",
        lambda it: it.n <= 3 and it.each >= MANY,
        ("auto", "scipy-differential-evolution", "differential-evolution", "cma-es", "nlopt-sbplx"),
        "so few parameters can be searched everywhere",
        "docs/benchmarks.md, Choosing: BBOB in 2 dimensions",
    ),
    Rule(
        "valleys",
        f"lines through the region have several minima, and there are {FEW} evaluations or more for each parameter",
        lambda it: it.rugged is True and it.each >= FEW,
        ("auto", "cma-es", "covariance-adaptation", "scipy-differential-evolution", "nlopt-crs2-lm"),
        "a population looks over the hills between the valleys, where a descent ends in the first one",
        "docs/benchmarks.md, Choosing: BBOB, 2,000 evaluations for each parameter",
    ),
    Rule(
        "kinks",
        "it is not smooth everywhere that was looked at",
        lambda it: it.smooth is False,
        ("nlopt-sbplx", "nelder-mead", "cma-es", "covariance-adaptation", "one-plus-one-es"),
        "methods that compare values do not mind kinks; differences across one are no slope",
        "Conn, Scheinberg and Vicente (2009), Introduction to Derivative-Free Optimization, chapter 8",
    ),
    Rule(
        "few",
        f"it is smooth as far as was seen, and there are fewer than {FEW} evaluations for each parameter",
        lambda it: it.smooth is not False and it.each < FEW,
        ("lbfgs", "scipy-lbfgsb", "bfgs", "auto", "scipy-cobyqa", "nlopt-praxis"),
        "a quasi-Newton method by differences goes down in some tens of n evaluations, before others have looked round",
        "docs/benchmarks.md, Choosing: the 53 problems of Moré and Wild",
        "forward-difference",
    ),
    Rule(
        "else",
        "nothing else settles it",
        lambda it: True,
        ("auto", "scipy-slsqp", "lbfgs", "nlopt-sbplx", "covariance-adaptation", "one-plus-one-es", "random-search"),
        "a portfolio tries several methods and goes on with what works",
        "docs/benchmarks.md, Choosing: BBOB, 200 evaluations for each parameter",
        "forward-difference",
    ),
)
"""All of them, the first that hold count most."""
