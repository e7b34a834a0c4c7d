"""Workers of a Dask cluster: a real one of this machine, whose workers are killed during the run."""

import os
import signal

import numpy as np
import pytest
from searching import bowl, said, searched

from optikit import InputError

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    # What Dask and its event loop leave behind when workers die.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


def test_an_existing_scheduler_gives_the_same_numbers(cluster):
    there = cluster.scheduler_address.replace("tcp", "dask")
    assert said(searched(lambda x: bowl(x), there)) == said(searched(bowl))
    with pytest.raises(KeyError, match="no value"):
        searched(lambda x: {}["no value"], there)


@pytest.mark.parametrize("killed", [1, 2])
def test_the_tasks_of_workers_that_are_killed_are_run_again(cluster, killed):
    def kill(progress):
        if progress.step == 2:
            for nanny in list(cluster.workers.values())[:killed]:
                os.kill(nanny.pid, signal.SIGKILL)

    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=30)
        assert said(searched(bowl, client, 200, callback=kill)) == said(searched(bowl, None, 200))


def test_a_worker_that_is_killed_in_the_middle_of_a_task_is_no_failure(cluster, tmp_path):
    def once(x):
        try:
            os.close(os.open(tmp_path / "killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return bowl(x)
        os.kill(os.getpid(), signal.SIGKILL)

    with distributed.Client(cluster) as client:
        assert said(searched(once, client)) == said(searched(bowl))


def test_a_cluster_of_this_machine_is_made_and_ended():
    before = len(distributed.client._global_clients)
    assert said(searched(bowl, "dask")) == said(searched(bowl))
    assert len(distributed.client._global_clients) == before


def test_a_scheduler_that_does_not_answer_is_an_error_in_one_sentence(monkeypatch):
    monkeypatch.setattr("optikit.cluster._PATIENCE", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at 127\.0\.0\.1:9 "):
        searched(bowl, "dask://127.0.0.1:9")


def test_an_evaluation_that_kills_every_worker_has_failed(cluster):
    def deadly(x):
        if x[0] > 1.9:
            os._exit(1)
        return bowl(x)

    with distributed.Client(cluster) as client:
        result = searched(deadly, client, on_error="skip", history="points")
    assert result.nfev == 60
    died = sorted(np.flatnonzero(result.history.points[:, 0] > 1.9))
    assert died
    assert set(died) <= set(result.history.failures), "others may die with it, but none that kills is answered"
