"""MINUIT, the minimiser of high-energy physics, as one long step.

Bounds are kept by its transformation of x, whose slope is 0 at a bound.  Evaluations and seconds are limited by the
run, so MINUIT's own limit of calls is lifted.
"""

from abc import abstractmethod
from importlib import import_module
from typing import Any, Literal, final

import numpy as np
from pydantic import Field

from optikit import Array, Oracle, Questions, Solver, Stop

UNLIMITED = 2**31 - 1


class Minuit(Solver):
    """An algorithm of MINUIT; authors write `run`, and the fields."""

    requires = "iminuit"

    tol: float = Field(default=0.1, gt=0)
    """Stop when the estimated distance in value to the minimum is below 0.002 times this times `errordef`."""
    errordef: float = Field(default=1.0, gt=0)
    """The rise of the value that counts as one standard deviation: 1 for least squares, 0.5 for likelihoods."""
    strategy: Literal[0, 1, 2] = 1
    """0 saves evaluations, 2 spends them for a safer end."""
    errors: float | None = Field(default=None, gt=0)
    """First step, in units of x; by default a tenth of each coordinate of the start point, or 0.1 where that is 0."""
    precision: float | None = Field(default=None, gt=0, lt=1)
    """Relative accuracy of the values; that of float64 by default."""

    @abstractmethod
    def run(self, minuit: Any) -> None:
        """Start the algorithm."""

    def slope(self, ask: Questions) -> Any:
        """Give MINUIT a function for the gradient, or None."""
        return None

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Call MINUIT, and put its outcome into optikit's words."""
        ask = Questions(oracle, x0)
        low, high = ask.bounds
        minuit = import_module("iminuit").Minuit(ask.capped, ask.x0, grad=self.slope(ask))
        minuit.limits = list(zip(low, high, strict=True))
        minuit.fixed = (low == high).tolist()
        minuit.tol, minuit.errordef, minuit.strategy = self.tol, self.errordef, self.strategy
        minuit.precision, minuit.print_level = self.precision, 0
        if self.errors is not None:
            minuit.errors = [self.errors] * len(ask.x0)
        if not all(minuit.fixed):
            self.run(minuit)
        else:
            ask.value(ask.x0)
            return ask.x0, Stop(True, "The bounds leave one point.")
        success = minuit.valid and minuit.fval < ask.LARGE
        message = "MINUIT has arrived." if success else "MINUIT has not found a valid minimum."
        return np.array(minuit.values), Stop(success, message)


class Migrad(Minuit):
    """MIGRAD: a quasi-Newton method with checks of its own, inside bounds.

    Choose it for fits in the way of physicists: a smooth function of up to about fifty parameters.  By default it
    differentiates by its own differences, each value counted; with `grad` it takes the gradient of the run.

    References
    ----------
    James and Roos (1975), "Minuit: a system for function minimization and analysis of the parameter errors and
    correlations", Computer Physics Communications 10; Fletcher (1970), "A new approach to variable metric algorithms",
    The Computer Journal 13.
    """

    name = "minuit-migrad"

    grad: bool = False
    """Whether the run's gradient is taken."""
    iterate: int = Field(default=5, ge=1)
    """How often it may start again where it has not converged."""
    use_simplex: bool = True
    """Whether SIMPLEX goes before another start."""

    def slope(self, ask: Questions) -> Any:
        """Ask for the gradient, if wanted; 0 where the value is not finite."""

        def gradient(x: Array) -> Array:
            return np.nan_to_num(ask.value_and_grad(x)[1])

        return gradient if self.grad else None

    def run(self, minuit: Any) -> None:
        """Start MIGRAD."""
        minuit.migrad(ncall=UNLIMITED, iterate=self.iterate, use_simplex=self.use_simplex)


class Simplex(Minuit):
    """SIMPLEX: MINUIT's variant of Nelder-Mead, inside bounds.

    Choose it to get near a minimum of a rough function; MIGRAD is better at the end.

    References
    ----------
    Nelder and Mead (1965), "A simplex method for function minimization", The Computer Journal 7; James and Roos (1975),
    "Minuit", Computer Physics Communications 10.
    """

    name = "minuit-simplex"

    def run(self, minuit: Any) -> None:
        """Start SIMPLEX."""
        minuit.simplex(ncall=UNLIMITED)
