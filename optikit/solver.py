"""A solver: an optimizer of somebody else's that owns its loop, as one long step.

Such a loop cannot be taken apart, and need not be: the oracle counts its evaluations, ends it from inside, and keeps
the best point.  A solver compares values with each other and takes differences of gradients, which means nothing
between minibatches.  So it always minimises over all samples, and each of its evaluations is an epoch.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from optikit.optimizer import Optimizer, State
from optikit.oracle import Oracle
from optikit.stop import Stop
from optikit.types import Array


@dataclass(kw_only=True, slots=True)
class SolverState(State):
    """The start point, or what the solver found, and its source of randomness."""

    rng: np.random.Generator


_OWN = ("maxiter", "max_iter", "niter")
"""What libraries call a limit of their own iterations."""


class Solver(Optimizer[SolverState]):
    """An optimizer that does everything in one step; authors write `solve`."""

    @abstractmethod
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Minimise.

        Parameters
        ----------
        oracle : Oracle
            Answers `value`, `values` and `value_and_grad`, over all samples where there are samples; knows the bounds.
        x0 : ndarray, shape (n,)
            The start point, inside the bounds; not written to.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        x : ndarray, shape (n,)
            The point that the solver recommends, of any dtype; what rounding puts outside the bounds is clipped.
        stop : Stop
            Whether it has arrived, and in its own words why it ended.
        """

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> SolverState:
        """Keep the start point."""
        return SolverState(x=x0, rng=rng)

    @final
    def step(self, oracle: Oracle, state: SolverState) -> SolverState:
        """Solve the problem over all samples."""
        oracle.use_whole()
        x, stop = self.solve(oracle, state.x, state.rng)
        # Libraries call it success when their steps have become small, also where no value was ever finite.
        stop = stop._replace(success=stop.success and math.isfinite(oracle.best_fun))
        return SolverState(x=np.clip(np.asarray(x, dtype=state.x.dtype), *oracle.bounds), stop=stop, rng=state.rng)


def unlimited(optimizer: Optimizer[Any], max_steps: int | None) -> str | None:
    """Say what to pass instead of a limit of steps that would limit nothing.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the steps.
    max_steps : int, optional
        The limit.

    Returns
    -------
    str or None
        One sentence, or None where all is well.
    """
    if max_steps is None or not isinstance(optimizer, Solver):
        return None
    own = next((f" or its own {name}" for name in _OWN if name in type(optimizer).model_fields), "")
    return f"max_steps is {max_steps}, but {optimizer.name} owns its loop, which is one step; pass max_evals{own}"
