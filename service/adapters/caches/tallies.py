"""Counters of look-ups, in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from service import ports

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.questions import Usage
    from service.ports import CacheCounters


class Tallies:
    """By tenant and kind. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, str], list[float]] = {}

    def count(self, caller: Caller, kind: str, saved: Usage | None) -> None:
        """See Cache."""
        with self._lock:
            sums = self._sums.setdefault((caller.tenant, kind), [0, 0, 0, 0, 0, 0.0])
            sums[saved is None] += 1
            if saved is not None:
                sums[2] += saved.input_tokens
                sums[3] += saved.output_tokens
                sums[4] += saved.embedding_tokens
                sums[5] += saved.cost_usd

    def of(self, caller: Caller, kind: str) -> CacheCounters:
        """The tenant's counters of one kind."""
        from service.domain.questions import Usage

        with self._lock:
            hits, misses, *saved, dollars = self._sums.get((caller.tenant, kind), (0, 0, 0, 0, 0, 0.0))
        return ports.CacheCounters(int(hits), int(misses), Usage(*map(int, saved), cost_usd=dollars))
