"""What is seen while a run goes on: a progress bar on a terminal, plain lines elsewhere; always on stderr."""

import math
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from optikit.loop import Progress

_LINES = 10
"""Plain lines a run, where the number of steps is known."""
_SECONDS = 10.0
"""Seconds between plain lines at most."""


@contextmanager
def shown(name: str, steps: int | None) -> Generator[Callable[[Progress], None]]:
    """Show the progress of a run.

    Parameters
    ----------
    name : str
        Of the run.
    steps : int or None
        How many to expect at most.

    Yields
    ------
    callable
        To be called with a `Progress` after every step.
    """
    if not sys.stderr.isatty():
        yield _Lines(name, steps)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}")
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        bar = bars.add_task(name, total=steps, said="")
        yield lambda progress: bars.update(bar, completed=progress.step, said=_said(progress))


class _Lines:
    """About ten lines a run, more if it is slow."""

    def __init__(self, name: str, steps: int | None) -> None:
        self._name, self._steps = name, steps
        self._every = math.inf if steps is None else max(1, math.ceil(steps / _LINES))
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        due = progress.step % self._every == 0 or progress.step == self._steps
        if due or progress.seconds - self._last >= _SECONDS:
            self._last = progress.seconds
            total = "" if self._steps is None else f"/{self._steps}"
            # A reader that has gone away ends no training.
            with suppress(BrokenPipeError):
                print(f"{self._name}: step {progress.step}{total}, {_said(progress)}", file=sys.stderr, flush=True)


def _said(progress: Progress) -> str:
    if progress.accuracy is not None:
        return f"loss {progress.fun:.4g}, held-out accuracy {progress.accuracy:.4f}"
    held_out = "" if progress.held_out_loss is None else f", held-out loss {progress.held_out_loss:.4g}"
    return f"loss {progress.fun:.4g}{held_out}"
