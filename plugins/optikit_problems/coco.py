"""COCO's functions: 24 with instances, each of which has another minimum, other rotations and other deformations.

The functions are COCO's own, evaluated by its code.  Its problem objects belong to one thread of one process, so every
thread that asks makes its own; they are the same function.
"""

import threading
from typing import Any

import numpy as np
from pydantic import Field

from optikit import Array, Benchmark, InputError, Problem, import_library


class Bbob(Benchmark):
    """One of the 24 noiseless functions of COCO's suite ``bbob``.

    1 to 5 are separable, 6 to 9 moderately conditioned, 10 to 14 ill-conditioned, 15 to 19 multimodal with a global
    structure and 20 to 24 without.  They have no gradient of their own.  Starts are drawn uniformly from [-4, 4], as
    most published experiments on the suite draw them; minima lie in [-5, 5], which are the bounds.

    References
    ----------
    Hansen, Finck, Ros and Auger, "Real-parameter black-box optimization benchmarking 2009: noiseless functions
    definitions", INRIA RR-6829, 2009; Hansen, Auger, Ros, Mersmann, Tušar and Brockhoff, "COCO: a platform for
    comparing continuous optimizers in a black-box setting", Optimization Methods and Software 36, 2021.
    """

    name = "bbob"
    requires = "cocoex"

    function: int = Field(default=1, ge=1, le=24)
    """Which function, by COCO's number."""
    dimension: int = Field(default=5, ge=2, le=1000)
    """Number of coordinates; published results are for 2, 3, 5, 10, 20 and 40."""
    instance: int = Field(default=1, ge=1, le=2**31 - 1)
    """Which instance; published results are for 1 to 15 and, in some years, others below 100."""

    def made(self) -> Any:
        """Make COCO's problem object, for this thread alone; it is freed when it is forgotten."""
        return import_library("cocoex").BareProblem("bbob", self.function, self.dimension, self.instance)

    def pose(self) -> Problem:
        """Make the problem, in its box."""
        return Problem(_Posed(self), bounds=(-5.0, 5.0))

    def start(self, rng: np.random.Generator) -> Array:
        """Draw a point, (n,), uniformly from [-4, 4]."""
        return rng.uniform(-4, 4, size=self.dimension)

    @property
    def minimum(self) -> float:
        """The lowest value, which COCO knows."""
        return self.made().best_value()

    @property
    def minimizer(self) -> Array:
        """The point where it is, which COCO knows; of several, one."""
        return np.array(self.made().best_parameter())


class _Posed:
    """The function, with a problem object of COCO's for each thread that calls it, and none on its way to another."""

    def __init__(self, which: Bbob) -> None:
        self._which, self._own = which, threading.local()

    def __reduce__(self) -> Any:
        return _Posed, (self._which,)

    def __call__(self, x: Array) -> float:
        if x.shape != (self._which.dimension,):  # COCO's code would read on behind the end of the array
            wanted = f"the dimension is {self._which.dimension}; give as many numbers"
            raise InputError(f"bbob: the point has shape {x.shape}, but {wanted}")
        if not hasattr(self._own, "problem"):
            self._own.problem = self._which.made()
        return self._own.problem(x.astype(np.float64, copy=False))
