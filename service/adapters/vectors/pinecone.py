"""Chunks in a Pinecone index: found by meaning there, and by the words that they share with the question."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from service.adapters.vectors.fusion import fuse
from service.adapters.vectors.identity import Identity
from service.adapters.vectors.pinecone_heads import Epoch, Head, Heads
from service.adapters.vectors.pinecone_identity import Place
from service.adapters.vectors.pinecone_records import content_of, name_of, text_of, words_of
from service.adapters.vectors.pinecone_sdk import PineconeIndex
from service.adapters.vectors.pinecone_writes import PineconeWrites
from service.adapters.vectors.rescoring import bm25
from service.domain.documents import Chunk, Passage
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.terms import terms
from service.errors import RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    from service.adapters.vectors.pinecone_rebuild import PineconeRebuild
    from service.domain.caller import Caller
    from service.domain.documents import Document
    from service.ports import EmbeddedChunk, StoredChunks, Vectors

log = logging.getLogger("ragsql")
Match = Any
Filter = Mapping[str, Any]

_MIN_CANDIDATES = 100
_MAX_TERMS = 32
_BY_WORD = 20
_ROUNDS = 10
_SEARCH_SECONDS = 15.0
_CHECK_SECONDS = 1.8


class PineconeVectorStore:
    """A VectorStore in the Pinecone index of this name, each tenant in a namespace of its own.

    model and dimension are those of the embedder; an index of others raises NotConfigured. Candidates are the chunks
    nearest in meaning and, of the words that none of those has, chunks that have them. BM25 is counted over the
    candidates. Chunks are written under a generation that no search returns before all of them can be found; those of
    an older one stay for grace_seconds, for the searches that began before. One process at a time may change a
    document. place is for an index that does not serve.
    """

    def __init__(
        self,
        api_key: str,
        index_name: str,
        model: str,
        dimension: int,
        grace_seconds: float = 0.25,
        place: Place | None = None,
    ) -> None:
        self._index = PineconeIndex(api_key, index_name, Identity(model, dimension), place)
        self._heads = Heads(self._index)
        self._writes = PineconeWrites(self._index)
        self._grace_seconds = grace_seconds
        self._doubtful: set[tuple[str, str]] = set()  # whose head may be on its way, as the answer was lost
        self._locks: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str, str], asyncio.Lock] = (
            WeakValueDictionary()
        )

    async def replace(
        self, caller: Caller, document: Document, chunks: Sequence[EmbeddedChunk], replaces: Sequence[str] = ()
    ) -> None:
        """See VectorStore. Returns when searches see it."""
        tenant, name, generation = await self._index.space(caller.tenant), name_of(document.id), uuid.uuid4().hex
        older = [other for other in map(name_of, dict.fromkeys(replaces)) if other != name]
        part = f"#{generation}#"
        async with self._alone_with(tenant, [name, *older]):
            try:
                await self._writes.write(tenant, document, generation, chunks)
            except BaseException:
                await asyncio.shield(self._tidy(tenant, [name], lambda identifier: part in identifier))
                raise
            self._doubtful.add((tenant, name))
            await self._heads.switch(tenant, Head(name, generation, len(chunks), tuple(older), 0), older)
            self._doubtful.discard((tenant, name))
            # Nobody would come back to the older ones.
            await self._writes.discard(tenant, older, lambda _: True, self._grace_seconds)
            await self._tidy(tenant, [name], lambda identifier: part not in identifier)

    async def delete(self, caller: Caller, document_id: str) -> None:
        """See VectorStore."""
        tenant, name = await self._index.space(caller.tenant), name_of(document_id)
        async with self._alone_with(tenant, [name]):
            if (tenant, name) in self._doubtful or await self._heads.fetch(tenant, [name]):
                await self._heads.switch(tenant, None, [name])
                self._doubtful.discard((tenant, name))
            await self._writes.discard(tenant, [name], lambda _: True, self._grace_seconds)

    async def forget(self, caller: Caller) -> None:
        """See VectorIndex."""
        for document_id in await self.document_ids(caller):
            await self.delete(caller, document_id)
        await self._writes.forget(await self._index.space(caller.tenant))

    async def read(self, caller: Caller, document_id: str) -> StoredChunks | None:
        """See VectorStore."""
        tenant, name = await self._index.space(caller.tenant), name_of(document_id)
        heads = await self._heads.visible(tenant, await self._heads.epoch(tenant), [name])
        return await self._writes.read(tenant, heads[name]) if name in heads else None

    async def rebuild(self) -> PineconeRebuild:
        """See VectorStore."""
        from service.adapters.vectors.pinecone_rebuild import open_rebuild

        return await open_rebuild(self._index)

    async def search(
        self, caller: Caller, query: str, vector: Vectors, limit: int, documents: Sequence[str] = ()
    ) -> list[Passage]:
        """See VectorStore."""
        tenant, wanted = await self._index.space(caller.tenant), set(list(dict.fromkeys(terms(query)))[:_MAX_TERMS])
        within = {"document": {"$in": [name_of(document) for document in documents]}} if documents else {}
        search = _Search(tenant, vector.tolist(), max(_MIN_CANDIDATES, 2 * limit))
        await self._index.ready()
        epoch, found = await self._look(search, within, search.depth)
        words = [words_of(match.metadata, wanted) for match in found]
        unseen = sorted(wanted.difference(*words))
        if unseen and len(found) == search.depth:
            then, more = await self._look(search, within | {"words": {"$in": unseen}}, _BY_WORD)
            if then == epoch and epoch.settled:
                found += more
                words += [words_of(match.metadata, wanted) for match in more]
        return await self._best(tenant, found, words, limit)

    async def count(self, caller: Caller) -> int:
        """See VectorStore."""
        heads = await self._heads.all(await self._index.space(caller.tenant))
        return sum(head.chunks for head in heads.values())

    async def document_ids(self, caller: Caller) -> list[str]:
        """See VectorStore."""
        return [text_of(name) for name in await self._heads.all(await self._index.space(caller.tenant))]

    async def epoch(self, caller: Caller) -> str:
        """See VectorStore."""
        return (await self._heads.epoch(await self._index.space(caller.tenant))).id

    async def check(self) -> ComponentHealth:
        """See Checkable."""
        try:
            await self._index.call(lambda index: index.describe_index_stats(), _CHECK_SECONDS)
        except RagsqlError as error:
            return ComponentHealth("vectors", "pinecone", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("vectors", "pinecone", HealthStatus.SERVING)

    def close(self) -> None:
        """Close the connections. They open again on use."""
        self._index.close()

    @asynccontextmanager
    async def _alone_with(self, tenant: str, names: Sequence[str]) -> AsyncGenerator[None]:
        """Documents change one after the other: each change removes what the earlier ones wrote."""
        async with AsyncExitStack() as stack:
            for name in sorted(names):
                place = (asyncio.get_running_loop(), tenant, name)
                await stack.enter_async_context(self._locks.setdefault(place, asyncio.Lock()))
            yield

    async def _look(self, search: _Search, within: Filter, depth: int) -> tuple[Epoch, list[Match]]:
        """The nearest chunks of generations that are in force, and when they were.

        What is not in force takes the place of other chunks, so these are asked for again without it. That too may
        have changed by then: a document is never seen as two, as none or in part.
        """
        outdated: dict[str, str] = {}
        for _ in range(_ROUNDS):
            others = {"generation": {"$nin": sorted(outdated)}} if outdated else {}
            epoch, near = await self._glance(search, {**within, **others}, depth)
            places = {match.metadata["generation"]: match.metadata["document"] for match in near}
            heads = await self._heads.visible(search.tenant, epoch, {*places.values(), *outdated.values()})
            in_force = {head.generation for head in heads.values()}
            if not in_force.isdisjoint(outdated):
                outdated = {}
            elif in_force.issuperset(places):
                return epoch, near
            else:
                outdated |= {place: document for place, document in places.items() if place not in in_force}
        raise UpstreamUnavailable("Documents change faster than Pinecone can be searched. Try again.")

    async def _glance(self, search: _Search, within: Filter, depth: int) -> tuple[Epoch, list[Match]]:
        """The nearest chunks, and an epoch in which all of them are still there."""
        start = time.monotonic()
        query = self._index.call(
            lambda index: index.query(
                vector=search.vector,
                top_k=depth,
                namespace=search.tenant,
                filter=within or None,
                include_metadata=True,
            ),
            _SEARCH_SECONDS,
        )
        found, epoch = await asyncio.gather(query, self._heads.epoch(search.tenant))
        if time.monotonic() - start > self._grace_seconds:
            epoch = await self._heads.epoch(search.tenant)
        return epoch, list(found.matches)

    async def _best(
        self, tenant: str, found: Sequence[Match], words: Sequence[Mapping[str, int]], limit: int
    ) -> list[Passage]:
        import numpy as np

        if not found:
            return []
        dense = np.array([match.score for match in found], np.float32)
        lexical = bm25(words, [int(match.metadata["length"]) for match in found])
        fused = fuse(dense, lexical)
        best = np.argsort(-fused, kind="stable")[:limit].tolist()
        contents = await self._contents(tenant, [found[at] for at in best])
        return [
            Passage(
                text_of(found[at].metadata["document"]), *content, float(fused[at]), found[at].score, float(lexical[at])
            )
            for at, content in zip(best, contents, strict=True)
        ]

    async def _contents(self, tenant: str, matches: Sequence[Match]) -> list[tuple[str, Chunk]]:
        """The name of each match's file and its chunk. What is in one piece is not worth a task."""
        split = [match for match in matches if "pieces" in match.metadata]
        joined = await asyncio.gather(*(self._writes.content(tenant, match.id, match.metadata) for match in split))
        known = dict(zip((match.id for match in split), joined, strict=True))
        return [known.get(match.id) or content_of(match.metadata["content"]) for match in matches]

    async def _tidy(self, tenant: str, names: Sequence[str], outdated: Callable[[str], bool]) -> None:
        """Remove chunks that no search returns. They would only cost space."""
        try:
            await self._writes.discard(tenant, names, outdated, self._grace_seconds)
        except RagsqlError:
            log.warning("Chunks that are out of date stay in Pinecone until their document changes again.")


class _Search(NamedTuple):
    """What the queries of one search share. depth is how many candidates it looks at."""

    tenant: str
    vector: list[float]
    depth: int
