"""PyTorch's L-BFGS, as a solver: it asks through a closure, more than once a step."""

from importlib import import_module
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from optikit import Array, Oracle, Questions, Solver, Stop

_UNLIMITED = 2**31 - 1


class LBFGS(Solver):
    """PyTorch's L-BFGS: quasi-Newton with a short memory, without bounds.

    Give `line_search_fn` for anything but simple functions: by default every step has the full length.  It minimises
    over all samples.  `scipy-lbfgsb` takes fewer evaluations mostly, and bounds.

    References
    ----------
    Liu and Nocedal (1989), "On the limited memory BFGS method for large scale optimization", Mathematical Programming
    45; ``torch.optim.LBFGS``.
    """

    name = "torch-lbfgs"
    requires: ClassVar[str | None] = "torch"

    lr: float = Field(default=1.0, gt=0)
    """Length of a step, in units of the quasi-Newton step."""
    max_iter: int | None = Field(default=None, ge=1, le=_UNLIMITED)
    """Iterations; by default only the limits of the run count, not PyTorch's 20 a step."""
    tolerance_grad: float = Field(default=1e-7, ge=0)
    """Stop when no component of the gradient exceeds this."""
    tolerance_change: float = Field(default=1e-9, ge=0)
    """Stop when value or x change by less than this."""
    history_size: int = Field(default=100, ge=1)
    """Pairs of steps and changes of the gradient that are remembered."""
    line_search_fn: Literal["strong_wolfe"] | None = None
    """How the length of a step is found; none by default."""

    def solve(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> tuple[Array, Stop]:
        """Let PyTorch iterate until it stops."""
        torch: Any = import_module("torch")
        ask = Questions(oracle, x0)
        x = torch.from_numpy(ask.x0.copy())
        options = {**self.model_dump(), "max_iter": self.max_iter or _UNLIMITED, "max_eval": _UNLIMITED}
        solver = torch.optim.LBFGS([x], **options)

        def closure() -> Any:
            value, gradient = ask.value_and_grad(x.numpy())
            x.grad = torch.from_numpy(gradient)
            return torch.tensor(value, dtype=torch.float64)

        solver.step(closure)
        iterations = solver.state[x]["n_iter"]
        if iterations == self.max_iter:
            return x.numpy(), Stop(False, f"All max_iter = {iterations} iterations are done.")
        return x.numpy(), Stop(True, "Gradient, value or x meet tolerance_grad or tolerance_change.")
