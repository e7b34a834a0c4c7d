"""Runs of MLflow in a folder: its own client finds in them what was chosen and what came of it."""

import os

import numpy as np
import pytest

import optikit
from optikit.testing import conformance

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of our tests
mlflow = pytest.importorskip("mlflow")


def valley(x):
    return float(10 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Minimise with the observer, and give the runs that are in its folder."""

    def made(fun, **more):
        track = optikit.get("observer", "mlflow", path=tmp_path / "mlruns", experiment="valleys")
        arguments = {"optimizer": "gradient-descent", "gradient": "central-difference", "max_steps": 12, "rng": 0}
        try:
            result = optikit.minimize(fun, [-1.0, 0.5], observers=[track], **arguments | more)
        except ZeroDivisionError as error:
            result = error.result
        assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
            client = mlflow.MlflowClient(tracking_uri=track.path.as_uri())
            experiment = client.get_experiment_by_name("valleys").experiment_id
            return result, client, client.search_runs([experiment])

    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    return made


def test_a_run_has_what_was_chosen_and_what_came_of_it(runs):
    result, client, (run,) = runs(valley)
    parameters = run.data.params
    assert parameters["optimizer.name"] == run.info.run_name == "gradient-descent"
    assert float(parameters["optimizer.learning_rate"]) == optikit.get("optimizer", "gradient-descent").learning_rate
    assert (parameters["gradient.name"], parameters["limits.max_steps"], parameters["parameters"]) == (
        "central-difference", "12", "2",
    )  # fmt: skip
    history = client.get_metric_history(run.info.run_id, "fun")
    assert [metric.step for metric in history] == list(range(1, 13))
    assert np.array_equal([metric.value for metric in history], result.history.steps["fun"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["optikit.message"] == result.message
    assert run.data.tags["optikit.continued"] == "false"


@pytest.mark.parametrize(("raised", "status"), [(KeyboardInterrupt, "KILLED"), (ZeroDivisionError, "FAILED")])
def test_a_run_that_ends_early_says_so_and_keeps_its_steps(runs, raised, status):
    left = [43]

    def fun(x):
        left[0] -= 1
        if left[0] < 0:
            raise raised
        return valley(x)

    _, client, (run,) = runs(fun)
    assert run.info.status == status
    assert len(client.get_metric_history(run.info.run_id, "best")) == 8


def test_long_runs_are_written_in_parts(runs):
    _, client, (run,) = runs(valley, max_steps=700, optimizer="gradient-descent")
    assert len(client.get_metric_history(run.info.run_id, "best")) == 700


def test_several_runs_are_in_one_experiment(runs):
    runs(valley)
    _, _, found = runs(valley, optimizer="lbfgs")
    assert sorted(run.info.run_name for run in found) == ["gradient-descent", "lbfgs"]


# All runs go to one store, wherever an experiment has its results, so that they can be compared there.
test_the_observer_passes = conformance(
    optikit.components("observer")["mlflow"], expected={"folder": "it writes to one store for all runs"}, at_least=9
)
