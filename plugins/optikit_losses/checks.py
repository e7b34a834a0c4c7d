"""Whether targets fit the outputs: labels of classes, and rows of probabilities.

NumPy would broadcast, or index from the end, and train on nonsense.
"""

import numpy as np

from optikit import Array, InputError, Targets

_ROUNDING = 1e-5
"""How far the sum of a row of probabilities may be from 1: a hundred times the rounding of float32."""


def check_labels(name: str, outputs: Array, targets: Targets, or_else: str = "") -> None:
    """Refuse what is not one integer from 0 to k - 1 for each of the (batch, k) outputs.

    Raises
    ------
    InputError
        In the name of a loss; `or_else` says what else it would take.
    """
    if targets.shape != outputs.shape[:1] or not np.issubdtype(targets.dtype, np.integer):
        raise InputError(
            f"{name}: the targets are {targets.dtype} of shape {targets.shape}; "
            f"it needs {len(outputs)} integer labels{or_else}"
        )
    low, high = (targets.min(), targets.max()) if len(targets) else (0, 0)
    if low < 0 or high >= outputs.shape[1]:
        wrong, k = (low if low < 0 else high), outputs.shape[1]
        raise InputError(
            f"{name}: there is a label {wrong}, but the model has {k} outputs, for labels 0 to {k - 1}; "
            "give the model's last layer one output a class"
        )


def fractions(name: str, outputs: Array, targets: Targets) -> Array:
    """Give targets of the shape of the outputs, numbers from 0 to 1, in the dtype of the outputs.

    Raises
    ------
    InputError
        If the shapes differ or a number is outside.
    """
    if outputs.shape != targets.shape:
        raise InputError(
            f"{name}: the targets have shape {targets.shape}, but the outputs {outputs.shape}; "
            "make the model's outputs and the targets agree"
        )
    low, high = (targets.min(), targets.max()) if targets.size else (0, 0)
    if not (low >= 0 and high <= 1):
        wrong = high if low >= 0 else low
        raise InputError(f"{name}: there is a target {wrong:g}; it needs numbers from 0 to 1")
    return targets.astype(outputs.dtype, copy=False)


def probabilities(name: str, outputs: Array, targets: Targets) -> Array:
    """Give targets that are rows of probabilities, shape (batch, k), in the dtype of the outputs.

    Raises
    ------
    InputError
        If the shapes differ, a number is outside 0 to 1, or a row does not sum to 1.
    """
    checked = fractions(name, outputs, targets)
    sums = targets.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero(~(abs(sums - 1) <= _ROUNDING))
    if len(wrong):
        raise InputError(
            f"{name}: the probabilities of row {wrong[0]} sum to {sums[wrong[0]]:g}; divide each row by its sum"
        )
    return checked
