"""Optuna's samplers for real parameters."""

from typing import Literal, Self

from pydantic import Field, model_validator

from optikit_optuna.bridge import OptunaSampler


class Random(OptunaSampler):
    """Optuna's random search, uniform in the box; mostly of use to compare with.

    References
    ----------
    Bergstra and Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13;
    ``optuna.samplers.RandomSampler``.
    """

    name = "optuna-random"
    sampler = "RandomSampler"


class TPE(OptunaSampler):
    """Tree-structured Parzen estimator: models where good and bad points lie, and samples where good is likelier.

    Choose it for rough functions that take seconds or more, with budgets of a hundred to a thousand; its own work is
    a few milliseconds a trial, and grows.

    References
    ----------
    Bergstra, Bardenet, Bengio and Kégl (2011), "Algorithms for hyper-parameter optimization", NeurIPS 24; Watanabe
    (2023), "Tree-structured Parzen estimator: understanding its algorithm components", arXiv:2304.11127;
    ``optuna.samplers.TPESampler``.
    """

    name = "optuna-tpe"
    sampler = "TPESampler"

    n_startup_trials: int = Field(default=10, ge=0)
    """Random trials before the first model."""
    n_ei_candidates: int = Field(default=24, ge=1)
    """Candidates of which the likeliest is taken."""
    multivariate: bool | None = None
    """Whether parameters are modelled together."""
    group: bool = False
    """Whether the joint model is by groups of parameters; needs `multivariate`."""
    constant_liar: bool | None = None
    """Whether trials that run are taken as bad, so that those of a batch do not lie together."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.group and not self.multivariate:
            raise ValueError("optuna-tpe: group needs multivariate = true")
        return self


class CMAES(OptunaSampler):
    """CMA-ES by the package cmaes: a normal distribution that adapts to the valley.

    It begins at the middle of the box, whatever the start point.  Choose it for up to about a hundred parameters and
    some thousand evaluations; in one dimension, for which it is not made, Optuna samples at random.

    References
    ----------
    Hansen and Ostermeier (2001), "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9; Nomura and Shibata (2024), "cmaes: a simple yet practical Python library for CMA-ES",
    arXiv:2402.01373; ``optuna.samplers.CmaEsSampler``.
    """

    name = "optuna-cmaes"
    sampler = "CmaEsSampler"

    n_startup_trials: int = Field(default=1, ge=0)
    """Random trials before the first generation."""
    popsize: int | None = Field(default=None, ge=2)
    """Trials in a generation; 4 + 3 log n by default."""
    use_separable_cma: bool = False
    """Whether the covariance is diagonal: fewer evaluations where parameters do not interact."""
    lr_adapt: bool = False
    """Whether the learning rate is adapted, for rough and noisy functions."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.use_separable_cma and self.lr_adapt:
            raise ValueError("optuna-cmaes: lr_adapt does not go with use_separable_cma")
        return self


class QMC(OptunaSampler):
    """Quasi-random points that fill the box evenly.

    References
    ----------
    Bergstra and Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13;
    ``optuna.samplers.QMCSampler``.
    """

    name = "optuna-qmc"
    sampler = "QMCSampler"

    qmc_type: Literal["halton", "sobol"] = "sobol"
    """Which sequence."""
    scramble: bool = False
    """Whether it is randomised."""
