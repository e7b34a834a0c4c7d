"""Who watches a run: told what happens, and never the end of it.

A watcher is called after every step.  It may have two methods besides: `within(progress)`, for steps that take long,
and `close(result)`, for the end.  What it raises is reported once, with its name, and it is dropped; what it is given
are copies.  So whether somebody watches changes no number of a run.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

_LEAST = 0.1
"""Seconds between two looks within a step."""
_SHARE = 0.01
"""The same as a part of the time that the step has taken: a step of any length is looked at some hundred times."""


Named: TypeAlias = tuple[str, Callable[[Any], Any]]
"""What a watcher is called in messages, and the watcher."""


class Watchers:
    """Those who watch one run.

    Parameters
    ----------
    named : iterable of (str, callable)
        What they are called in messages, and they themselves.
    """

    def __init__(self, named: Iterable[Named]) -> None:
        self._named = list(named)
        self._begun = time.perf_counter()
        self._due = self._begun + _LEAST

    def __bool__(self) -> bool:
        """Say whether anybody watches."""
        return bool(self._named)

    def add(self, name: str, watcher: Callable[[Any], Any]) -> None:
        """Let one more watch."""
        self._named.append((name, watcher))

    def show(self, progress: Any) -> None:
        """Show a finished step."""
        self._call("__call__", progress)
        self._begun = time.perf_counter()
        self._due = self._begun + _LEAST

    def within(self, look: Callable[[], Any]) -> None:
        """Show what `look` gives of an unfinished step, if it is time to."""
        if time.perf_counter() < self._due:
            return
        self._call("within", look())
        now = time.perf_counter()
        self._due = now + max(_LEAST, _SHARE * (now - self._begun))

    def close(self, result: Any) -> None:
        """Tell of the end: the result, or None where the run was refused before it began; nobody watches then."""
        self._call("close", result)
        self._named = []

    def _call(self, method: str, told: Any) -> None:
        for name, watcher in list(self._named):
            try:
                if (call := getattr(watcher, method, None)) is not None:
                    call(told)
            except BaseException as error:  # sys.exit() in an observer must not end its host
                if isinstance(error, KeyboardInterrupt) and method != "close":
                    raise
                self._named.remove((name, watcher))
                complain(f"the observer {name} raised {error!r} and is no longer called")
                if method != "close":
                    _release(watcher)


def complain(sentence: str) -> None:
    """Warn; where warnings are errors, that must not be the end of the run either."""
    try:
        warnings.warn(sentence, RuntimeWarning, stacklevel=4)
    except RuntimeWarning:
        print(f"optikit: {sentence}", file=sys.stderr)


def _release(watcher: Any) -> None:
    """Let one that has failed give back what it holds, such as the terminal; what it raises now has been reported."""
    try:
        if (close := getattr(watcher, "close", None)) is not None:
            close(None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
