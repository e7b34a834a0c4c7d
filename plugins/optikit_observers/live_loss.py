"""A live picture of the loss on the terminal."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from optikit import Observer, Progress, Result, Run
from optikit_observers import terminal
from optikit_observers.chart import Curve, chart
from optikit_observers.told import sentence

_WIDEST, _LABELS = 100, 12
"""Columns of the curve at most, and those beside it."""
_SECONDS = 0.1
"""Between two drawings."""


class LiveLoss(Observer):
    """A picture of the loss that is drawn on the terminal while the run goes on; nothing in a pipe.

    Each column is a mean over some steps; the scale is logarithmic where the loss is positive and falls a hundredfold.
    """

    name = "live-loss"
    draws: ClassVar[bool] = True

    height: int = Field(default=10, ge=3, le=100)
    """Lines of the curve."""
    title: str | None = None
    """What stands above the curve; the name of the run, or of the optimizer, by default."""

    def placed(self, folder: Path, name: str) -> Self:
        """Give the picture of a run of an experiment."""
        return self if self.title is not None else self.model_copy(update={"title": name})

    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Begin with an empty picture, on a terminal."""
        return _Picture(self.title or run.optimizer.name, self.height, run) if terminal.is_there() else None


class _Picture:
    def __init__(self, title: str, height: int, run: Run) -> None:
        from rich.live import Live

        self._title, self._height, self._run = title, height, run
        self._curve, self._last, self._drawn = Curve(_WIDEST), None, 0.0
        self._live = Live(console=terminal.console(), auto_refresh=False)
        self._live.start()

    def __call__(self, progress: Progress) -> None:
        self._curve.add(progress.fun)
        self._last = progress
        if time.perf_counter() - self._drawn >= _SECONDS:
            self._draw()

    within = __call__

    def _draw(self) -> None:
        from rich.text import Text

        width = terminal.console().width
        lines = picture(self._title, self._run, self._last, self._curve, width, self._height) if self._last else []
        self._live.update(Text("\n".join(lines), no_wrap=True), refresh=True)
        self._drawn = time.perf_counter()

    def close(self, result: Result | None) -> None:
        self._draw()
        self._live.stop()


def picture(title: str, run: Run, progress: Progress, curve: Curve, width: int, height: int) -> list[str]:
    """Draw the loss until now, as lines.

    Parameters
    ----------
    title : str
        What stands above it.
    run : Run
        Says how much there is to do.
    progress : Progress
        The last of the run.
    curve : Curve
        The losses until then.
    width, height : int
        Columns of all, and lines of the curve.

    Returns
    -------
    list of str
        From the top.
    """
    heading = f"{title}: {sentence(run, progress)}, best {progress.best:.4g}"
    columns = curve.columns(max(1, min(_WIDEST, width - _LABELS)))
    if not columns:
        return [heading]
    lines, logarithmic = chart(columns, height)
    axis = f"└ until step {progress.step:,}, evaluation {progress.nfev:,}" + (", log scale" if logarithmic else "")
    return [heading, *lines, " " * lines[0].index("┤") + axis]
