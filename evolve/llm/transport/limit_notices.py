"""Notices about the limits of a server: fields that it refuses, and answers that it cuts."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.reply import CUT
from evolve.llm.transport.request_body import LIMIT_FIELDS
from evolve.llm.transport.server import Server
from evolve.notices import NoticeLog


class LimitNotices:
    """Notices about the limits of a server, each reported once."""

    def __init__(self, server: Server, log: NoticeLog) -> None:
        """
        Args:
            server: the server of a model.
            log: receives the notices.
        """
        self._model, self._log = server.model, log
        self._fields, self._has_cut = set(LIMIT_FIELDS), False

    def adopt(self, exchanges: Sequence[Exchange]) -> None:
        """Adopt what the recorded exchanges of a run that goes on have reported."""
        for each in exchanges:
            self._fields.update(each.omitted)
            self._has_cut |= _is_cut(each)

    def report(self, exchange: Exchange) -> None:
        """Report the limits that an exchange is the first to show."""
        for name in exchange.omitted:
            if name not in self._fields:
                self._log.notice(f"{self._model.name} does not support `{name}`: requests omit it")
        if _is_cut(exchange) and not self._has_cut:
            self._log.notice(
                f"an answer of {self._model.name} was cut at `max_tokens` "
                f"({self._model.max_tokens:,})\n"
                "  = raise `max_tokens` of the model, or lower `reasoning_effort`"
            )
        self.adopt([exchange])


def _is_cut(exchange: Exchange) -> bool:
    """Return whether an answer other than that of a probe ended at the limit on tokens."""
    return exchange.finish == CUT and exchange.kind != "probe"
