"""NumPy's global generator belongs to others: a run neither reads nor changes it, whatever they do with it."""

# ruff: noqa: NPY002

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from battery import LONG, Contender, Watched, minimized, quadratic, same


def leaves_the_global_generator_alone(contender: Contender) -> None:
    before = np.random.get_state()
    try:
        for seed in (0, 1):
            max_evals = LONG if seed else 40
            alone, watched = minimized(contender, seed, max_evals)
            assert _same_state(np.random.get_state(), before), "it drew from NumPy's global generator"
            # The function draws too, so that whoever saves, seeds and puts back the state is caught at every question.
            fun, gradient, _ = quadratic(seed, 2)
            watched = Watched(lambda x, fun=fun: (np.random.random(), fun(x))[1], gradient)
            with _thread_that_draws() as draws:
                beside = minimized(contender, seed, max_evals, watched=watched)[0]
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
def _thread_that_draws() -> Iterator[list[float]]:
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
