"""Targets of losses: which sorts a loss takes is found by trying, and those that do not fit have to be refused.

An author may give them instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from optikit.errors import InputError, did_you_mean
from optikit.loss import DifferentiableLoss
from optikit.testing.check import Check
from optikit.testing.subject import Subject, Unposed
from optikit.types import Array, Targets

Draw = Callable[[np.random.Generator, Array], Any]


def _answers(rng: np.random.Generator, outputs: Array) -> Targets:
    return rng.integers(2, size=len(outputs) if outputs.shape[1] == 1 else outputs.shape)


SORTS: dict[str, Draw] = {
    "numbers": lambda rng, outputs: rng.normal(size=outputs.shape),
    "labels": lambda rng, outputs: rng.integers(outputs.shape[1], size=len(outputs)),
    "probabilities": lambda rng, outputs: rng.dirichlet(np.full(outputs.shape[1], 0.7), size=len(outputs)),
    "answers": _answers,
    "signs": lambda rng, outputs: rng.choice([-1.0, 1.0], size=outputs.shape),
}
"""What targets may be: any numbers (batch, k), labels from 0 to k - 1 (batch,), rows of probabilities (batch, k), zeros
and ones (batch, k), or (batch,) for one output, and numbers of -1 and 1 (batch, k)."""

MOST = 4
"""Outputs that are tried."""


@dataclass(eq=False, kw_only=True)
class LossSubject(Subject):
    """A loss under examination.

    Parameters
    ----------
    targets : str or callable, optional
        One of `SORTS`, or a function that draws targets for outputs (batch, k): ``targets(rng, outputs)``.
    """

    targets: Any = None

    def __post_init__(self) -> None:
        """Refuse what draws no targets."""
        if isinstance(self.targets, str) and self.targets not in SORTS:
            raise InputError(f"targets is {self.targets!r}; {did_you_mean(self.targets, SORTS)}")
        if not (self.targets is None or isinstance(self.targets, str) or callable(self.targets)):
            known = f"pass one of {', '.join(SORTS)}, or a function (rng, outputs) -> targets"
            raise InputError(f"targets is {self.targets!r}; {known}")

    @cached_property
    def cases(self) -> list[tuple[str, int]]:
        """The sorts of targets that it takes, each with a number of outputs; with all numbers no other is tried."""
        sorts = ["yours"] if callable(self.targets) else [self.targets] if self.targets else list(SORTS)
        found, said = list[tuple[str, int]](), ""
        for k in range(1, MOST + 1):
            for sort in sorts:
                outputs, targets = self.drawn_rows(np.random.default_rng(k), sort, k, 12)
                try:
                    with np.errstate(all="ignore"):
                        self.component(outputs, targets)
                except Exception as error:
                    said = said or f"{type(error).__name__}: {error}"
                    continue
                found.append((sort, k))
                if sort == "numbers":
                    break
        if not found:
            raise Unposed(
                f"{self.name} takes none of {', '.join(sorts)} with 1 to {MOST} outputs ({said}); "
                "pass targets=, a function (rng, outputs) -> targets, in a test file"
            )
        return found

    @property
    def cased(self) -> st.SearchStrategy[tuple[str, int]]:
        """Draws one of the cases."""
        return st.sampled_from(self.cases)

    def drawn_rows(
        self, rng: np.random.Generator, sort: str, k: int, rows: int, scale: float = 3.0, dtype: Any = np.float64
    ) -> tuple[Array, Any]:
        """Draw outputs and targets."""
        outputs = (scale * rng.uniform(-1, 1, size=(rows, k))).astype(dtype)
        targets = (SORTS[sort] if sort in SORTS else cast("Draw", self.targets))(rng, outputs)
        self.note(outputs=outputs, targets=targets)
        return outputs, targets

    @property
    def loss(self) -> Any:
        """The loss, about to be asked."""
        self.asked += 1
        return self.component


def refuses_other_shapes(subject: LossSubject) -> None:
    """Refuse targets that do not fit the outputs, in one sentence; NumPy would broadcast them."""
    for sort, k in subject.cases:
        outputs, targets = subject.drawn_rows(np.random.default_rng(0), sort, k, 3)
        loss = subject.loss
        parts = [loss, loss.per_row, *([loss.grad] if isinstance(loss, DifferentiableLoss) else [])]
        for what, given, meant in _wrong(sort, k, targets):
            subject.note(targets=given)
            for compute in parts:
                _refused(compute, outputs, targets, np.ascontiguousarray(given), f"targets {what}", meant)


def _wrong(sort: str, k: int, targets: Any) -> list[tuple[str, Any, bool]]:
    """Give targets of other shapes: what they are, they, and whether they may mean the same after all."""
    wrong = [("of one row for all", targets[:1], False), ("of one row fewer", targets[:-1], False)]
    if targets.ndim == 1:
        # Zeros and ones may be taken in both shapes.
        wrong += [
            ("of shape (n, 1) for (n,)", targets[:, None], True),
            ("of three axes", targets[:, None, None], False),
        ]
    else:
        wider = np.concatenate([targets, targets[:, :1]], axis=1)
        wrong += [("of one more column", wider, False), ("of shape (n,) for (n, k)", targets[:, 0], True)]
        wrong += [("of three axes", targets[..., None], False)]
    if sort == "labels" and k > 1:
        wrong += [("with a label of -1", targets - 1 - targets.min(), False)]
        wrong += [(f"with a label of {k}", targets + k - targets.max(), False)]
    return wrong


def _refused(compute: Callable[..., Any], outputs: Array, right: Any, wrong: Any, what: str, meant: bool) -> None:
    """See that targets are refused in one line, unless they mean the right ones."""
    said = ""
    try:
        answer: Any = compute(outputs, wrong)
    except InputError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{what} end in {type(error).__name__} ({error}); raise an optikit.InputError") from error
    else:
        same = meant and np.array_equal(answer, compute(outputs, right))
        assert same, f"{what} are taken for right ones; raise an optikit.InputError"
    assert "\n" not in said, f"{what} are refused in more than one line: {said!r}"


CHECKS = [
    Check(name="shapes", holds=refuses_other_shapes),
]
