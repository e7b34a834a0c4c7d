"""A bar that shows how much of the budget is used up."""

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from optikit import Observer, Progress, Result, Run
from optikit_observers import terminal
from optikit_observers.told import done, sentence

_LINES = 10
"""Plain lines a run, where its end is known."""
_SECONDS = 10.0
"""Seconds between plain lines at most."""


class ProgressBar(Observer):
    """A progress bar on the terminal; nothing, or plain lines, in a pipe.

    The bar is the budget: steps, evaluations or seconds, whichever is nearest to its end.
    """

    name = "progress"
    draws: ClassVar[bool] = True

    title: str | None = None
    """What stands before the bar; the name of the run, or of the optimizer, by default."""
    lines: bool = False
    """Whether plain lines are written where stderr is no terminal: about ten a run, more if it is slow."""

    def placed(self, folder: Path, name: str) -> Self:
        """Give the bar of a run of an experiment."""
        return self if self.title is not None else self.model_copy(update={"title": name})

    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Begin with an empty bar."""
        title = self.title or run.optimizer.name
        if terminal.is_there():
            return _Bar(title, run)
        return _Lines(title, run) if self.lines else None


class _Bar:
    def __init__(self, title: str, run: Run) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.fields[said]}")
        self._bars = Bars(*columns, TimeElapsedColumn(), console=terminal.console())
        self._bar = self._bars.add_task(title, total=None, said="")
        self._run = run
        self._bars.start()

    def __call__(self, progress: Progress) -> None:
        share, said = done(self._run, progress), sentence(self._run, progress)
        self._bars.update(self._bar, total=None if share is None else 1.0, completed=share or 0.0, said=said)

    within = __call__

    def close(self, result: Result | None) -> None:
        self._bars.stop()


class _Lines:
    def __init__(self, title: str, run: Run) -> None:
        self._title, self._run = title, run
        self._tenths, self._last = 0, 0.0

    def __call__(self, progress: Progress) -> None:
        tenths = math.floor(_LINES * (done(self._run, progress) or 0.0))
        if tenths > self._tenths or progress.seconds - self._last >= _SECONDS:
            self._tenths, self._last = tenths, progress.seconds
            # A reader that has gone away ends no training.
            with suppress(BrokenPipeError):
                print(f"{self._title}: {sentence(self._run, progress)}", file=sys.stderr, flush=True)

    within = __call__
