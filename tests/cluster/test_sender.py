"""Sender: its connection may be lost at any time."""

from __future__ import annotations

from typing import Any, cast

import pytest

from evolve.cluster.sender import Sender

distributed = pytest.importorskip("distributed")


class ClosedClient:
    """Client that gave up its scheduler."""

    def get_executor(self, **options: Any) -> Any:
        from distributed.cfexecutor import ClientExecutor

        return ClientExecutor(cast(Any, self), **options)

    def cancel(self, futures: object) -> None:
        raise distributed.client.ClosedClientError("Client is closed.")


def test_a_sender_closes_without_a_scheduler() -> None:
    Sender(cast(Any, ClosedClient()), lambda _: None).close()
