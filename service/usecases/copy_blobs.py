"""Copy files from one blob store to another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.errors import NotFound, UpstreamUnavailable
from service.ports import BlobInfo, BlobStore
from service.usecases.copying import Copied, CopyProgress, Report
from service.usecases.process_document import file_key, processed_key

_PART = "blobs"
_OURS = (file_key(""), processed_key(""))
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class CopyBlobs:
    """See PartCopy. Files are compared by size and SHA-256."""

    source: BlobStore
    target: BlobStore
    tenants: Sequence[str]

    async def is_empty(self) -> bool:
        """See PartCopy."""
        return not any([await self._keys(self.target, Caller(tenant)) for tenant in self.tenants])

    async def fingerprint(self) -> str:
        """See PartCopy."""
        keys = [sorted(await self._keys(self.target, Caller(tenant))) for tenant in self.tenants]
        return hashlib.sha256(repr(keys).encode()).hexdigest()

    async def copy(self, report: Report) -> Copied:
        """See PartCopy."""
        moved = removed = 0
        for _ in range(_ROUNDS):
            found: dict[str, BlobInfo] = {}
            for tenant in self.tenants:
                caller = Caller(tenant)
                keys = await self._keys(self.source, caller)
                for place, key in enumerate(sorted(keys)):
                    report(CopyProgress(_PART, place, len(keys)))
                    info, copied = await self._copy(caller, key)
                    moved += copied
                    if info:
                        found[f"{tenant}/{key}"] = info
                for key in await self._keys(self.target, caller) - keys:
                    await self.target.delete(caller, key)
                    removed += 1
            if await self._same():
                checksum = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
                return Copied(_PART, len(found), moved, removed, checksum)
        raise UpstreamUnavailable(
            "Files change while they are copied. Stop the servers and run `ragsql migrate` again: it copies only what "
            "is missing."
        )

    async def _copy(self, caller: Caller, key: str) -> tuple[BlobInfo | None, bool]:
        """What is stored under a key, on both sides now, and whether it was not before."""
        try:
            info = await self.source.describe(caller, key)
            if await _described(self.target, caller, key) == info:
                return info, False
            content = await self.source.get(caller, key)
        except NotFound:
            return None, False  # deleted just now
        await self.target.put(caller, key, content)
        if await _described(self.target, caller, key) != info:
            raise UpstreamUnavailable(f"The file {key} is not the same after it was copied.")
        return info, True

    async def _same(self) -> bool:
        for tenant in self.tenants:
            caller = Caller(tenant)
            if await self._keys(self.source, caller) != await self._keys(self.target, caller):
                return False
        return True

    @staticmethod
    async def _keys(store: BlobStore, caller: Caller) -> set[str]:
        return {key for key in await store.list_keys(caller) if key.startswith(_OURS)}


async def _described(store: BlobStore, caller: Caller, key: str) -> BlobInfo | None:
    try:
        return await store.describe(caller, key)
    except NotFound:
        return None
