"""Nevergrad's search distributions: CMA-ES, and strategies that estimate a distribution from the best points."""

from typing import Any, Self

from pydantic import Field, model_validator

from optikit import InputError
from optikit_nevergrad.bridge import NevergradOptimizer


class CMA(NevergradOptimizer):
    """CMA-ES, by the package cma: a normal distribution that adapts to the valley.

    The first choice of nevergrad's for rough functions of three to a hundred parameters.  For a single parameter
    nevergrad would need another package; there it is refused.

    References
    ----------
    Hansen and Ostermeier (2001), "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9; ``nevergrad.families.ParametrizedCMA``.
    """

    name = "nevergrad-cma"
    made_by = "ParametrizedCMA"

    scale: float = Field(default=1.0, gt=0)
    """Scale of the first step."""
    elitist: bool = False
    """Whether the best point stays in the population."""
    popsize: int | None = Field(default=None, ge=2)
    """Points in a generation; by `popsize_factor` if not given."""
    popsize_factor: float = Field(default=3.0, gt=0)
    """Points in a generation are 4 + popsize_factor log n."""
    diagonal: bool = False
    """Whether the covariance is diagonal: for many parameters, and where they do not interact."""
    random_init: bool = False
    """Whether it starts at a random point, not at the start point."""

    def made(self, ng: Any, n: int) -> Any:
        """Refuse a single parameter, before anything is asked."""
        if n == 1:
            raise InputError(f"{self.name} needs two or more free parameters; choose nevergrad-one-plus-one")
        return super().made(ng, n)


class DiagonalCMA(CMA):
    """CMA-ES with a diagonal covariance: for many parameters.

    References
    ----------
    Ros and Hansen (2008), "A simple modification in CMA-ES achieving linear time and space complexity", PPSN X;
    ``nevergrad.optimizers.DiagonalCMA``.
    """

    name = "nevergrad-diagonal-cma"

    diagonal: bool = True
    """Whether the covariance is diagonal."""


class TBPSA(NevergradOptimizer):
    """Test-based adaptation of the population's size: for functions with much noise, of many parameters, too.

    References
    ----------
    Hellwig and Beyer (2016), "Evolution under strong noise: a self-adaptive evolution strategy can reach the lower
    performance bound - the pcCMSA-ES", PPSN XIV; ``nevergrad.families.ParametrizedTBPSA``.
    """

    name = "nevergrad-tbpsa"
    made_by = "ParametrizedTBPSA"

    initial_popsize: int | None = Field(default=None, ge=1)
    """A quarter of the first population, its best members; n by default."""


class EMNA(NevergradOptimizer):
    """Estimation of a multivariate normal distribution, from the best of a large population; for large batches.

    References
    ----------
    Larrañaga and Lozano (2002), "Estimation of distribution algorithms"; ``nevergrad.families.EMNA``.
    """

    name = "nevergrad-emna"
    made_by = "EMNA"
    smallest = 4

    isotropic: bool = True
    """Whether all coordinates have the same standard deviation."""
    population_size_adaptation: bool = False
    """Whether the population grows with the noise."""
    initial_popsize: int | None = Field(default=None, ge=1)
    """A quarter of the first population, its best members; n by default.  Needs `population_size_adaptation`, without
    which the population has 64 members, 4 n if that is more, or the budget if that is less."""

    @model_validator(mode="after")
    def _adapts(self) -> Self:
        if self.initial_popsize is not None and not self.population_size_adaptation:
            raise ValueError(f"{self.name}: initial_popsize needs population_size_adaptation = true")
        return self


class EDA(NevergradOptimizer):
    """Nevergrad's estimation of distribution: the covariance of the best points, and their mean.

    References
    ----------
    Larrañaga and Lozano (2002), "Estimation of distribution algorithms"; ``nevergrad.optimizers.EDA``.
    """

    name = "nevergrad-eda"
    made_by = "EDA"
