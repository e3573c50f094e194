"""Records as rows of tables, for copying them from one store to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class RecordRow(NamedTuple):
    """A row of any table. key is its primary key; values holds every column, the key's too, by name."""

    key: tuple[object, ...]
    values: Mapping[str, object]


class RecordRows(Protocol):
    """Every row of every tenant as it is, to be copied to another store."""

    def tables(self) -> tuple[str, ...]:
        """In an order in which they can be filled."""
        ...

    async def export_rows(self, table: str, after: tuple[object, ...] | None, size: int) -> list[RecordRow]:
        """Those whose keys come after this one, or the first, in order of their keys; at most size."""
        ...

    async def import_rows(self, table: str, rows: Sequence[RecordRow]) -> None:
        """Insert or overwrite by key, in one transaction. A log that only grows keeps what it has."""
        ...

    async def drop_rows(self, table: str, keys: Sequence[tuple[object, ...]]) -> None:
        """Remove those that are there. A log that only grows keeps them."""
        ...
