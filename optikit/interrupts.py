"""Interrupts that wait: what is being written shall be whole, and workers leave in peace.

Who has waited inside may have returned by the time that an interrupt could be told; so whoever goes on afterwards asks
`waited` for those that came meanwhile.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

_listening: list[list[int]] = []


@contextmanager
def waited() -> Generator[list[int]]:
    """Yield the interrupts that were kept waiting inside, as they come, for who decides what is done next."""
    interrupts: list[int] = []
    _listening.append(interrupts)
    try:
        yield interrupts
    finally:
        _listening.remove(interrupts)


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
        for listener in _listening:
            listener.extend(interrupts)
