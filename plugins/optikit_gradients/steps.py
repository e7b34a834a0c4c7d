"""Difference steps: how far to go, inside the bounds, and what of it is left after rounding."""

import numpy as np

from optikit import Array, InputError, Objective


def scaled(x: Array, h: float | None, power: float) -> Array:
    """Give the user's step, or by default eps^power max(1, |x_i|), shape (n,), in the dtype of `x`."""
    if h is not None:
        return np.full_like(x, h)
    return (np.finfo(x.dtype).eps ** power * np.maximum(1, abs(x))).astype(x.dtype)


def wider(x: Array, low: Array, high: Array) -> Array:
    """Compute the signed distance to the bound that is further away."""
    return np.where(high - x >= x - low, high - x, low - x)


def representable(objective: Objective, x: Array, step: Array) -> Array:
    """Give the step that is really made, and refuse one that is none, except where the bounds leave no room."""
    low, high = objective.bounds(len(x))
    step_made = made(x, step, low, high)
    lost = (step_made == 0) & (low < high)
    if lost.any():
        i = int(np.argmax(lost))
        raise InputError(
            f"the difference step {step[i]:g} does not change {objective.label(i)} = {x[i]:g}; give a larger h"
        )
    return step_made


def made(x: Array, step: Array, low: Array, high: Array) -> Array:
    """Round a step to the difference of two floating-point numbers inside the bounds."""
    difference = np.clip(x + step, low, high) - x
    beyond = (x + difference > high) | (x + difference < low)
    return np.where(beyond, np.nextafter(difference, 0), difference).astype(x.dtype)


def quotient(change: Array, step: Array) -> Array:
    """Divide, with zero for a step of zero: what cannot change has no slope."""
    return np.divide(change, step, out=np.zeros_like(change), where=step != 0)


def minus(values: Array, others: Array | float) -> Array:
    """Subtract without a warning: what is not finite is the oracle's to report."""
    with np.errstate(invalid="ignore", over="ignore"):
        return values - others
