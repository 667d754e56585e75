"""Addresses of clusters."""

from __future__ import annotations

import pytest

from evolve.config.effort import Workers
from tests.config.experiments import MINIMAL, parse_errors

ADDRESSES = ("tcp://host:8786", "tls://10.0.0.1:1", "tcp://[::1]:8786", "a b/scheduler.json")
NO_ADDRESSES = ("http://host:1", "tcp://host", "tcp://me:secret@host:1", "scheduler.yaml", "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_a_scheduler_is_valid(address: str) -> None:
    assert Workers(cluster=address).cluster == address


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_another_address_is_an_error_that_shows_the_expected_one(address: str) -> None:
    errors = parse_errors(MINIMAL + f"workers: {{cluster: '{address}'}}\n")
    assert "`workers.cluster`: expected `tcp://HOST:PORT`" in errors
    assert f"found `{address}`" in errors or "secret" not in errors


def test_a_cluster_and_a_number_of_processes_contradict_each_other() -> None:
    errors = parse_errors(MINIMAL + "workers: {cluster: 'tcp://host:1', processes: 2}\n")
    assert "expected `cluster` or `processes`, found both" in errors
    assert Workers(cluster="tcp://host:1", processes="auto").cluster is not None
