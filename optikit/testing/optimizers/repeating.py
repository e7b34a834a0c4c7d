"""The same again: a run is determined by its arguments, wherever it is made and whatever happens beside it."""

# ruff: noqa: NPY002 - the global generators are what this is about

import random
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from optikit.testing.optimizers import elsewhere
from optikit.testing.optimizers.trial import LONG, OptimizerSubject, Watched, minimized, quadratic, same
from optikit.testing.subject import seeds


def repeats_itself(subject: OptimizerSubject) -> None:
    """Go the same way with the same rng, whatever other runs there were between."""

    def repeats(seed: int, max_evals: int) -> None:
        first = minimized(subject, seed, max_evals)[0]
        minimized(subject, seed + 1)
        assert same(first, minimized(subject, seed, max_evals)[0]), "another run with the same rng is another run"

    repeats(0, LONG)

    @subject.drawn(seed=seeds)
    def holds(seed: int) -> None:
        repeats(seed, 40)


def repeats_itself_in_another_process(subject: OptimizerSubject) -> None:
    """Go the same way in another process, which has other hashes and has not done what this one has."""
    there = elsewhere.found(subject.component, LONG)
    assert there == elsewhere.fingerprint_of(subject, LONG), "another process finds something else"


def leaves_the_global_generators_alone(subject: OptimizerSubject) -> None:
    """Neither draw from NumPy's or Python's global generator, nor seed it."""
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        for seed, max_evals in ((0, 40), (1, LONG)):
            minimized(subject, seed, max_evals)
            assert _same_state(np.random.get_state(), numpys), "it drew from NumPy's global generator"
            assert random.getstate() == pythons, "it drew from Python's global generator"
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)


def repeats_itself_beside_a_busy_thread(subject: OptimizerSubject) -> None:
    """Go the same way beside a thread that draws from the global generators, and give back none of their states."""
    before = np.random.get_state()
    try:
        for seed, max_evals in ((0, 40), (1, LONG)):
            alone, watched = minimized(subject, seed, max_evals)
            np.random.set_state(before)
            # The function draws too, so that whoever saves, seeds and puts back the state is caught at every question.
            fun, gradient, _ = quadratic(seed, 2)
            watched = Watched(subject, lambda x, fun=fun: (np.random.random(), fun(x))[1], gradient)
            with _thread_that_draws() as draws:
                beside = minimized(subject, seed, max_evals, watched=watched)[0]
            assert same(alone, beside), "what others draw from NumPy's global generator changes it"
            replayed = np.random.RandomState()
            replayed.set_state(before)
            replayed.random(len(draws) + len(watched.points))
            assert _same_state(np.random.get_state(), replayed.get_state()), "what others drew was put back"
            np.random.set_state(before)
    finally:
        np.random.set_state(before)


def _same_state(first: Any, second: Any) -> bool:
    return all(map(np.array_equal, first, second))


@contextmanager
def _thread_that_draws() -> Generator[list[float]]:
    """Give what a busy thread draws from NumPy's global generator meanwhile, in turns as short as Python has them."""
    draws: list[float] = []
    done, interval = threading.Event(), sys.getswitchinterval()

    def draw() -> None:
        while not done.is_set():
            draws.append(np.random.random())

    thread = threading.Thread(target=draw)
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        yield draws
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
