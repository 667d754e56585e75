"""Calls as a worker runs them."""

from __future__ import annotations

import pytest

from evolve.cluster.environment import describe_difference, describe_environment
from evolve.cluster.remote import Blob, name_function, run_call
from tests.cluster import toy_calls


def test_a_worker_remembers_a_blob_and_reports_one_that_it_lacks() -> None:
    name, blob = name_function(toy_calls.count_bytes), Blob.of(b"some bars")
    assert run_call(name, [blob.hash], None).lacks
    assert run_call(name, [blob.hash], blob.content).result == 9
    again = run_call(name, [blob.hash], None)
    assert (again.result, again.lacks) == (9, False)


def test_a_function_that_others_cannot_import_is_refused() -> None:
    def inner() -> None:
        pass

    for each in (inner, lambda: 1, Blob.of):
        with pytest.raises(TypeError, match="expected a function of a module"):
            name_function(each)


def test_the_environments_of_equal_processes_are_equal() -> None:
    mine = describe_environment()
    assert describe_difference(describe_environment.__wrapped__(), mine) == ""
    other = {**mine, "numpy": "1.0", "Python": "2.7.1"}
    expected = f"Python is 2.7.1, expected {mine['Python']}; numpy is 1.0, expected {mine['numpy']}"
    assert describe_difference(other, mine) == expected
