"""Copy everything that is kept as rows from one store to another: documents, knowledge, statements, the log, usage."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from service.errors import UpstreamUnavailable
from service.ports import RecordRow, RecordRows
from service.usecases.copying import Copied, CopyProgress, Report

_PART = "records"
_PAGE = 500
_ROUNDS = 3
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class CopyRecords:
    """See PartCopy. Rows are compared by a digest of all their columns."""

    source: RecordRows
    target: RecordRows

    async def is_empty(self) -> bool:
        """See PartCopy."""
        return not any([await self.target.export_rows(table, None, 1) for table in self.target.tables()])

    async def fingerprint(self) -> str:
        """See PartCopy."""
        return _checksum({table: await _digests(self.target, table) for table in self.target.tables()})

    async def copy(self, report: Report) -> Copied:
        """See PartCopy."""
        moved = removed = 0
        for _ in range(_ROUNDS):
            seen: dict[str, dict[Key, str]] = {}
            there: dict[str, dict[Key, str]] = {}
            for table in self.source.tables():
                there[table] = await _digests(self.target, table)
                seen[table] = {}
                async for rows in _pages(self.source, table):
                    moved += await self._copy(table, rows, seen[table], there[table])
                    report(CopyProgress(_PART, sum(map(len, seen.values())), 0))
            for table in reversed(self.source.tables()):
                gone = list(there[table].keys() - seen[table].keys())
                for start in range(0, len(gone), _PAGE):
                    await self.target.drop_rows(table, gone[start : start + _PAGE])
                removed += len(gone)
            checksum = _checksum(seen)
            if checksum == await self.fingerprint():
                return Copied(_PART, sum(map(len, seen.values())), moved, removed, checksum)
        raise UpstreamUnavailable(
            "Records change while they are copied. Stop the servers and run `ragsql migrate` again: it copies only "
            "what is missing."
        )

    async def _copy(self, table: str, rows: Sequence[RecordRow], seen: dict[Key, str], there: dict[Key, str]) -> int:
        digests = await asyncio.to_thread(_digested, rows)
        seen |= digests
        missing = [row for row in rows if there.get(row.key) != digests[row.key]]
        await self.target.import_rows(table, missing)
        return len(missing)


async def _pages(store: RecordRows, table: str) -> AsyncIterator[list[RecordRow]]:
    after: Key | None = None
    while rows := await store.export_rows(table, after, _PAGE):
        yield rows
        after = rows[-1].key


async def _digests(store: RecordRows, table: str) -> dict[Key, str]:
    found: dict[Key, str] = {}
    async for rows in _pages(store, table):
        found |= await asyncio.to_thread(_digested, rows)
    return found


def _digested(rows: Sequence[RecordRow]) -> dict[Key, str]:
    return {row.key: _digest(row) for row in rows}


def _digest(row: RecordRow) -> str:
    return hashlib.sha256(repr(sorted(row.values.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(digests: dict[str, dict[Key, str]]) -> str:
    """Whatever the order in which a store keeps its rows."""
    tables = [(table, sorted(rows.values())) for table, rows in sorted(digests.items())]
    return hashlib.sha256(repr(tables).encode()).hexdigest()
