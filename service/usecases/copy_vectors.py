"""Copy passages with their vectors from one index to another."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.chunk_fields import chunk_fields
from service.errors import NotFound, UpstreamUnavailable
from service.ports import DocumentRecords, StoredChunks, VectorIndex
from service.usecases.copying import Copied, CopyProgress, Report

_PART = "vectors"
_MOST_DIFFERENCE = 1e-6
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class CopyVectors:
    """See PartCopy. records are those of the source. Both indexes must be of the same embedding model."""

    source: VectorIndex
    target: VectorIndex
    records: DocumentRecords
    tenants: Sequence[str]

    async def is_empty(self) -> bool:
        """See PartCopy."""
        return not any([await self.target.document_ids(Caller(tenant)) for tenant in self.tenants])

    async def fingerprint(self) -> str:
        """See PartCopy."""
        return repr([await self.target.epoch(Caller(tenant)) for tenant in self.tenants])

    async def copy(self, report: Report) -> Copied:
        """See PartCopy. Each document is compared chunk by chunk after it was copied."""
        moved = removed = 0
        for _ in range(_ROUNDS):
            checksums: dict[str, str] = {}
            chunks = 0
            for tenant in self.tenants:
                caller = Caller(tenant)
                found, more = await self._copy_tenant(caller, checksums, report)
                moved, removed = moved + found, removed + more
                chunks += await self.target.count(caller)
            if await self._same():
                total = hashlib.sha256(repr(sorted(checksums.items())).encode()).hexdigest()
                return Copied(_PART, chunks, moved, removed, total)
        raise UpstreamUnavailable(
            "Documents change while they are copied. Stop the servers and run `ragsql migrate` again: it copies only "
            "what is missing."
        )

    async def _copy_tenant(self, caller: Caller, checksums: dict[str, str], report: Report) -> tuple[int, int]:
        wanted = await self.source.document_ids(caller)
        there = set(await self.target.document_ids(caller))
        for document_id in there.difference(wanted):
            await self.target.delete(caller, document_id)
        moved = 0
        for place, document_id in enumerate(wanted):
            report(CopyProgress(_PART, place, len(wanted)))
            stored = await self.source.read(caller, document_id)
            if stored is None:
                continue  # deleted just now
            checksum = await asyncio.to_thread(_checksum, stored)
            checksums[f"{caller.tenant}/{document_id}"] = checksum
            if document_id not in there or not await self._holds(caller, document_id, stored, checksum):
                moved += await self._move(caller, document_id, stored, checksum)
        report(CopyProgress(_PART, len(wanted), len(wanted)))
        return moved, len(there.difference(wanted))

    async def _move(self, caller: Caller, document_id: str, stored: StoredChunks, checksum: str) -> bool:
        try:
            document = await self.records.get_document(caller, document_id)
        except NotFound:
            return False
        await self.target.replace(caller, document, stored.chunks)
        if not await self._holds(caller, document_id, stored, checksum):
            raise UpstreamUnavailable(f'The document "{stored.filename}" is not the same after it was copied.')
        return True

    async def _holds(self, caller: Caller, document_id: str, stored: StoredChunks, checksum: str) -> bool:
        found = await self.target.read(caller, document_id)
        return (
            found is not None
            and await asyncio.to_thread(_checksum, found) == checksum
            and await asyncio.to_thread(_near, found, stored)
        )

    async def _same(self) -> bool:
        """Whether both sides have the same documents, and as many chunks."""
        for tenant in self.tenants:
            caller = Caller(tenant)
            if set(await self.source.document_ids(caller)) != set(await self.target.document_ids(caller)):
                return False
            if await self.source.count(caller) != await self.target.count(caller):
                return False
        return True


def _checksum(stored: StoredChunks) -> str:
    """Of the file's name and the chunks. Vectors are compared as numbers: stores round them differently."""
    digest = hashlib.sha256(json.dumps(stored.filename).encode())
    for embedded in stored.chunks:
        digest.update(json.dumps(chunk_fields(embedded.chunk)).encode())
    return digest.hexdigest()


def _near(one: StoredChunks, other: StoredChunks) -> bool:
    import numpy as np

    pairs = zip(one.chunks, other.chunks, strict=True)
    return all(bool(np.abs(a.vector - b.vector).max(initial=0.0) <= _MOST_DIFFERENCE) for a, b in pairs)
