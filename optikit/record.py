"""The record of a run: what has been answered until now, and which point is the best of all."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit.errors import ObjectiveError
from optikit.failures import Failures, returned
from optikit.feasibility import Constraints
from optikit.history import History, Kept
from optikit.source import Failed
from optikit.stop import StopReason, Unwind
from optikit.types import Array


class Record:
    """Counts answers and keeps the best point.

    Parameters
    ----------
    x0 : ndarray, shape (n,)
        The start point: the best one until something has been evaluated.
    constraints : Constraints, optional
        What the best point shall satisfy besides.
    failures : Failures
        What is told of answers that are no finite number.
    keep : {"values", "points", "best"}
        What the history keeps.
    target : float, optional
        A value that ends the run.
    """

    def __init__(
        self,
        x0: Array,
        constraints: Constraints | None,
        failures: Failures,
        keep: Kept = "values",
        target: float | None = None,
    ) -> None:
        self._target = -math.inf if target is None else target
        self._constraints, self._failures = constraints, failures
        # One attribute, so that an interrupt never finds the value of one point with the coordinates of another: value,
        # point, violation of the constraints.
        self.best: tuple[float, Array, float] = math.inf, x0.copy(), math.inf if constraints else 0.0
        self.history = History(keep=keep, constrained=constraints is not None)
        self.nans = 0
        """Evaluations that gave NaN."""
        self.infinite = 0
        """Evaluations that gave an infinity, and the run went on."""
        self.failed = 0
        """Evaluations that raised, or hung."""
        self.worst = -math.inf
        """The highest finite value until now, where penalties are made of it."""
        self._weighs = "penalise" in (failures.error, failures.nan, failures.inf, failures.minus_inf)

    @property
    def nfev(self) -> int:
        """Evaluations until now."""
        return self.history.nfev

    @property
    def best_fun(self) -> float:
        """The lowest value until now, with constraints at a feasible point; infinite if there is none."""
        return self.best[0] if self.feasible else math.inf

    @property
    def feasible(self) -> bool:
        """Whether the best point satisfies the constraints, within the tolerance."""
        return self._constraints is None or self.best[2] <= self._constraints.tolerance

    @property
    def shared(self) -> bool:
        """Whether answers that come as an array can be taken: they are told as they are."""
        return self._constraints is None and not self._weighs and self.history.keep != "points"

    def add(self, x: Array, value: float) -> float:
        """Count the answer at a point, (n,), and keep the point if it is the best; give what the optimizer is told.

        Raises
        ------
        ObjectiveError
            If the answer shall end the run.
        Unwind
            If the target is reached.
        """
        if not -math.inf < value < math.inf:
            return self._add_lost(x, value)
        self.history.add(value, x)
        if self._weighs and value > self.worst:
            self.worst = value
        if self._constraints is not None:
            self._compare_feasible(self._constraints, x, value)
        elif value < self.best[0]:
            self.best = value, x.copy(), 0.0
            self.history.add_record(value, x, self.nfev - 1)
            self._aim()
        return value

    def _add_lost(self, x: Array, value: float) -> float:
        """Count an answer that is no finite number."""
        reason = value.reason if isinstance(value, Failed) else None
        action = self._failures.action(value, failed=reason is not None)
        if action == "raise":
            self.history.end(reason or returned(value))
            raise self._refusal(value, self.nfev + 1, reason)
        if reason is not None:
            self.failed += 1
        elif math.isnan(value):
            self.nans += 1
        else:
            self.infinite += 1
        self.history.add_lost(value, x, reason)
        return Failures.penalty(self.worst) if action == "penalise" else math.inf

    @staticmethod
    def _refusal(value: float, evaluation: int, reason: str | None) -> ObjectiveError:
        what = f"failed with {reason}" if reason else returned(value)
        beats = ", which nothing can beat" if value == -math.inf else ""
        return ObjectiveError(f"the objective {what} at evaluation {evaluation}{beats}")

    def add_complex(self, x: Array, value: complex) -> None:
        """Count the answer at a complex point, which no run can return: history gets the real part."""
        if np.isnan(value):
            self.nans += 1
            self.history.add_lost(math.nan, x, None)
        else:
            self.infinite += int(np.isinf(value))
            self.history.add(value.real, x)

    def add_shifted(self, x: Array, steps: Array, values: NDArray[np.float64], most: int | None) -> NDArray[np.float64]:
        """Count the answers at ``x + steps_ij e_j``, (k, n), where `shared`; give what the optimizer is told.

        None is counted that comes after the target, or after so many as there may be at most: alone, it would not have
        been asked for.
        """
        if most is not None and most < values.size:
            values = values.ravel()[:most]
        reached = np.flatnonzero((values <= self._target) & (values > -math.inf))
        if reached.size:
            values = values.ravel()[: reached[0] + 1]
        finite = np.isfinite(values)
        if not finite.all():
            for number in np.flatnonzero(~finite):
                value = float(values.flat[number])
                if self._failures.action(value, failed=False) == "raise":
                    raise self._refusal(value, self.nfev + int(number) + 1, None)
            self.nans += int(np.isnan(values).sum())
            self.infinite += int(np.isinf(values).sum())
        before = self.nfev
        self.history.add_all(values.ravel())
        values = np.where(finite, values, math.inf)
        lowest = int(values.argmin())
        which, coordinate = divmod(lowest, len(x))
        value = float(values.flat[lowest])
        if value < self.best[0]:
            moved = x.copy()
            moved[coordinate] += steps[which, coordinate]
            self.best = value, moved, 0.0
            self.history.add_record(value, moved, before + lowest)
            self._aim()
        return values

    def _aim(self) -> None:
        """End the run if the target is reached."""
        if (reached := self.reached()) is not None:
            raise reached

    def reached(self) -> Unwind | None:
        """Give the end of the run if the target is reached."""
        if not self.best_fun <= self._target:
            return None
        said = f"The value {self.best_fun:.6g} is at or below the target, {self._target:g}."
        return Unwind(StopReason.TARGET, said)

    def _compare_feasible(self, constraints: Constraints, x: Array, value: float) -> None:
        """Keep the best feasible point; until there is one, the least violating.

        Constraints are only asked where that matters.
        """
        if value >= self.best_fun:
            return
        best, _, least = self.best
        violation = constraints.violation(x)
        if violation <= constraints.tolerance:
            self.best = value, x.copy(), violation
            self.history.add_record(value, x, self.nfev - 1)
            self._aim()
        elif not self.feasible and (violation, value) < (least, best):
            self.best = value, x.copy(), violation

    def memory(self) -> dict[str, Any]:
        """Give what a continued run has to know, but for what each evaluation gave."""
        history = self.history
        counts = {"nfev": history.nfev, "nit": history.nit, "nans": self.nans, "failed": self.failed}
        counts["infinite"] = self.infinite
        # Of other histories they are found with the evaluations.
        failures = history.reasons if history.keep == "best" else {}
        return {"best": self.best, "worst": self.worst, "records": history.records(), "failures": failures, **counts}

    def recall(self, memory: dict[str, Any], refill: Callable[[History, int, int, int], None]) -> None:
        """Go on from there; `refill` puts evaluations and steps into the history."""
        value, x, violation = memory["best"]
        if x.shape != self.best[1].shape or x.dtype != self.best[1].dtype:
            raise ValueError("the best point is no point")
        self.best = float(value), x, float(violation)
        self.worst, self.nans, self.failed = float(memory["worst"]), int(memory["nans"]), int(memory["failed"])
        self.infinite = int(memory.get("infinite", 0))  # older checkpoints have not counted them
        self.history.reasons.update({int(number): str(why) for number, why in memory["failures"].items()})
        nfev, nit, (numbers, *_) = int(memory["nfev"]), int(memory["nit"]), memory["records"]
        if min(nfev, nit, *numbers.tolist()) < 0 or max(numbers.tolist(), default=-1) >= nfev:
            raise ValueError("there are no such evaluations")
        refill(self.history, nfev, nit, len(self.best[1]))
        self.history.recall_records(memory["records"])
