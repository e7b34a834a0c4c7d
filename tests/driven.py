"""Optimizers of other libraries, driven: where they go on given gradients, and how many points they ask at once."""

import numpy as np
import pytest

import optikit


def path(optimizer, slopes, dtype=np.float64, **arguments):
    """Give all points that a rule visits when it meets these gradients, from -1 to 1 on."""
    turns, points = iter(slopes), []

    def gradient(x):
        points.append(x.copy())
        return next(turns).astype(x.dtype)

    optikit.minimize(
        lambda x: 1.0, np.linspace(-1, 1, slopes.shape[1], dtype=dtype), optimizer=optimizer, gradient=gradient,
        max_steps=len(slopes), check_gradient=False, **arguments,
    )  # fmt: skip
    return np.array(points)


def first_batches(solver, problem, x0):
    """Give the sizes of the first three batches that a solver asks for."""
    sizes = []

    class Counting(optikit.Oracle):
        def values(self, xs):
            sizes.append(len(xs))
            if len(sizes) == 3:
                raise StopIteration
            return super().values(xs)

    with pytest.raises(StopIteration):
        solver.solve(Counting(problem, x0), x0, np.random.default_rng(0))
    return sizes
