"""Event files: TensorBoard's own reader finds in them what the history has."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import optikit
from optikit.testing import conformance

tensorboard = pytest.importorskip("tensorboard")


def valley(x):
    return float(10 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2)


def scalars(folder, tag):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(tag)]


DESCENT = {"optimizer": "gradient-descent", "gradient": "central-difference", "rng": 0}


def test_every_step_is_there(tmp_path):
    board = optikit.get("observer", "tensorboard", path=tmp_path / "run")
    before = threading.active_count()
    result = optikit.minimize(valley, [-1.0, 0.5], max_steps=12, observers=[board], **DESCENT)
    assert threading.active_count() == before, "the writer's thread has ended"
    found = scalars(board.path, "fun")
    assert [step for step, _ in found] == list(range(1, 13))
    assert np.array_equal(np.float32([value for _, value in found]), result.history.steps["fun"].astype(np.float32))
    assert [value for _, value in scalars(board.path, "nfev")] == result.history.steps["nfev"].tolist()


def test_a_run_that_is_continued_goes_on_in_its_folder_without_twins(tmp_path):
    board = optikit.get("observer", "tensorboard", path=tmp_path / "run")
    left = [43]

    def interrupted(x):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return valley(x)

    optikit.minimize(interrupted, [-1.0, 0.5], max_steps=12, observers=[board], checkpoint=tmp_path / "c.db", **DESCENT)
    assert len(scalars(board.path, "fun")) == 8
    result = optikit.resume(tmp_path / "c.db", valley, observers=[board])
    found = scalars(board.path, "fun")
    assert [step for step, _ in found] == list(range(1, 13))
    assert np.array_equal(np.float32([value for _, value in found]), result.history.steps["fun"].astype(np.float32))


def test_a_solver_is_drawn_over_its_evaluations(tmp_path, monkeypatch):
    monkeypatch.setattr(optikit.watch, "_LEAST", 0.0)
    monkeypatch.setattr(optikit.watch, "_SHARE", 0.0)
    board = optikit.get("observer", "tensorboard", path=tmp_path / "run")
    optikit.minimize(valley, [-1.0, 0.5], optimizer="scipy-nelder-mead", max_evals=40, observers=[board])
    steps = [step for step, _ in scalars(board.path, "best")]
    assert steps == sorted(steps)
    assert steps[-1] == 40


def test_it_needs_none_of_its_big_friends(tmp_path):
    root = Path(__file__).parents[1]
    code = (
        "import optikit, sys; optikit.minimize(lambda x: x @ x, [1.0], optimizer='gradient-descent', "
        "gradient='central-difference', max_steps=2, observers=['tensorboard']); "
        "sys.exit('tensorflow' in sys.modules or 'torch' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")])}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    assert list((tmp_path / "runs" / "gradient-descent").glob("events.out.tfevents.*"))


test_the_observer_passes = conformance(optikit.components("observer")["tensorboard"], at_least=9)
