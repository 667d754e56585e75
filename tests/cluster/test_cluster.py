"""Calls on real workers: deaths, deadlines, refusals, and errors that people read."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from evolve.cluster import Cluster, ClusterError, WorkerError, connection, dispatcher
from evolve.cluster.environment import describe_difference, describe_environment
from evolve.cluster.remote import MAX_BLOBS
from evolve.errors import EvolveError
from evolve.notices import NoticeList
from tests.cluster import toy_calls
from tests.cluster.processes import Processes, start_processes, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_calls_use_both_workers_and_return_in_any_number(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        wait_until(lambda: len(cluster.workers) == 2)
        calls = [cluster.submit(toy_calls.sleep, "0.2", evaluations=1) for _ in range(8)]
        assert len({each.result() for each in calls}) == 2
        sums = [cluster.submit(toy_calls.add, each, 1, evaluations=1) for each in range(50)]
        assert [each.result() for each in sums] == list(range(1, 51))


def test_a_worker_runs_one_call_at_a_time(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        wait_until(lambda: len(cluster.workers) == 2)
        calls = [cluster.submit(toy_calls.sleep, "0.5", evaluations=1) for _ in range(3)]
        done, waiting = wait(calls, timeout=0.9)
        assert (len(done), len(waiting)) == (2, 1)


def test_a_label_prefers_the_worker_of_its_last_call(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        wait_until(lambda: len(cluster.workers) == 2)
        workers = []
        for _ in range(4):
            calls = [
                cluster.submit(toy_calls.sleep, seconds, evaluations=1, label=label)
                for label, seconds in (("a", "0.2"), ("b", "0.1"))
            ]
            workers.append([each.result() for each in calls])
        assert all(each == workers[0] for each in workers)


def test_a_blob_is_sent_once_and_opened_once(pair: Processes) -> None:
    content = os.urandom(1000)
    with Cluster(pair.address, NoticeList()) as cluster:
        blob = cluster.share(content)
        assert cluster.share(content) is blob
        calls = [cluster.submit(toy_calls.count_openings, blob, evaluations=1) for _ in range(6)]
        assert {each.result() for each in calls} == {1}


def test_a_blob_is_sent_again_to_a_worker_that_removed_it(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        blobs = [cluster.share(os.urandom(size)) for size in range(10, 10 + 2 * MAX_BLOBS)]
        for _ in range(2):
            calls = [cluster.submit(toy_calls.count_bytes, each, evaluations=1) for each in blobs]
            assert [each.result() for each in calls] == [len(each.content) for each in blobs]


def test_an_error_of_the_function_is_that_of_the_call(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        refused = cluster.submit(toy_calls.refuse, "3", evaluations=1).exception()
        assert isinstance(refused, EvolveError)
        assert (refused.message, refused.hint) == ("found 3", "expected more")
        error = cluster.submit(toy_calls.divide, 3, evaluations=1).exception()
        assert isinstance(error, WorkerError)
        assert "division by zero" in str(error)
        assert "in divide" in str(error)


def test_a_call_of_a_killed_worker_runs_on_another(tmp_path: Path) -> None:
    log = NoticeList()
    with start_processes(tmp_path, 2) as processes, Cluster(processes.address, log) as cluster:
        wait_until(lambda: len(cluster.workers) == 2)
        calls = [cluster.submit(toy_calls.sleep, "1.5", evaluations=1) for _ in range(2)]
        time.sleep(0.5)
        processes.workers[0].kill()
        assert {each.result() for each in calls} == {processes.workers[1].pid}
        assert any("is lost; the task runs again" in each for each in log.texts)


def test_a_call_that_kills_each_worker_is_an_error_that_names_them(tmp_path: Path) -> None:
    with (
        start_processes(tmp_path, 3) as processes,
        Cluster(processes.address, NoticeList()) as cluster,
    ):
        wait_until(lambda: len(cluster.workers) == 3)
        workers = cluster.workers
        call = cluster.submit(toy_calls.kill_process, evaluations=1)
        error = call.exception()
    assert isinstance(error, ClusterError)
    assert all(each in error.message for each in workers)


def test_blobs_are_sent_again_after_all_workers_died(tmp_path: Path) -> None:
    with (
        start_processes(tmp_path, 1) as processes,
        Cluster(processes.address, NoticeList()) as cluster,
    ):
        blob = cluster.share(b"bars")
        assert cluster.submit(toy_calls.count_bytes, blob, evaluations=1).result() == 4
        processes.workers[0].kill()
        wait_until(lambda: not cluster.workers)
        call = cluster.submit(toy_calls.count_bytes, blob, evaluations=1)
        processes.start_worker()
        assert call.result() == 4


def test_a_call_of_a_stopped_worker_runs_on_another_after_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "MIN_SECONDS", 2.0)
    log = NoticeList()
    with start_processes(tmp_path, 2) as processes, Cluster(processes.address, log) as cluster:
        wait_until(lambda: len(cluster.workers) == 2)
        calls = [cluster.submit(toy_calls.sleep, "0.5", evaluations=1) for _ in range(2)]
        processes.workers[0].send_signal(signal.SIGSTOP)
        assert {each.result() for each in calls} == {processes.workers[1].pid}
        assert len(cluster.workers) == 1
        processes.workers[0].send_signal(signal.SIGCONT)
        wait_until(lambda: len(cluster.workers) == 2)
    assert any("has not completed a task in" in each for each in log.texts)


def test_without_any_worker_left_calls_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "STRANDED_SECONDS", 1.0)
    with (
        start_processes(tmp_path, 1) as processes,
        Cluster(processes.address, NoticeList()) as cluster,
    ):
        processes.workers[0].kill()
        error = cluster.submit(toy_calls.add, 1, 1, evaluations=1).exception()
        assert isinstance(error, ClusterError)
        assert error.message == f"the cluster at {processes.address} has no worker left"


def test_without_a_scheduler_left_calls_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "STRANDED_SECONDS", 1.0)
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 2.0)
    with (
        start_processes(tmp_path, 1) as processes,
        Cluster(processes.address, NoticeList()) as cluster,
    ):
        processes.scheduler.kill()
        error = cluster.submit(toy_calls.sleep, "0", evaluations=1).exception()
        assert isinstance(error, ClusterError)


def test_calls_fail_when_the_cluster_is_closed(pair: Processes) -> None:
    with Cluster(pair.address, NoticeList()) as cluster:
        calls = [cluster.submit(toy_calls.sleep, "0.3", evaluations=1) for _ in range(5)]
    assert all(isinstance(each.exception(), ClusterError) for each in calls)


# A worker whose package is of another version: a file that Python runs at start reports it.
OTHER_VERSION = """
import importlib.metadata as metadata
true_version = metadata.version
metadata.version = lambda name: "0.0.1" if name == "deap" else true_version(name)
"""


def start_other(processes: Processes, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(OTHER_VERSION)
    return processes.start_worker(FIRST_PATH=str(folder / "site"))


def test_a_worker_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    log = NoticeList()
    expected = describe_environment()["deap"]
    with start_processes(tmp_path, 1) as processes:
        other = start_other(processes, tmp_path)
        with Cluster(processes.address, log) as cluster:
            wait_until(lambda: bool(log.texts))
            calls = [cluster.submit(toy_calls.sleep, "0.1", evaluations=1) for _ in range(6)]
            pids = {each.result() for each in calls}
    assert pids == {processes.workers[0].pid}
    assert other.pid not in pids
    (text,) = log.texts
    assert text.startswith("the worker tcp://127.0.0.1:")
    assert text.endswith(f" is refused: deap is 0.0.1, expected {expected}")


def test_workers_of_other_versions_alone_are_an_error_that_names_them(tmp_path: Path) -> None:
    with start_processes(tmp_path, 0) as processes:
        start_other(processes, tmp_path)
        with pytest.raises(EvolveError) as caught, Cluster(processes.address, NoticeList()):
            pass
    assert f"no worker at {processes.address} has an equal environment" in caught.value.message
    assert "deap is 0.0.1, expected" in caught.value.message
    assert caught.value.hint == "install the expected versions there"


def test_a_worker_that_joins_after_a_refused_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolve.cluster.dispatcher.REFUSED_SECONDS", 60.0)
    with start_processes(tmp_path, 0) as processes:

        class Joining(NoticeList):
            """Log of a refusal, after which another worker starts."""

            def notice(self, text: str) -> None:
                super().notice(text)
                processes.start_worker()

        start_other(processes, tmp_path)
        with Cluster(processes.address, Joining()) as cluster:
            result = cluster.submit(toy_calls.add, 1, 2, evaluations=1).result()
    assert result == 3


def test_a_worker_without_the_tool_is_refused(tmp_path: Path) -> None:
    log = NoticeList()
    with start_processes(tmp_path, 1) as processes:
        (tmp_path / "empty" / "evolve").mkdir(parents=True)
        (tmp_path / "empty" / "evolve" / "__init__.py").write_text("")
        processes.start_worker(FIRST_PATH=str(tmp_path / "empty"))
        with Cluster(processes.address, log):
            wait_until(lambda: bool(log.texts))
    assert "is refused: evolve does not run there: No module named 'evolve.cluster'" in log.texts[0]


def test_a_worker_that_joins_later_is_used(tmp_path: Path) -> None:
    with (
        start_processes(tmp_path, 1) as processes,
        Cluster(processes.address, NoticeList()) as cluster,
    ):
        processes.start_worker()
        wait_until(lambda: len(cluster.workers) == 2)
        calls = [cluster.submit(toy_calls.sleep, "0.2", evaluations=1) for _ in range(4)]
        assert {each.result() for each in calls} == {each.pid for each in processes.workers}


def test_a_scheduler_file_is_an_address(pair: Processes) -> None:
    with Cluster(str(pair.folder / "scheduler.json"), NoticeList()) as cluster:
        assert cluster.submit(toy_calls.add, 1, 2, evaluations=1).result() == 3


def test_a_cluster_without_workers_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "START_SECONDS", 1.0)
    with (
        start_processes(tmp_path, 0) as processes,
        pytest.raises(EvolveError) as caught,
        Cluster(processes.address, NoticeList()),
    ):
        pass
    assert caught.value.message == f"workers.cluster: no worker at {processes.address}"
    assert f"dask worker {processes.address}" in caught.value.hint


def test_an_address_where_nobody_listens_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    with pytest.raises(EvolveError) as caught, Cluster("tcp://127.0.0.1:9", NoticeList()):
        pass
    assert "no scheduler answers at tcp://127.0.0.1:9" in caught.value.message
    assert "dask scheduler" in caught.value.hint
    assert describe_difference({}, {"numpy": "2"}) == "numpy is missing, expected 2"
