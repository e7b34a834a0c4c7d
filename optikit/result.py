"""The result of a run: the point, how it was found, and why the run ended."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit.history import History
from optikit.stop import StopReason


@dataclass(kw_only=True, slots=True)
class Result:
    """What `optikit.minimize` returns; names and meanings are SciPy's where SciPy has them."""

    x: Any
    """The best point seen, in the structure of `x0`; the best feasible one, or the least violating if none was seen."""
    fun: float
    """The value there."""
    violation: float = 0.0
    """The largest amount by which a constraint is violated there, in the constraint's own unit; 0.0 where none is, and
    infinite where a constraint is NaN or nothing was evaluated."""
    reason: StopReason
    """Why the run ended."""
    message: str
    """The same in one sentence."""
    nfev: int
    """Evaluations of the objective, difference quotients included."""
    njev: int
    """Gradients that the optimizer was given."""
    nit: int
    """Finished steps."""
    nfev_check: int = 0
    """Evaluations of the gradient check before the first step; not in `nfev`, and no part of the budget."""
    nans: int = 0
    """Evaluations that gave NaN and were counted as +inf."""
    seconds: float
    """Wall-clock seconds."""
    history: History = field(repr=False)
    """One value an evaluation, one row a step."""

    @property
    def success(self) -> bool:
        """Whether the run ended as planned: the optimizer arrived, or all epochs are done."""
        return self.reason.success

    def __str__(self) -> str:
        """Show the result on a few lines."""
        rows = {
            "fun": f"{self.fun:.6g}" + (f" (constraints violated by {self.violation:.2g})" if self.violation else ""),
            "x": np.array2string(np.asarray(self.x), precision=6, threshold=10) if _flat(self.x) else self.x,
            "stop": f"{self.reason}: {self.message}",
            "cost": f"{self.nfev:,} evaluations, {self.njev:,} gradients, {self.nit:,} steps",
        }
        return "\n".join(f"{name:>8}: {row}" for name, row in {**rows, **self._held_out()}.items())

    def _held_out(self) -> dict[str, str]:
        return {}


def _flat(x: Any) -> bool:
    return isinstance(x, np.ndarray | float)


@dataclass(kw_only=True, slots=True)
class TrainingResult(Result):
    """What `optikit.fit` returns: `x` are the parameters, `fun` is the objective there.

    That is the mean loss over all training samples, weighted if they are, plus the L2 penalty if there is one.
    """

    accuracy: float | None = None
    """Fraction of held-out samples labelled right; None without labels or without held-out samples."""
    held_out_loss: float | None = None
    """Mean loss over the held-out samples, without the L2 penalty."""
    train_accuracy: float | None = None
    """Fraction of training samples labelled right."""
    curve: NDArray[Any] = field(repr=False)
    """How it went: rows with the fields `step`, `epoch`, `loss`, `held_out_loss` and `accuracy`.  `loss` is the mean of
    the steps' objectives since the row before, L2 penalty included, NaN at step 0; the other two are of the held-out
    samples, without it."""

    def _held_out(self) -> dict[str, str]:
        """Add a line on the held-out samples, if there are any."""
        if self.held_out_loss is None:
            return {}
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.4f}"
        return {"held out": f"loss {self.held_out_loss:.6g}{accuracy}"}
