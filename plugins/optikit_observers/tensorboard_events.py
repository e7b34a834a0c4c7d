"""Event files for TensorBoard, by the writer of the package `tensorboard` itself, which needs no TensorFlow."""

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from optikit import FilePath, Observer, Progress, Result, Run
from optikit_observers.told import axis, numbers

_SECONDS = 2
"""What is lost if the process is killed."""


class TensorboardEvents(Observer):
    """Scalars for TensorBoard.

    Look at them with ``tensorboard --logdir runs``.  The axis is the step, or for a solver that owns its loop, which is
    one step, the number of evaluations.  A run that is continued adds a file to its folder and has TensorBoard drop
    what it writes again.
    """

    name = "tensorboard"
    requires = "tensorboard"

    path: FilePath | None = None
    """The folder of the run; by default ``runs/NAME`` beside the results of an experiment, and ``runs/OPTIMIZER`` in
    the current folder else."""

    def placed(self, folder: Path, name: str) -> Self:
        """Write beside the results of an experiment."""
        return self if self.path is not None else self.model_copy(update={"path": folder / "runs" / name})

    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Begin an event file."""
        return _Events(self.path or Path("runs") / run.optimizer.name, run)


class _Events:
    def __init__(self, folder: Path, run: Run) -> None:
        # What these modules define is made at run time, of descriptions; type checkers know nothing of it.
        self._event: Any = import_module("tensorboard.compat.proto.event_pb2")
        self._summary: Any = import_module("tensorboard.compat.proto.summary_pb2").Summary
        writer: Any = import_module("tensorboard.summary.writer.event_file_writer")
        self._axis, self._continued = axis(run), run.continued
        self._writer = writer.EventFileWriter(str(folder), flush_secs=_SECONDS)

    def __call__(self, progress: Progress) -> None:
        told = numbers(progress)
        place = told.pop(self._axis)
        if self._continued:
            log = self._event.SessionLog(status=self._event.SessionLog.START)
            self._writer.add_event(self._event.Event(wall_time=time.time(), step=place, session_log=log))
            self._continued = False
        scalars = [self._summary.Value(tag=name, simple_value=number) for name, number in told.items()]
        event = self._event.Event(wall_time=time.time(), step=place, summary=self._summary(value=scalars))
        self._writer.add_event(event)

    def within(self, progress: Progress) -> None:
        if self._axis == "nfev":
            self(progress)

    def close(self, result: Result | None) -> None:
        self._writer.close()
