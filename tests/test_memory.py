"""What a long run remembers: so many bytes an evaluation of ten parameters, in memory and in the file, and no more."""

import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

import optikit
from optikit import History

D = 10
PROMISED = 16 * (D + 1) + 64
"""Bytes an evaluation."""


@contextmanager
def traced():
    """Give a function that gives the bytes that are held now, and the most that were."""
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(("keep", "most"), [("points", PROMISED), ("best", 0.1)])
def test_a_history_of_a_million_evaluations_keeps_within_its_promise(keep, most):
    x, n = np.ones(D), 1_000_000
    with traced() as memory:
        history = History(keep=keep)
        for number in range(n):  # a step each, the most that there can be to remember
            history.add(1.0, x)
            history.add_step(number, 0, 1.0, 1.0, 0.0)
        each = memory()[1] / n
    print(f"\n{keep}: {each:.1f} bytes an evaluation, {most} promised")
    assert len(history) == history.nit == n
    assert each <= most


def run(evaluations, history, path):
    """Make a run that is kept in a file; give the bytes that are left of it, in memory and there."""
    usual = {"optimizer": "random-search", "bounds": (-2, 2), "rng": 0, "history": history}
    optikit.minimize(lambda x: float(x[0]), [1.0] * D, max_evals=10, checkpoint=path.with_suffix(".first"), **usual)
    with traced() as memory:
        result = optikit.minimize(lambda x: float(x[0]), [1.0] * D, max_evals=evaluations, checkpoint=path, **usual)
        left = memory()[0]
    assert result.nfev == result.nit == evaluations
    return left, path.stat().st_size


def test_a_run_in_a_file_keeps_within_the_promise(tmp_path):
    memory, file = (size / 20_000 for size in run(20_000, "points", tmp_path / "run.db"))
    print(f"\n{memory:.1f} bytes an evaluation in memory, {file:.1f} in the file, {PROMISED} promised")
    assert 8 * (D + 1) < memory <= PROMISED
    assert 8 * (D + 1) < file <= PROMISED


def test_a_run_that_keeps_the_best_only_stays_flat(tmp_path):
    (short, small), (long, large) = (run(n, "best", tmp_path / f"{n}.db") for n in (2_000, 12_000))
    print(f"\n{short:,} and {long:,} bytes in memory, {small:,} and {large:,} in the file")
    assert long - short < 40_000  # half of what the values alone would take: the rest is the interpreter's
