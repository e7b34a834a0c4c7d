"""A check: one property that every component of a kind owes its users, whoever wrote it.

It is a function of a `Subject` which raises where the property does not hold; the first line of its docstring says the
property.  Nothing is skipped: which checks there are for a component is seen from its class.
"""

import faulthandler
import signal
import sys
import threading
import types
import unittest
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from optikit.component import Component
from optikit.testing.subject import Unposed

FIRST = "0.1"
"""The release before which there were no checks, so that none of its own is new in it."""
PATIENCE = 300.0
"""Seconds of one check."""


class ConformanceWarning(UserWarning):
    """A component fails a check that is new in this release, and will have to pass it in the next one."""


class Hung(BaseException):
    """Nothing has come back for too long; no `except Exception` in between can swallow it."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One property.

    A check that is new only warns for the release that brings it, so that a plugin which passed with one release
    does not fail with the next.
    """

    name: str
    """What it is called in tables, reports and expected failures: lower-case words."""
    holds: Callable[[Any], None]
    """Is given the subject, and raises where the property does not hold."""
    needs: type[Component] | None = None
    """The interface that owes it, if not every component of the kind does."""
    claim: str | None = None
    """The claim that has to be made for the component, if it owes the property only then."""
    since: str = FIRST
    """The release of optikit, as in ``"0.2"``, that brought it."""

    @property
    def says(self) -> str:
        """The property in one sentence."""
        return (self.holds.__doc__ or self.name).strip().partition("\n")[0]

    @property
    def new(self) -> bool:
        """Whether this release has brought it, so that it warns only."""
        return self.since != FIRST and version("optikit").split(".")[:2] == self.since.split(".")[:2]

    def __call__(self, subject: Any, seconds: float = PATIENCE) -> None:
        """Put a component to the check, as `put` does; a failure of a new one is a `ConformanceWarning`."""
        try:
            self.put(subject, seconds)
        except Exception as error:
            if not self.new:
                raise
            what = f"{subject.name} fails {self.name!r}, which is new in this release and will count in the next"
            warnings.warn(f"{what}: {error}", ConformanceWarning, stacklevel=2)

    def put(self, subject: Any, seconds: float = PATIENCE) -> None:
        """Put a component to the check.

        Parameters
        ----------
        subject : Subject
            The component.
        seconds : float
            How long it may take.

        Raises
        ------
        Exception
            Whatever says that the property does not hold.
        Hung
            If it took too long.
        """
        asked = subject.asked
        subject.noted = {}
        with _patient(f"{subject.component.name}, {self.name}", seconds):
            try:
                self.holds(subject)
            except BaseException as error:
                # pytest's own skip, without importing pytest.
                if isinstance(error, unittest.SkipTest) or type(error).__name__ == "Skipped":
                    raise AssertionError(f"no check is skipped: {error}") from None
                if isinstance(error, Unposed):
                    subject.unposed = subject.unposed or self.name
                    if subject.unposed != self.name:
                        raise Unposed(f"not run, for the reason that {subject.unposed!r} gives") from None
                else:
                    error.add_note(subject.example)
                raise
        if subject.asked == asked:
            raise AssertionError("the check has asked nothing of the component, and so has shown nothing")


@contextmanager
def _patient(what: str, seconds: float) -> Generator[None]:
    """End what takes too long.

    Who hangs in compiled code hears no signal: that ends the process, so that the run ends and names the check.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(signum: int, frame: types.FrameType | None) -> None:
        raise Hung(f"{what}: nothing came back for {seconds:g} seconds")

    handler = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.__stderr__ is not None:  # the real one: what stands in its place, as in a notebook, may be no file
        faulthandler.dump_traceback_later(seconds + 60, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
