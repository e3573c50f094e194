"""Knowledge items found by words and by meaning, in memory for as long as they do not change."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.adapters.records import knowledge
from service.domain.knowledge import (
    LEAST_COSINE,
    LEAST_SHARE,
    KnowledgeKind,
    kind_of,
    stems_of,
    text_of,
    word_share,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.domain.caller import Caller
    from service.domain.sql import KnowledgeItem
    from service.ports import Vectors

_TENANTS = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """The items of one epoch. Row i of matrix, shape (items, dimension), is the vector of item i, or zero."""

    epoch: str
    items: list[KnowledgeItem]
    kinds: list[KnowledgeKind]
    stems: list[frozenset[str]]
    matrix: Vectors
    complete: bool


class KnowledgeIndex:
    """The items of the tenants that asked last."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[tuple[str, str], _Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def search(
        self, connection: Connection, caller: Caller, question: str, vector: Vectors, model: str, limit: int
    ) -> list[KnowledgeItem]:
        """See KnowledgeRecords. Runs inside a transaction of the caller."""
        loaded = self._load(connection, caller, model, len(vector))
        asked = stems_of(question)
        cosines = loaded.matrix @ vector
        found: list[tuple[float, int]] = []
        for position, kind in enumerate(loaded.kinds):
            share, cosine = word_share(asked, loaded.stems[position], kind), float(cosines[position])
            if share >= LEAST_SHARE or cosine >= LEAST_COSINE:
                found.append((-(share + cosine), position))
        taken = Counter[KnowledgeKind]()
        kept: list[KnowledgeItem] = []
        for _, position in sorted(found):
            taken[loaded.kinds[position]] += 1
            if taken[loaded.kinds[position]] <= limit:
                kept.append(loaded.items[position])
        return kept

    def _load(self, connection: Connection, caller: Caller, model: str, dimension: int) -> _Loaded:
        place = (caller.tenant, model)
        epoch = knowledge.epoch(connection, caller)
        with self._lock:
            loaded = self._loaded.get(place)
            if loaded and loaded.epoch == epoch and loaded.complete and loaded.matrix.shape[1] == dimension:
                self._loaded.move_to_end(place)
                return loaded
        loaded = _read(connection, caller, model, dimension, epoch)
        with self._lock:
            self._loaded[place] = loaded
            while len(self._loaded) > _TENANTS:
                self._loaded.popitem(last=False)
        return loaded


def _read(connection: Connection, caller: Caller, model: str, dimension: int, epoch: str) -> _Loaded:
    import numpy as np

    pairs = knowledge.pairs(connection, caller, model)
    matrix = np.zeros((len(pairs), dimension), np.float32)
    complete = True
    for position, (_, content) in enumerate(pairs):
        known = np.frombuffer(content, np.float32) if content is not None else None
        if known is not None and len(known) == dimension:
            matrix[position] = known
        else:
            complete = False
    items = [item for item, _ in pairs]
    return _Loaded(
        epoch, items, [kind_of(item) for item in items], [stems_of(text_of(item)) for item in items], matrix, complete
    )
