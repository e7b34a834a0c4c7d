"""Runs in a folder of MLflow: what was chosen as parameters, what came of it as metrics."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

from optikit import Component, FilePath, Observer, Progress, Result, Run, StopReason
from optikit_observers.told import axis, numbers

_SECONDS = 1.0
"""Metrics are written together: a file each, which is slow."""
_LONGEST = 500
"""Characters of a parameter that MLflow takes."""
_MOST = 1000
"""Metrics that it takes at once."""


class MlflowRuns(Observer):
    """A run of MLflow, in a folder.

    Look at it with ``mlflow ui``.  Parameters are the fields of optimizer and estimator and the limits; metrics go by
    step, or for a solver that owns its loop, which is one step, by the number of evaluations.  A run that is continued
    is a run of its own, and tagged.
    """

    name = "mlflow"
    requires = "mlflow"

    path: FilePath = Path("mlruns")
    """The folder of all runs."""
    experiment: str = "optikit"
    """The experiment to which the run is added."""
    title: str | None = None
    """What the run is called; its name in an experiment file, or that of the optimizer, by default."""

    def placed(self, folder: Path, name: str) -> Self:
        """Give the observer of a run of an experiment."""
        return self if self.title is not None else self.model_copy(update={"title": name})

    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Begin a run of MLflow."""
        return _Writer(self, run)


class _Writer:
    def __init__(self, chosen: MlflowRuns, run: Run) -> None:
        client, entities = import_module("mlflow").MlflowClient, import_module("mlflow.entities")
        with _folders_allowed():
            self._client: Any = client(tracking_uri=chosen.path.absolute().as_uri())
        known = self._client.get_experiment_by_name(chosen.experiment)
        experiment = known.experiment_id if known else self._client.create_experiment(chosen.experiment)
        tags = {"optikit.continued": str(run.continued).lower()}
        made = self._client.create_run(experiment, run_name=chosen.title or run.optimizer.name, tags=tags)
        self._id: str = made.info.run_id
        self._axis, self._metric = axis(run), entities.Metric
        self._metrics: list[Any] = []
        self._written = time.perf_counter()
        parameters = [entities.Param(name, value) for name, value in _parameters(run).items()]
        self._client.log_batch(self._id, params=parameters)

    def __call__(self, progress: Progress) -> None:
        told, now = numbers(progress), int(time.time() * 1000)
        place = told.pop(self._axis)
        self._metrics += [self._metric(name, float(number), now, place) for name, number in told.items()]
        if time.perf_counter() - self._written >= _SECONDS or len(self._metrics) > _MOST:
            self._write()

    def within(self, progress: Progress) -> None:
        if self._axis == "nfev":
            self(progress)

    def _write(self) -> None:
        for begin in range(0, len(self._metrics), _MOST):
            self._client.log_batch(self._id, metrics=self._metrics[begin : begin + _MOST])
        self._metrics.clear()
        self._written = time.perf_counter()

    def close(self, result: Result | None) -> None:
        self._write()
        if result is not None:
            self._client.set_tag(self._id, "optikit.reason", result.reason.value)
            self._client.set_tag(self._id, "optikit.message", result.message)
        reason = StopReason.ERROR if result is None else result.reason
        states = {StopReason.ERROR: "FAILED", StopReason.FAILED: "FAILED", StopReason.DIVERGED: "FAILED"}
        self._client.set_terminated(self._id, states.get(reason, "KILLED" if reason == "interrupted" else "FINISHED"))


def _parameters(run: Run) -> dict[str, str]:
    """Write what was chosen as text, the fields of parts by dotted names."""
    found = {"parameters": str(len(run.x0))}
    found |= _flat("limits", run.budget.model_dump(exclude_none=True))
    for kind, component in (("optimizer", run.optimizer), ("gradient", run.gradient)):
        if isinstance(component, Component):
            found |= _flat(kind, {"name": component.name, **component.model_dump()})
    return found


def _flat(place: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {place: str(value)[:_LONGEST]}
    table = cast("dict[str, Any]", value)
    return {name: text for key, inner in table.items() for name, text in _flat(f"{place}.{key}", inner).items()}


@contextmanager
def _folders_allowed() -> Generator[None]:
    """Say to MLflow that a folder is meant: newer versions refuse it unless this variable is set."""
    variable = "MLFLOW_ALLOW_FILE_STORE"
    before = os.environ.get(variable)
    os.environ[variable] = "true"
    try:
        yield
    finally:
        os.environ.pop(variable) if before is None else os.environ.update({variable: before})
