"""Nevergrad's populations: differential evolution, particle swarms and evolution strategies."""

import math
from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import Field, model_validator

from optikit_nevergrad.bridge import NevergradOptimizer

Crossover = (
    Annotated[float, Ge(0), Le(1)]
    | Literal["onepoint", "twopoints", "rotated_twopoints", "dimension", "random", "parametrization"]
)
"""Fraction of the coordinates that a child takes from the mutant, or a way to choose them."""


class DE(NevergradOptimizer):
    """Nevergrad's differential evolution: moves towards the best, and by differences between members.

    The first population is normal around the start point.

    References
    ----------
    Storn and Price (1997), "Differential evolution - a simple and efficient heuristic for global optimization over
    continuous spaces", Journal of Global Optimization 11; ``nevergrad.families.DifferentialEvolution``.
    """

    name = "nevergrad-de"
    made_by = "DifferentialEvolution"

    crossover: Crossover = 0.5
    """Fraction of the coordinates that a child takes from the mutant, or a way to choose them."""
    F1: float = Field(default=0.8, ge=0, le=2)
    """Weight of the difference between two members."""
    F2: float = Field(default=0.8, ge=0, le=2)
    """Weight of the difference to the best."""
    popsize: Annotated[int, Ge(4)] | Literal["standard", "dimension", "large", "small"] = "standard"
    """Members: a number, or 30, n + 1, 7 n or n / 7 with a lower limit."""


class TwoPointsDE(DE):
    """Differential evolution whose children take a run of neighbouring coordinates: often nevergrad's best population.

    References
    ----------
    Storn and Price (1997), Journal of Global Optimization 11; Holland (1975), "Adaptation in natural and artificial
    systems", for the crossover; ``nevergrad.optimizers.TwoPointsDE``.
    """

    name = "nevergrad-two-points-de"

    crossover: Crossover = "twopoints"
    """Fraction of the coordinates that a child takes from the mutant, or a way to choose them."""


class RotatedTwoPointsDE(DE):
    """As two-points DE, with the run of coordinates put elsewhere in the child.

    References
    ----------
    Storn and Price (1997), Journal of Global Optimization 11; ``nevergrad.optimizers.RotatedTwoPointsDE``.
    """

    name = "nevergrad-rotated-two-points-de"

    crossover: Crossover = "rotated_twopoints"
    """Fraction of the coordinates that a child takes from the mutant, or a way to choose them."""


class PSO(NevergradOptimizer):
    """Particle swarm: particles with inertia, drawn to their own best point and to the best of all.

    References
    ----------
    Kennedy and Eberhart (1995), "Particle swarm optimization", ICNN; Zambrano-Bigiarini, Clerc and Rojas (2013),
    "Standard particle swarm optimisation 2011 at CEC-2013", CEC; ``nevergrad.families.ConfPSO``.
    """

    name = "nevergrad-pso"
    made_by = "ConfPSO"

    transform: Literal["identity", "arctan", "gaussian"] = "arctan"
    """How the swarm's space is mapped to x."""
    popsize: int | None = Field(default=None, ge=2)
    """Particles; 40, or num_workers if that is more, by default."""
    omega: float = Field(default=0.5 / math.log(2), ge=0, lt=1)
    """Inertia."""
    phip: float = Field(default=0.5 + math.log(2), ge=0)
    """Pull of a particle's own best point."""
    phig: float = Field(default=0.5 + math.log(2), ge=0)
    """Pull of the best point of all."""
    qo: bool = False
    """Whether the first particles come in pairs, on opposite sides."""
    sqo: bool = False
    """Whether their velocities do, too; needs `qo`."""
    so: bool = False
    """Whether the opposite sides are nearer to the middle; needs `sqo`."""

    @model_validator(mode="after")
    def _opposed(self) -> Self:
        for option, needed in (("sqo", "qo"), ("so", "sqo")):
            if getattr(self, option) and not getattr(self, needed):
                raise ValueError(f"{self.name}: {option} needs {needed} = true")
        return self


class RealSpacePSO(PSO):
    """Particle swarm in the space of x itself.

    References
    ----------
    Kennedy and Eberhart (1995), "Particle swarm optimization", ICNN; ``nevergrad.optimizers.RealSpacePSO``.
    """

    name = "nevergrad-real-space-pso"

    transform: Literal["identity", "arctan", "gaussian"] = "identity"
    """How the swarm's space is mapped to x."""


class SQOPSO(PSO):
    """Particle swarm that begins with pairs of opposite particles and velocities.

    References
    ----------
    Rahnamayan, Tizhoosh and Salama (2007), "Quasi-oppositional differential evolution", CEC, for the start;
    ``nevergrad.optimizers.SQOPSO``.
    """

    name = "nevergrad-sqopso"

    qo: bool = True
    """Whether the first particles come in pairs, on opposite sides."""
    sqo: bool = True
    """Whether their velocities do, too; needs `qo`."""


class ES(NevergradOptimizer):
    """Evolution strategy (mu, lambda): the best of the children are the next parents.

    References
    ----------
    Beyer and Schwefel (2002), "Evolution strategies - a comprehensive introduction", Natural Computing 1;
    ``nevergrad.families.EvolutionStrategy``.
    """

    name = "nevergrad-es"
    made_by = "EvolutionStrategy"

    recombination_ratio: float = Field(default=0.0, ge=0, le=1)
    """Fraction of the children that have two parents."""
    popsize: int = Field(default=40, ge=1)
    """Parents."""
    offsprings: int = Field(default=60, ge=1)
    """Children in a generation.  Nevergrad's None, by which each child competes with its parent at once, is left out,
    as an experiment file could not say it."""
    only_offsprings: bool = True
    """Whether parents die: needs more offsprings than popsize."""

    @model_validator(mode="after")
    def _replaced(self) -> Self:
        if self.only_offsprings and self.offsprings <= self.popsize:
            raise ValueError(f"{self.name}: only_offsprings needs more offsprings than popsize")
        return self


class RecES(ES):
    """Evolution strategy (mu, lambda) in which all children have two parents.

    References
    ----------
    Beyer and Schwefel (2002), "Evolution strategies - a comprehensive introduction", Natural Computing 1;
    ``nevergrad.optimizers.RecES``.
    """

    name = "nevergrad-rec-es"

    recombination_ratio: float = Field(default=1.0, ge=0, le=1)
    """Fraction of the children that have two parents."""
