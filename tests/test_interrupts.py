"""Ctrl-C while workers leave: nothing is lost, nothing is printed, and what would come next does not begin."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest

import optikit
from optikit import StopReason
from optikit.workers import Workers


def slow(x):
    time.sleep(0.002)
    return float(x @ x)


def crews():
    yield "processes", lambda opened: 2
    yield "threads", lambda opened: opened.enter_context(ThreadPoolExecutor(2))
    yield "an executor of processes", lambda opened: opened.enter_context(ProcessPoolExecutor(2))


def searched(workers, **options):
    search = optikit.get("optimizer", "random-search", samples=50)
    usual = {"optimizer": search, "bounds": (-1, 3), "max_evals": 1_000_000, "rng": 0, **options}
    return optikit.minimize(slow, [1.0, 2.0], workers=workers, **usual)


@pytest.fixture
def interrupted_closing(monkeypatch):
    """Send Ctrl-C before and after the workers are closed, and count that."""
    closed, whole = [], Workers.close

    def close(self):
        os.kill(os.getpid(), signal.SIGINT)
        whole(self)
        os.kill(os.getpid(), signal.SIGINT)
        closed.append(self)

    monkeypatch.setattr(Workers, "close", close)
    return closed


def interrupt_once(progress):
    if progress.step == 2:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("name", "hire"), list(crews()), ids=[name for name, _ in crews()])
@pytest.mark.parametrize("gap", [0.0, 0.001, 0.003, 0.1])
def test_a_second_ctrl_c_while_workers_leave_loses_nothing(name, hire, gap, interrupted_closing, tmp_path):
    path = tmp_path / "run.db"
    with ExitStack() as opened:
        workers = hire(opened)
        timer = threading.Timer(gap, os.kill, (os.getpid(), signal.SIGINT))

        def begin(progress):
            if progress.step == 1:
                timer.start()

        result = searched(workers, callback=begin, checkpoint=path)
    assert interrupted_closing
    assert (result.reason, result.nfev >= 50) == (StopReason.INTERRUPTED, True)
    assert optikit.runs(path)[0].nfev == result.nfev
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = optikit.resume(path, slow, max_evals=result.nfev + 10)
    assert np.array_equal(again.history.fun[: result.nfev], result.history.fun)


def test_a_result_that_was_there_before_ctrl_c_is_given_back(interrupted_closing):
    assert searched(2, max_evals=50).reason is StopReason.MAX_EVALS
    assert interrupted_closing


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_second_ctrl_c_while_dask_leaves_loses_nothing(interrupted_closing):
    pytest.importorskip("distributed")
    assert searched("dask", callback=interrupt_once).reason is StopReason.INTERRUPTED
    assert interrupted_closing


SLOW = """
import pathlib, time

def fun(x):
    pathlib.Path("begun").touch()
    time.sleep(0.005)
    return float(x @ x)
"""
EXPERIMENT = """
[problem]
function = "slow.py:fun"
x0 = [1.0, 2.0]
bounds = [-1, 3]
[runs.first]
optimizer = { name = "random-search", samples = 8 }
max_evals = %d
[runs.second]
optimizer = "random-search"
max_evals = 5
"""


def experiment(folder, max_evals):
    (folder / "slow.py").write_text(SLOW)
    (folder / "f.toml").write_text(EXPERIMENT % max_evals)


def kept(folder):
    return list(json.loads((folder / "results" / "f-1" / "results.json").read_text())["runs"])


def test_ctrl_c_while_workers_leave_ends_what_would_come_next(interrupted_closing, tmp_path, monkeypatch, capsys):
    from optikit.conduct import conduct

    monkeypatch.chdir(tmp_path)
    experiment(tmp_path, 16)
    try:
        status = conduct(tmp_path / "f.toml", (), (), None, False, workers=2)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert (status, kept(tmp_path), len(interrupted_closing)) == (130, ["first"], 1), "and the second has not begun"
    assert "[runs.first] interrupted; the runs until here are kept" in capsys.readouterr().err


@pytest.mark.parametrize("gap", [0.0, 0.002, 0.01, 0.05, 0.3])
def test_two_ctrl_c_at_a_shell_lose_nothing_and_print_no_traceback(tmp_path, gap):
    experiment(tmp_path, 1_000_000)
    # Whoever started the tests may have SIGINT ignored, and children inherit that.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom optikit.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "run", "f.toml", "--workers", "2"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **streams) as running:
        while not (tmp_path / "begun").exists() and running.poll() is None:
            time.sleep(0.01)
        for pause in (gap, 0):  # to the whole group, as a terminal sends it
            os.killpg(running.pid, signal.SIGINT)
            time.sleep(pause)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, kept(tmp_path)) == (130, ["first"]), err
    assert "Traceback" not in err
    assert "interrupted" in out
