"""An index of another embedding model beside the one that serves: in other namespaces, or in another index of Pinecone.

The identity record of the index that the settings name leads to the one that serves; writing it is the switch. Nothing
in Pinecone happens only if nothing else did, so changes are refused from before the last look until after the switch.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping

from service.adapters.vectors.identity import Identity
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.adapters.vectors.pinecone_heads import Heads
from service.adapters.vectors.pinecone_identity import Place, place_of, read_identity, suffix, write_identity
from service.adapters.vectors.pinecone_sdk import READ_SECONDS, PineconeIndex
from service.adapters.vectors.pinecone_waits import wait_until
from service.domain.caller import Caller
from service.errors import NotConfigured

_CLOSED_SECONDS = 120.0
_MARGIN_SECONDS = 30.0
_STATE = "/state"


class PineconeRebuild:
    """See IndexRebuild. entry is the index that the settings name, opened without regard to its model."""

    def __init__(self, entry: PineconeIndex, old: PineconeIndex, new: PineconeIndex, needed: bool) -> None:
        self._entry = entry
        self._old = old
        self._new = new
        self.model, self.dimension, self.needed = old.identity.model, old.identity.dimension, needed
        self.serving = _store(old)
        self.next = _store(new)

    async def switch(self, epochs: Mapping[str, str]) -> bool:
        """See IndexRebuild."""
        began = time.monotonic()
        heads = Heads(self._old)
        spaces = {tenant: await self._old.space(tenant) for tenant in epochs}
        for space in spaces.values():
            await heads.close_for(space, _CLOSED_SECONDS)
        same = [await self.serving.epoch(Caller(tenant)) == epoch for tenant, epoch in epochs.items()]
        unknown = set(await self._spaces(self._old)) - set(spaces.values())
        if not all(same) or unknown or time.monotonic() - began > _CLOSED_SECONDS - _MARGIN_SECONDS:
            for space in spaces.values():
                await heads.reopen(space)
            return False
        newer = Heads(self._new)
        for tenant, space in spaces.items():
            await newer.reopen(await self._new.space(tenant))
            await heads.close_for(space, 0)
        await self._lead_to(self._new.place)
        return True

    async def tidy(self) -> None:
        """See IndexRebuild. In the namespaces of this service only."""
        for index in {self._old.place.index: self._old, self._new.place.index: self._new}.values():
            heads = Heads(index)
            for space in await self._spaces(index, every=True):
                generation = space.partition("@")[2]
                if Place(index.place.index, generation) != self._new.place:
                    await heads.discard(space)

    def close(self) -> None:
        """See IndexRebuild."""
        for one in (self.serving, self.next, self._entry, self._old, self._new):
            one.close()

    async def _lead_to(self, place: Place) -> None:
        fields = self._new.identity.fields() | {"index": place.index, "generation": place.generation}
        dimension = (await self._entry.call_control(self._entry.name)).dimension

        async def seen() -> bool:
            return await self._entry.call(read_identity, READ_SECONDS) == fields

        await self._entry.call(lambda index: write_identity(index, dimension, fields), READ_SECONDS)
        await wait_until(seen)

    async def _spaces(self, index: PineconeIndex, *, every: bool = False) -> list[str]:
        """The namespaces of chunks that have chunks or, with every, whatever is left."""
        stats = await index.call(lambda sdk: sdk.describe_index_stats(), READ_SECONDS)
        names = [name.removesuffix(_STATE) for name in stats.namespaces if name.endswith(_STATE)]
        if every:
            return names
        end = suffix(index.place)
        mine = [name for name in names if name.partition("@")[2] == end.removeprefix("@")]
        return [name for name in mine if name in stats.namespaces and stats.namespaces[name].vector_count]


async def open_rebuild(store: PineconeIndex) -> PineconeRebuild:
    """Where the index is that serves, and a place for the next one. Raises NotConfigured when there is no room for it.

    Another dimension needs another index of Pinecone, which has to be made by its owner.
    """
    description = await store.call_control(store.name)
    entry_identity = Identity(store.identity.model, description.dimension)
    entry = PineconeIndex(store.api_key, store.name, entry_identity, Place(store.name, ""))
    stored = await entry.call(read_identity, READ_SECONDS)
    made_by = Identity.of(stored) if stored else store.identity
    serving = place_of(stored or {}, store.name)
    old = PineconeIndex(store.api_key, store.name, made_by, serving)
    if made_by == store.identity:
        return PineconeRebuild(entry, old, old, needed=False)
    room = store.name if description.dimension == store.dimension else f"{store.name}-{store.dimension}"
    digest = hashlib.sha256(f"{store.identity.model}/{store.dimension}".encode()).hexdigest()
    new = PineconeIndex(store.api_key, room, store.identity, Place(room, digest[:12]))
    try:
        await new.space("")
    except NotConfigured as error:
        raise NotConfigured(
            f"{error.message} Vectors of {store.identity.model} need an index of their own: make it under the name "
            f'"{room}", with {store.dimension} dimensions and the metric cosine, and run `ragsql reindex` again. '
            "PINECONE_INDEX_NAME stays as it is."
        ) from None
    return PineconeRebuild(entry, old, new, needed=True)


def _store(index: PineconeIndex) -> PineconeVectorStore:
    identity = index.identity
    return PineconeVectorStore(index.api_key, index.name, identity.model, identity.dimension, place=index.place)
