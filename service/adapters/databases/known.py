"""A schema and the index of its values, kept until the database says that something changed."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence

from service.adapters.databases.values import ValueIndex
from service.domain.sql import Schema, SchemaTable

VALUES_SECONDS = 600.0
"""So old may samples and indexed values be."""


class KnownSchema:
    """The schema last read. Safe for threads: one reads, the others wait for it."""

    def __init__(self, check_seconds: float) -> None:
        self._check_seconds = check_seconds
        self._lock = threading.Lock()
        self._schema: Schema | None = None
        self._index: ValueIndex | None = None
        self._fingerprint = ""
        self._read_at = self._checked_at = 0.0

    def schema(self, fingerprint: Callable[[], str], read: Callable[[], Schema], fresh: bool = False) -> Schema:
        """The schema, read again when its fingerprint changed, which is asked for at most every check_seconds.

        fresh asks for it at once.
        """
        with self._lock:
            if fresh:
                self._checked_at = float("-inf")
            return self._current(fingerprint, read)

    def at(self, fingerprint: str) -> Schema | None:
        """The schema if it was read at this fingerprint and is not too old. Never waits."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            good = fingerprint == self._fingerprint and time.monotonic() <= self._read_at + VALUES_SECONDS
            return self._schema if good else None
        finally:
            self._lock.release()

    def index(
        self, fingerprint: Callable[[], str], read: Callable[[], Schema], build: Callable[[Schema], ValueIndex]
    ) -> ValueIndex:
        """The index of the current schema's values."""
        with self._lock:
            schema = self._current(fingerprint, read)
            if self._index is None:
                self._index = build(schema)
            return self._index

    def _current(self, fingerprint: Callable[[], str], read: Callable[[], Schema]) -> Schema:
        now = time.monotonic()
        if self._schema is not None and now < self._checked_at + self._check_seconds:
            return self._schema
        found = fingerprint()
        if self._schema is None or found != self._fingerprint or now > self._read_at + VALUES_SECONDS:
            self._schema, self._index = read(), None
            self._fingerprint, self._read_at = found, now
        self._checked_at = now
        return self._schema


def epoch_of(tables: Sequence[SchemaTable], definitions: Sequence[str] = ()) -> str:
    """A digest of all that a statement is checked against: not of stored values, nor of what is inferred from them.

    definitions say what views select and which rows a role sees: the same statement means another thing with others.
    """
    parts = [
        (
            table.name, table.is_view, table.comment, table.primary_key,
            [key for key in table.foreign_keys if not key.inferred],
            [(column.name, column.type, column.nullable, column.comment) for column in table.columns],
        )
        for table in tables
    ]  # fmt: skip
    shown = repr((parts, list(definitions)) if definitions else parts)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
