"""Data: samples to learn from, and samples that are held out to judge what was learnt.

A data component says where samples come from and how they are split; `load` reads them.  Its fields, the seed of the
split among them, determine the arrays.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from optikit.component import Component
from optikit.errors import InputError
from optikit.types import Array, Targets


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs and what is true of them, row by row, and how much each row counts.

    Raises
    ------
    InputError
        If the numbers of rows differ, there are none, a number is not finite, or weights are negative or all zero.
    """

    inputs: NDArray[Any]
    """Real numbers, shape (rows, ...)."""
    targets: Targets
    """Integer labels, shape (rows,), or real numbers, shape (rows, k); of shape (rows,) they become (rows, 1)."""
    weights: Array | None = None
    """Numbers of at least 0, shape (rows,), float64; only their ratios matter: a row of weight 2 counts as two rows of
    weight 1.  None if all rows count the same."""

    @staticmethod
    def of(inputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None) -> "Samples":
        """Make samples of arrays or lists of numbers.

        Raises
        ------
        InputError
            If rows are of different lengths, or for the reasons above.
        """
        return Samples(
            _array("inputs", inputs),
            _array("targets", targets),
            None if weights is None else _array("weights", weights),
        )

    def __post_init__(self) -> None:
        """Check that they belong together."""
        for what, values in (("inputs", self.inputs), ("targets", self.targets)):
            if values.ndim == 0:
                raise InputError(f"the {what} are a single value; give one row a sample")
        if self.targets.ndim == 1 and self.targets.dtype.kind == "f":
            object.__setattr__(self, "targets", self.targets[:, None])
        if len(self.inputs) != len(self.targets):
            raise InputError(
                f"there are {len(self.inputs)} inputs but {len(self.targets)} targets; "
                "give the files that belong together"
            )
        if len(self.inputs) == 0:
            raise InputError("there are no samples; give a source that has some")
        for what, values in (("inputs", self.inputs), ("targets", self.targets)):
            if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
                raise InputError(f"the {what} have dtype {values.dtype}; give numbers, and labels as integers")
            if not np.isfinite(values).all():
                raise InputError(f"the {what} have NaN or infinite values; remove or replace those rows")
        if self.weights is not None:
            object.__setattr__(self, "weights", _checked_weights(self.weights, len(self.inputs)))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.inputs)

    @property
    def labelled(self) -> bool:
        """Whether the targets are labels, so that an accuracy makes sense."""
        return self.targets.ndim == 1 and np.issubdtype(self.targets.dtype, np.integer)

    def __getitem__(self, rows: NDArray[np.integer[Any]]) -> "Samples":
        """Take some of the rows, as copies."""
        return Samples(self.inputs[rows], self.targets[rows], None if self.weights is None else self.weights[rows])

    def __add__(self, other: "Samples | None") -> "Samples":
        """Append the rows of another set; where only one of the two has weights, the rows of the other weigh 1."""
        if other is None:
            return self
        weights = None
        if self.weights is not None or other.weights is not None:
            weights = np.concatenate(
                [np.ones(len(part)) if part.weights is None else part.weights for part in (self, other)]
            )
        return Samples(
            np.concatenate([self.inputs, other.inputs]), np.concatenate([self.targets, other.targets]), weights
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a data component loads: samples to train on, and samples that training never sees."""

    train: Samples
    held_out: Samples | None = None

    @property
    def whole(self) -> Samples:
        """All samples, the held-out ones last."""
        return self.train + self.held_out


class Data(Component):
    """Loads samples and splits them."""

    kind: ClassVar[str] = "data"

    held_out: float = Field(default=0.2, ge=0, lt=1)
    """Fraction of the samples that training never sees; the accuracy is measured on them."""
    split_seed: int = Field(default=0, ge=0)
    """Seed of the split: the same seed, the same held-out samples."""

    @abstractmethod
    def load(self) -> Dataset:
        """Read the samples.

        Returns
        -------
        Dataset
            Often ``self.split(inputs, targets)``, or ``self.split(inputs, targets, weights)``.

        Raises
        ------
        InputError
            If the source is missing or is not what the fields say.
        """

    def split(self, inputs: NDArray[Any], targets: Targets, weights: Array | None = None) -> Dataset:
        """Split samples as the fields `held_out` and `split_seed` say.

        Labels are split in proportion (stratified): each gives the same fraction of its rows, rounded up or down, and
        keeps one for training.  Weights go with their rows and do not change which are chosen.

        Parameters
        ----------
        inputs : ndarray, shape (rows, ...)
            The inputs.
        targets : ndarray, shape (rows,) or (rows, k)
            Their labels or values; real values of shape (rows,) become (rows, 1), as losses want them.
        weights : ndarray, shape (rows,), optional
            How much each row counts; the same if not given.

        Returns
        -------
        Dataset
            Rows of both parts in their original order.

        Raises
        ------
        InputError
            If there would be nothing to hold out.
        """
        samples = Samples(inputs, targets, weights)
        targets = samples.targets
        if self.held_out == 0:
            return Dataset(samples)
        rng = np.random.default_rng(self.split_seed)
        labels = targets if samples.labelled else np.zeros(len(targets), dtype=np.int64)
        groups = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        chosen = np.concatenate(
            [rows[:count] for rows, count in zip(groups, _shares(groups, self.held_out), strict=True)]
        )
        if not len(chosen):
            raise InputError(
                f"held_out = {self.held_out} of {len(samples)} samples leaves none to hold out; "
                "give more samples or a larger fraction"
            )
        held_out = np.zeros(len(targets), dtype=np.bool_)
        held_out[chosen] = True
        return Dataset(samples[np.flatnonzero(~held_out)], samples[np.flatnonzero(held_out)])


def _array(what: str, given: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(f"the rows of the {what} have different lengths; give each row as many numbers") from None


def _checked_weights(weights: NDArray[Any], rows: int) -> Array:
    if weights.shape != (rows,):
        raise InputError(f"the weights have shape {weights.shape}, but there are {rows} samples; give one number each")
    if weights.dtype.kind not in "iuf":
        raise InputError(f"the weights have dtype {weights.dtype}; give numbers of at least 0")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise InputError(f"the weight of row {wrong[0]} is {weights[wrong[0]]}; give finite numbers of at least 0")
    if not weights.any():
        raise InputError(f"the weights of all {rows} samples are 0; give some a weight above 0")
    return weights.astype(np.float64, copy=False)


def _shares(groups: list[NDArray[Any]], fraction: float) -> list[int]:
    """Count the rows to hold out of every group: the rounded fraction of all, shared out by largest remainders.

    One row of every group stays for training.
    """
    sizes = np.array([len(rows) for rows in groups])
    wanted = fraction * sizes
    shares = np.floor(wanted).astype(np.int64)
    missing = round(fraction * int(sizes.sum())) - int(shares.sum())
    shares[np.argsort(shares - wanted, kind="stable")[:missing]] += 1
    return np.minimum(shares, sizes - 1).tolist()
