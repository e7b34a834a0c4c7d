"""What a plugin leaves in its host, where no guard in Python can help: threads and processes, and closed streams.

A thread or a child process that is no daemon keeps a command from ending, and where the standard output has been closed
nothing can be said any more.  So the process in which the doctor looks at a plugin notes who starts and closes what.
"""

import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from importlib.metadata import EntryPoint
from multiprocessing.process import BaseProcess
from typing import Any

from optikit.fault import Fault, lethal, running_line

_STREAMS = {0: "standard input", 1: "standard output", 2: "standard error"}
_GRACE = 1.0
"""Seconds in which its threads and processes may come to their ends."""
_TOLD_OF_THE_END = ("concurrent.futures.thread", "concurrent.futures.process", "optikit.probe")
"""Those who start threads and processes that end when the host does."""


class Leftovers:
    """What one plugin starts and closes in this process, from now on.

    Parameters
    ----------
    point : importlib.metadata.EntryPoint
        The plugin.
    ours : collection of int
        Descriptors that stay open whoever closes them, as the report is written there.
    """

    def __init__(self, point: EntryPoint, distribution: str, ours: Collection[int] = ()) -> None:
        self.stage = "import"
        self._point, self._distribution = point, distribution
        self.otherwise = f"entry point {point.name} = {point.value}"
        self.package = point.value.partition(":")[0].partition(".")[0].strip()
        self._started: dict[threading.Thread | BaseProcess, tuple[str, str]] = {}
        self._closed: dict[int, tuple[str, str]] = {}
        self._streams = {number: _identity(number) for number in _STREAMS}
        begun, here = self._started, self._here
        close, close_range, dup2 = os.close, os.closerange, os.dup2

        def noted(start: Callable[[Any], None]) -> Callable[..., None]:
            def started(self: Any) -> None:
                caller = inspect.stack(0)[1].frame.f_globals["__name__"]
                if caller == "optikit.probe":
                    self.daemon = False  # what is started in there inherits it, and this process waits for nobody
                start(self)  # which fails where there are too many
                if caller not in _TOLD_OF_THE_END:
                    begun[self] = here()

            return started

        def closed(number: int) -> None:
            self._closed.setdefault(number, self._here())
            if number not in ours:
                close(number)

        def closed_range(low: int, high: int) -> None:
            for number in _STREAMS:
                if low <= number < high:
                    self._closed.setdefault(number, self._here())
            for kept in sorted(number for number in ours if low <= number < high):
                close_range(low, kept)
                low = kept + 1
            close_range(low, high)

        def replaced(fd: int, fd2: int, inheritable: bool = True) -> int:
            self._closed.setdefault(fd2, self._here())
            return dup2(fd, fd2, inheritable)

        threading.Thread.start, BaseProcess.start = noted(threading.Thread.start), noted(BaseProcess.start)
        os.close, os.closerange, os.dup2 = closed, closed_range, replaced

    def faults(self) -> list[Fault]:
        """Say what goes on, and what is closed."""
        found: list[Fault] = []
        until = time.monotonic() + _GRACE
        for each, (stage, where) in self._started.items():
            if not each.daemon:
                each.join(max(0.0, until - time.monotonic()))
                if each.is_alive():
                    what = "thread" if isinstance(each, threading.Thread) else "process"
                    said = (
                        f"it starts a {what} that goes on and is no daemon, so that no command would come to its end,"
                    )
                    fault = self._fault(said, stage, where)
                    found += [fault] if fault not in found else []  # of many that one line starts
        for number, name in _STREAMS.items():
            if _identity(number) != self._streams[number]:
                stage, where = self._closed.get(number, ("import", self.otherwise))
                found.append(self._fault(f"it closes or replaces the {name} of its host", stage, where))
        return found

    def _here(self) -> tuple[str, str]:
        return self.stage, running_line(self.package, self.otherwise)

    def _fault(self, problem: str, stage: str, where: str) -> Fault:
        return lethal(self._point, self._distribution, stage, where, problem)


def _identity(number: int) -> tuple[int, int] | None:
    """Say what a descriptor is open to, or None if it is closed."""
    stream = (sys.__stdin__, sys.__stdout__, sys.__stderr__)[number]
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return None if stream is None or stream.closed else (status.st_dev, status.st_ino)
