"""The result of a run: the point, how it was found, and why the run ended."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit.convergence import Convergence, Improvements, listed
from optikit.history import History
from optikit.names import arrays
from optikit.remedies import MANY, Facts, remedies
from optikit.stop import StopReason

_SHOWN = 10
"""Arrays that are printed."""


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
    """Evaluations that gave NaN; the history counts them as +inf."""
    seconds: float
    """Wall-clock seconds."""
    log: list[str] = field(default_factory=list[str], repr=False)
    """What the optimizer did and why, sentence by sentence, if it is one that tells; `report` shows it."""
    history: History = field(repr=False)
    """One value an evaluation, one row a step."""
    convergence: Convergence = field(default_factory=Convergence, repr=False)
    """What is known of the end besides; `report` tells it."""

    @property
    def success(self) -> bool:
        """Whether the run ended as planned: the optimizer arrived, or all epochs are done."""
        return self.reason.success

    def __str__(self) -> str:
        """Show the result on a few lines."""
        rows = {
            "fun": f"{self.fun:.6g}" + (f" (constraints violated by {self.violation:.2g})" if self.violation else ""),
            **_shown(self.x),
            "stop": f"{self.reason}: {self.message}",
            "cost": f"{self.nfev:,} evaluations, {self.njev:,} gradients, {self.nit:,} steps",
            **self._held_out(),
            **({"next": self.remedies()[0]} if self.amiss else {}),
        }
        return _aligned(rows)

    @property
    def amiss(self) -> bool:
        """Whether there is something to be done about how it went."""
        lost = self.nans + self.convergence.failed
        return bool(self.remedies()) and (not self.success or lost > MANY * self.nfev)

    def remedies(self) -> list[str]:
        """Say what to try next.

        Returns
        -------
        list of str
            Sentences, the most urgent first; none where all is well.
        """
        known, improvements = self.convergence, Improvements.of(self.history)
        facts = Facts(
            reason=self.reason,
            fun=self.fun,
            nfev=self.nfev,
            nans=self.nans,
            failed=known.failed,
            failures=known.failures,
            slope=known.slope,
            bounded=bool(known.bounds),
            feasible=known.feasible,
            compares=known.compares,
            since=self.nfev - max(improvements.evaluations, default=0),
            recent=improvements.recent,
        )
        return remedies(facts)

    def report(self) -> str:
        """Tell how the run converged.

        Returns
        -------
        str
            Some lines: why it stopped; which evaluations improved the best value last, and by how much; the largest
            component of the last gradient, at a bound those aside that point out of it; the share of evaluations that
            failed, gave NaN or an infinity; which bounds and constraints are active at `x`; and what to try next.
        """
        known, nfev = self.convergence, max(self.nfev, 1)
        lost = {"failed": known.failed, "gave NaN": self.nans, "infinite": known.infinite}
        active = {"bounds": known.bounds, "constraints": known.constraints}
        rows = {"stop": f"{self.reason}: {self.message}"}
        if known.compares:
            rows["progress"] = f"{Improvements.of(self.history)}, of {self.nfev:,} evaluations"
        if self.njev:
            largest = "not finite" if math.isnan(known.slope) else f"at most {known.slope:.3g} in any parameter"
            rows["gradient"] = f"{largest}, when last asked for"
        if any(lost.values()):
            rows["lost"] = ", ".join(f"{many / nfev:.1%} {how}" for how, many in lost.items() if many)
        if any(active.values()):
            rows["active"] = "; ".join(f"{kind} {listed(names)}" for kind, names in active.items() if names)
        if self.log:
            rows["log"] = "\n".join(self.log)
        if advice := self.remedies():
            rows["next"] = "\n".join(advice)
        return _aligned(rows)

    def _held_out(self) -> dict[str, str]:
        return {}


def _aligned(rows: dict[str, str]) -> str:
    """Set rows under each other, their names to the left."""
    width = max(8, *map(len, rows))
    indented = "\n" + " " * (width + 2)
    return "\n".join(f"{name:>{width}}: {row.replace(chr(10), indented)}" for name, row in rows.items())


def _shown(x: Any) -> dict[str, str]:
    """Print the first arrays of a structure by name."""
    named = list(arrays(x))
    rows = {name: np.array2string(np.asarray(array), precision=6, threshold=10) for name, array in named[:_SHOWN]}
    return rows if len(named) <= _SHOWN else {**rows, "...": f"and {len(named) - _SHOWN:,} more"}


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
