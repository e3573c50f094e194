"""Which generation of which document may be found, on a store without transactions whose reads lag behind writes.

Every document that may be found has one record of its own, its head, in a namespace beside that of the chunks. Writing
that record switches all chunks of the document at once. A head also hides the older documents that it names, until
their heads are gone. The record "epoch" is written before and after every switch.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from service.adapters.vectors.pinecone_identity import marker
from service.adapters.vectors.pinecone_sdk import PineconeIndex
from service.adapters.vectors.pinecone_waits import LONGEST_PAUSE, VISIBLE_SECONDS, wait_until
from service.errors import UpstreamUnavailable

_OWN_NANOSECONDS = 600 * 10**9
_MOST_TENANTS = 64
_OWN_EPOCHS = 256
_EPOCH = "epoch"
_REBUILD = "rebuild"
_PREFIX = "d/"
_PER_DELETE = 1_000
_BEING_REBUILT = "The passages in Pinecone are changing to another embedding model."


class Head(NamedTuple):
    """The state of one document. generation is empty for one that was deleted. version grows with time."""

    document: str
    generation: str
    chunks: int
    replaces: tuple[str, ...]
    version: int


class Epoch(NamedTuple):
    """id changes with every switch. settled is False while one is going on, or was cut off."""

    id: str
    settled: bool


_NOTHING = Epoch("0", True)


class Heads:
    """The heads of all tenants. Documents are named as in pinecone_records.name_of."""

    def __init__(self, index: PineconeIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, dict[str, Head]]] = {}
        self._own: dict[str, dict[str, Head]] = {}
        self._epochs: dict[str, deque[str]] = {}
        self._version = 0

    async def epoch(self, tenant: str) -> Epoch:
        """The newest one that can be seen."""
        fetched = await self._index.fetch(state_of(tenant), [_EPOCH, _REBUILD])
        await self._follow(fetched)
        found = fetched.get(_EPOCH)
        return Epoch(found["epoch"], found["settled"]) if found else _NOTHING

    async def visible(self, tenant: str, epoch: Epoch, documents: Collection[str]) -> dict[str, Head]:
        """The heads of those of these documents that may be found."""
        known = self._known_at(tenant, epoch)
        missing = [document for document in documents if document not in known]
        heads = {document: known[document] for document in documents if document in known}
        heads |= await self.fetch(tenant, missing)
        if epoch.settled:
            self._remember(tenant, epoch, known | heads)
        heads |= self._newer_of_own(tenant, epoch, heads, documents)
        versions = {document: head.version for document, head in heads.items()}
        hidden = {
            older
            for head in heads.values()
            for older in head.replaces
            if older in versions and versions[older] < head.version
        }
        return {name: head for name, head in heads.items() if head.generation and name not in hidden}

    async def fetch(self, tenant: str, documents: Sequence[str]) -> dict[str, Head]:
        """The heads of these documents as they are stored."""
        found = await self._index.fetch(state_of(tenant), [_PREFIX + name for name in documents])
        return {
            fields["document"]: Head(
                fields["document"],
                fields["generation"],
                int(fields["chunks"]),
                tuple(fields.get("replaces", ())),
                int(fields["version"]),
            )
            for fields in found.values()
        }

    async def all(self, tenant: str) -> dict[str, Head]:
        """Every head that may be found."""
        names = [name.removeprefix(_PREFIX) for name in await self._index.list_ids(state_of(tenant), _PREFIX)]
        with self._lock:
            names = list({*names, *self._own.get(tenant, {})})
        return await self.visible(tenant, await self.epoch(tenant), names)

    async def switch(self, tenant: str, added: Head | None, removed: Sequence[str]) -> None:
        """Make a document findable, and others not. Returns when the next search sees it."""
        gone = [Head(name, "", 0, (), self._next_version()) for name in removed]
        await self._check_open(tenant)
        before = (await self.epoch(tenant)).id
        self._go_on_from(tenant, before)
        begun = await self._write_epoch(tenant, settled=False)
        if added:
            added = added._replace(version=self._next_version())
            fields = added._asdict() | {"version": str(added.version), "replaces": list(added.replaces)}
            if not added.replaces:
                del fields["replaces"]
            await self._upsert(tenant, _PREFIX + added.document, fields)
        if gone:
            ids = [_PREFIX + head.document for head in gone]
            await self._index.delete(state_of(tenant), ids)
        await wait_until(lambda: self._is_as(tenant, added, removed))
        await self._check_open(tenant)  # else a rebuild that began meanwhile may not have seen it
        self._note_own(tenant, [*gone, *([added] if added else ())])
        others = (await self.epoch(tenant)).id  # of a switch that ended meanwhile, with which heads may be remembered
        await self._write_epoch(tenant, settled=True)
        await wait_until(lambda: self._has_left(tenant, (before, begun, others)))

    async def close_for(self, tenant: str, seconds: float) -> None:
        """Refuse every change for so long, or with 0 everything and for ever. Returns when others can see it."""
        until = time.time() + seconds if seconds else 0.0
        await self._upsert(tenant, _REBUILD, {"until": until})

        async def seen() -> bool:
            found = await self._index.fetch(state_of(tenant), [_REBUILD])
            return _REBUILD in found and found[_REBUILD]["until"] == until

        await wait_until(seen)

    async def reopen(self, tenant: str) -> None:
        """Let changes happen again."""
        await self._index.delete(state_of(tenant), [_REBUILD])

    async def discard(self, tenant: str) -> None:
        """Remove all that is stored for a tenant, but for the word that it is elsewhere."""
        for namespace in (tenant, state_of(tenant)):
            ids = [name for name in await self._index.list_ids(namespace, "") if name != _REBUILD]
            for start in range(0, len(ids), _PER_DELETE):
                await self._index.delete(namespace, ids[start : start + _PER_DELETE])

    async def _follow(self, fetched: Mapping[str, Any]) -> None:
        """Raises NotConfigured or UpstreamUnavailable when the records have moved to another model's place."""
        if self._index.fixed or _REBUILD not in fetched or fetched[_REBUILD]["until"]:
            return
        await self._index.reopen()
        raise UpstreamUnavailable(f"{_BEING_REBUILT} If this lasts, run `ragsql reindex` again.")

    async def _check_open(self, tenant: str) -> None:
        """Wait while a rebuild has changes stopped. Raises UpstreamUnavailable after a minute, and like _follow."""
        until = time.monotonic() + VISIBLE_SECONDS
        while True:
            fetched = await self._index.fetch(state_of(tenant), [_REBUILD])
            await self._follow(fetched)
            if self._index.fixed or _REBUILD not in fetched or fetched[_REBUILD]["until"] <= time.time():
                return
            if time.monotonic() > until:
                raise UpstreamUnavailable(f"{_BEING_REBUILT} Try again in a minute.")
            await asyncio.sleep(LONGEST_PAUSE / 4)

    def _remember(self, tenant: str, epoch: Epoch, heads: dict[str, Head]) -> None:
        with self._lock:
            self._known.pop(tenant, None)
            self._known[tenant] = (epoch.id, heads)
            if len(self._known) > _MOST_TENANTS:
                del self._known[next(iter(self._known))]

    def _note_own(self, tenant: str, heads: Sequence[Head]) -> None:
        oldest = time.time_ns() - _OWN_NANOSECONDS
        with self._lock:
            recent = {name: head for name, head in self._own.get(tenant, {}).items() if head.version > oldest}
            self._own[tenant] = recent | {head.document: head for head in heads}

    def _known_at(self, tenant: str, epoch: Epoch) -> dict[str, Head]:
        with self._lock:
            at, known = self._known.get(tenant, ("", {}))
            return known if epoch.settled and at == epoch.id else {}

    def _go_on_from(self, tenant: str, epoch: str) -> None:
        """After a switch of another process, what is missing may have been deleted by it."""
        with self._lock:
            if epoch not in self._epochs.get(tenant, ()):
                gone = {name: head for name, head in self._own.get(tenant, {}).items() if not head.generation}
                self._own[tenant] = gone
                self._epochs[tenant] = deque([epoch], _OWN_EPOCHS)

    def _newer_of_own(
        self, tenant: str, epoch: Epoch, heads: Mapping[str, Head], documents: Collection[str]
    ) -> dict[str, Head]:
        """What this process has written: another replica of Pinecone may not know it yet.

        In an epoch of another process, a document whose head is missing was deleted.
        """
        with self._lock:
            own = self._own.get(tenant, {})
            mine = {name: own[name] for name in documents if name in own}
            last = epoch.id in self._epochs.get(tenant, ())
        return {
            name: head
            for name, head in mine.items()
            if (heads[name].version < head.version if name in heads else last or not head.generation)
        }

    def _next_version(self) -> int:
        with self._lock:
            self._version = max(self._version + 1, time.time_ns())
            return self._version

    async def _write_epoch(self, tenant: str, *, settled: bool) -> str:
        epoch = uuid.uuid4().hex
        with self._lock:
            self._epochs.setdefault(tenant, deque(maxlen=_OWN_EPOCHS)).append(epoch)
        await self._upsert(tenant, _EPOCH, {"epoch": epoch, "settled": settled})
        return epoch

    async def _is_as(self, tenant: str, added: Head | None, removed: Sequence[str]) -> bool:
        names = [*removed, *([added.document] if added else ())]
        found = await self.fetch(tenant, names)
        here = added is None or (added.document in found and found[added.document].version >= added.version)
        return here and not any(name in found for name in removed)

    async def _has_left(self, tenant: str, earlier: Collection[str]) -> bool:
        return (await self.epoch(tenant)).id not in earlier

    async def _upsert(self, tenant: str, name: str, fields: Mapping[str, Any]) -> None:
        record = {"id": name, "values": marker(self._index.dimension), "metadata": dict(fields)}
        await self._index.upsert(state_of(tenant), [record])


def state_of(tenant: str) -> str:
    """The namespace of a tenant's heads."""
    return f"{tenant}/state"
