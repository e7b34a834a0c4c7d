"""Py-BOBYQA as one long step."""

import warnings
from importlib import import_module
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from optikit import Array, InputError, Oracle, Questions, Solver, Stop

INFINITE = 1e20
"""What Py-BOBYQA takes for no bound."""


class PyBobyqa(Solver):
    """Py-BOBYQA: a trust region around a quadratic model through few points, inside bounds.

    BOBYQA in Python with improvements: choose it for a smooth function without gradient of up to about a hundred
    parameters, whose values take so long that the time between them does not count.

    Deviations from Py-BOBYQA: the default of `maxfun` is not 100 (n + 1), as the run has limits; that of `rhobeg` is
    at most half the distance of the nearest bounds.  Its restarts (``objfun_has_noise``, ``seek_global_minimum``)
    draw from NumPy's global generator, which optikit leaves alone, so they are left out.

    References
    ----------
    Cartis, Fiala, Marteau and Roberts (2019), "Improving the flexibility and robustness of model-based derivative-free
    optimization solvers", ACM TOMS 45; Powell (2009), "The BOBYQA algorithm for bound constrained optimization without
    derivatives", report NA2009/06, University of Cambridge.
    """

    name = "py-bobyqa"
    requires = "pybobyqa"

    npt: int | None = Field(default=None, ge=2)
    """Points of the model, from n + 1 to (n + 1)(n + 2) / 2; 2n + 1 by default."""
    rhobeg: float | None = Field(default=None, gt=0)
    """First radius of the trust region, in units of x, or of the box if it is scaled; a tenth of the largest coordinate
    of the start point or of 1 by default."""
    rhoend: float = Field(default=1e-8, gt=0)
    """Last radius of the trust region: about the accuracy of x; must be below `rhobeg`."""
    maxfun: int | None = Field(default=None, ge=1, le=10**8)
    """Evaluations for which memory is set aside, and which end the search; 10,000 (n + 1) by default."""
    scaling_within_bounds: bool = False
    """Whether x is scaled to the box, which must be finite then."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.rhobeg is not None and self.rhobeg <= self.rhoend:
            raise ValueError(f"rhoend is {self.rhoend}, but must be below rhobeg, {self.rhobeg}")
        return self

    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Call Py-BOBYQA, and put its outcome into optikit's words."""
        ask = Questions(oracle, x0)
        low, high = ask.box if self.scaling_within_bounds else ask.bounds
        gap = 1.0 if self.scaling_within_bounds else float((high - low).min())
        if not gap > 0:
            raise InputError(f"{self.name} needs a distance between the bounds of every parameter; leave out the fixed")
        rhobeg = self.rhobeg or min(0.1 if self.scaling_within_bounds else 0.1 * max(abs(ask.x0).max(), 1.0), gap / 2)
        arguments: dict[str, Any] = {
            "bounds": (np.maximum(low, -INFINITE), np.minimum(high, INFINITE)) if ask.bounded else None,
            "npt": self.npt,
            "rhobeg": rhobeg,
            "rhoend": min(self.rhoend, rhobeg / 10),
            "scaling_within_bounds": self.scaling_within_bounds,
            "maxfun": self.maxfun or 10_000 * (len(x0) + 1),
            "do_logging": False,
        }
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"pybobyqa\.")  # of values that overflow; the oracle tells
            found = import_module("pybobyqa").solve(ask.capped, ask.x0, **arguments)
        if found.flag == found.EXIT_INPUT_ERROR:
            raise InputError(f"Py-BOBYQA cannot be used for this problem: {found.msg}")
        return found.x, Stop(found.flag == found.EXIT_SUCCESS and found.f < ask.LARGE, f"Py-BOBYQA says: {found.msg}.")
