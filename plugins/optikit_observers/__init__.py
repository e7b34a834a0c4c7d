"""Observers: what shows or writes down how a run goes."""

from typing import Any

from optikit import hookimpl
from optikit_observers.live_loss import LiveLoss
from optikit_observers.logs import CsvLog, JsonLinesLog
from optikit_observers.mlflow_runs import MlflowRuns
from optikit_observers.progress import ProgressBar
from optikit_observers.tensorboard_events import TensorboardEvents


@hookimpl
def optikit_components() -> list[type[Any]]:
    """Bring them."""
    return [ProgressBar, LiveLoss, CsvLog, JsonLinesLog, TensorboardEvents, MlflowRuns]
