"""Contestants: the optimizers of a comparison, each with a label and perhaps a way to find gradients of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from optikit import registry
from optikit.comparison.cases import called, distinct, tabled
from optikit.errors import InputError
from optikit.gradient import GradientEstimator
from optikit.optimizer import Optimizer


@dataclass(frozen=True, slots=True)
class Contestant:
    """An optimizer of a comparison."""

    label: str
    optimizer: Optimizer[Any]
    gradient: GradientEstimator | None = None
    """How it finds gradients; the problem's own where it has one, else forward differences, if not given."""

    @property
    def table(self) -> dict[str, Any]:
        """What it is, as plain data that make it again."""
        return {
            "optimizer": tabled(self.optimizer),
            "gradient": None if self.gradient is None else tabled(self.gradient),
        }


def read_contestants(given: Any, gradient: Any = None) -> tuple[Contestant, ...]:
    """Read what users pass as optimizers.

    Parameters
    ----------
    given : Optimizer, str, dict, or list of them, or dict of label to one
        The optimizers.
    gradient : GradientEstimator, str or dict, optional
        How all of them find gradients.

    Raises
    ------
    InputError
        If there is no such optimizer or estimator, or two have one label.
    """
    make = registry.default().make
    estimator = None if gradient is None else make("gradient", gradient)
    if isinstance(given, dict) and not isinstance(cast("dict[Any, Any]", given).get("name"), str):
        labelled = cast("Mapping[Any, Any]", given)
        for label in labelled:
            if not isinstance(label, str) or not label.strip():
                raise InputError(f"{label!r} is no label of an optimizer; pass text")
        pairs = [(str(label), make("optimizer", one)) for label, one in labelled.items()]
    else:
        items: list[Any] = list(cast("list[Any]", given)) if isinstance(given, list | tuple) else [given]
        made = [make("optimizer", one) for one in items]
        pairs = [(called(one), one) for one in made]
    if not pairs:
        raise InputError("there are no optimizers; pass two or more, such as ['lbfgs', 'scipy-nelder-mead']")
    distinct("optimizers", [label for label, _ in pairs])
    return tuple(Contestant(label, one, estimator) for label, one in pairs)
