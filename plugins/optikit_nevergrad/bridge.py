"""The bridge to nevergrad: an optimizer that is asked and told, and knows how long the run will be.

Nevergrad's names and defaults are kept.  No fields are options by which it would draw from NumPy's global generator,
and those without effect here: for several objectives, and for the recommendation, as the best point seen is returned.
Methods of other libraries that nevergrad wraps in turn, in threads, are left to those libraries.
"""

import math
import warnings
from functools import partial
from traceback import clear_frames
from typing import Any, ClassVar, final

import numpy as np
from pydantic import Field

from optikit import Array, Oracle, Questions, Solver, Stop, import_library


class NevergradOptimizer(Solver):
    """An optimizer of nevergrad; authors write the fields.

    It takes finite bounds or none.  It knows no end: it asks until a limit of the run is reached.  The limit of
    evaluations is nevergrad's budget, by which many of its optimizers plan; without one they plan for 10,000 (n + 1).
    """

    requires = "nevergrad"
    made_by: ClassVar[str]
    """Name in ``nevergrad.families``, or else among the registered optimizers, which have no options."""
    smallest: ClassVar[int] = 1
    """The smallest budget by which it can plan; in a smaller one it is asked as far as that goes."""

    num_workers: int = Field(default=1, ge=1)
    """Points that are asked for before any of them is told, and evaluated as one batch."""
    sigma: float | None = Field(default=None, gt=0)
    """Standard deviation of the first moves, in units of x; by default a sixth of the box, 1 without bounds."""

    @final
    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Ask and tell for ever; the oracle ends it."""
        ng, ask = import_library("nevergrad"), Questions(oracle, x0)
        low, high = ask.box if ask.bounded else ask.bounds
        # Nevergrad refuses bounds that meet.
        free = low < high
        if not free.any():
            ask.value(ask.x0)
            return ask.x0, Stop(True, "The bounds leave no room.")
        space = ng.p.Array(init=ask.x0[free])
        if self.sigma is not None or ask.bounded:
            space.set_mutation(sigma=self.sigma or (high - low)[free] / 6)
        # Between the two: all parts that are there get it, and bounds draw a seed of their own where there is none.
        space.random_state = np.random.RandomState(int(rng.integers(2**32)))
        if ask.bounded:
            _quietly(partial(space.set_bounds, low[free], high[free], full_range_sampling=False))
        left = oracle.evaluations_left
        budget = 10_000 * (len(x0) + 1) if left == math.inf else max(int(left), self.smallest)
        try:
            search = _quietly(self.made(ng, int(free.sum())), space, budget, self.num_workers)
            while True:
                number = int(min(self.num_workers, oracle.evaluations_left))
                trials = [_quietly(search.ask) for _ in range(number)]
                # Some refuse to be asked beyond the budget; then the oracle is asked once more, and ends the run.
                points = np.tile(ask.x0, (number or 1, 1))
                for point, trial in zip(points, trials, strict=False):
                    point[free] = trial.value
                for trial, value in zip(trials, ask.values(points).tolist(), strict=False):
                    _quietly(search.tell, trial, value)
        except Exception as error:
            # Frames would keep the search alive, and its threads, for which the interpreter would wait at its end.
            clear_frames(error.__traceback__)
            raise
        finally:
            search = None

    def made(self, ng: Any, n: int) -> Any:
        """Give what makes the optimizer of n free parameters."""
        if not hasattr(ng.families, self.made_by):
            return ng.optimizers.registry[self.made_by]
        fields = self.model_dump(exclude={"num_workers", "sigma"})
        # TOML has no null, so "none" is its name.
        options = {name: None if value == "none" else value for name, value in fields.items()}
        # A new one each time, as some write into their options.
        return getattr(ng.families, self.made_by)(**options)


def _quietly(call: Any, *args: Any) -> Any:
    """Call without warnings: of few evaluations, of infinite values, of experimental code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args)
