"""Interrupts that wait: what is being written shall be whole."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def held() -> Generator[list[int]]:
    """Keep Ctrl-C waiting; yields the interrupts that came meanwhile, and whoever asks for them decides what they mean.

    Outside the main thread, which alone is told of signals, nothing is done.
    """
    interrupts: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
