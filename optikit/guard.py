"""A guard around the code of plugins: whatever it raises is caught, and what the user sends gets through.

Plugins call ``sys.exit``, and raise what derives from `BaseException`, even `KeyboardInterrupt`.  So the exception does
not say whether somebody has pressed Ctrl-C.  The signal does: it is listened to as long as foreign code runs.
"""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from types import FrameType


@contextmanager
def guarded() -> Generator[list[BaseException]]:
    """Run foreign code inside; what it prints is no part of our output, and goes to stderr.

    Yields
    ------
    list of BaseException
        Empty until the end, and then with what was raised, if anything was.

    Raises
    ------
    KeyboardInterrupt
        If the user has interrupted it, even if it has swallowed that or made something else of it.
    """
    errors: list[BaseException] = []
    with _pressed() as pressed:
        try:
            with redirect_stdout(sys.stderr):
                yield errors
        except BaseException as error:
            errors.append(error)
    if pressed:
        raise KeyboardInterrupt from next(iter(errors), None)


@contextmanager
def _pressed() -> Generator[list[int]]:
    """Yield the interrupts that come inside, which do what they always do."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    # Outside the main thread nobody is told of signals, and where they are ignored, or end the process, none is seen.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException:  # who keeps interrupts waiting, as `interrupts.held` does, goes on
            pressed.append(number)
            raise

    signal.signal(signal.SIGINT, pass_on)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is pass_on:  # a plugin may have set one of its own
            signal.signal(signal.SIGINT, before)
