"""Nevergrad's (1+1) evolution strategies: one parent, one child, and many ways to mutate."""

from typing import Literal, Self

from pydantic import model_validator

from optikit_nevergrad.bridge import NevergradOptimizer

Mutation = Literal[
    "gaussian", "cauchy", "discrete", "discreteBSO", "fastga", "doublefastga", "rls", "portfolio", "lengler",
    "lengler2", "lengler3", "lenglerhalf", "lenglerfourth",
]  # fmt: skip
"""How a child is made: noise on all coordinates, or new values for a few of them."""
NoiseHandling = Literal["none", "random", "optimistic"]
"""Which point is evaluated once more."""


class OnePlusOne(NevergradOptimizer):
    """(1+1) evolution strategy: a normal step whose size follows the one-fifth rule.

    Simple, fast and robust, for any number of parameters.

    References
    ----------
    Schumer and Steiglitz (1968), "Adaptive step size random search", IEEE Transactions on Automatic Control 13;
    Rechenberg (1973), "Evolutionsstrategie"; ``nevergrad.families.ParametrizedOnePlusOne``.
    """

    name = "nevergrad-one-plus-one"
    made_by = "ParametrizedOnePlusOne"

    noise_handling: NoiseHandling = "none"
    """Which point is evaluated once more, now and then, for functions with noise: any, the best, or none."""
    mutation: Mutation = "gaussian"
    """How a child is made."""
    crossover: bool = False
    """Whether every other child is a crossover with an earlier point."""
    rotation: bool = False
    """Whether that crossover rotates the coordinates; needs `crossover`."""

    @model_validator(mode="after")
    def _crosses(self) -> Self:
        if self.rotation and not self.crossover:
            raise ValueError(f"{self.name}: rotation needs crossover = true")
        return self


class OptimisticNoisyOnePlusOne(OnePlusOne):
    """(1+1) evolution strategy for functions with noise: the best point is evaluated again and again.

    References
    ----------
    Schumer and Steiglitz (1968), "Adaptive step size random search", IEEE Transactions on Automatic Control 13;
    ``nevergrad.optimizers.OptimisticNoisyOnePlusOne``.
    """

    name = "nevergrad-optimistic-noisy-one-plus-one"

    noise_handling: NoiseHandling = "optimistic"
    """Which point is evaluated once more, now and then: any, the best, or none."""


class DiscreteOnePlusOne(OnePlusOne):
    """(1+1) that draws few coordinates anew, one on average; for parameters that hardly interact.

    References
    ----------
    Droste, Jansen and Wegener (2002), "On the analysis of the (1+1) evolutionary algorithm", Theoretical Computer
    Science 276; ``nevergrad.optimizers.DiscreteOnePlusOne``.
    """

    name = "nevergrad-discrete-one-plus-one"

    mutation: Mutation = "discrete"
    """How a child is made."""


class PortfolioDiscreteOnePlusOne(OnePlusOne):
    """(1+1) that draws a random number of coordinates anew.

    References
    ----------
    Dang and Lehre (2016), "Self-adaptation of mutation rates in non-elitist populations", PPSN XIV;
    ``nevergrad.optimizers.PortfolioDiscreteOnePlusOne``.
    """

    name = "nevergrad-portfolio-discrete-one-plus-one"

    mutation: Mutation = "portfolio"
    """How a child is made."""
