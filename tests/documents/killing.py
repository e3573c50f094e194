"""A process that dies before or after any call to a store, and what its successor makes of what it left."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from service.domain.documents import Document, DocumentState
from service.usecases.manage_documents import ManageDocuments
from tests.documents.uploads import put
from tests.documents.world import ME, TEXT, World

NEW = b"Now something else."


class Killed(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


@dataclass
class Fuse:
    """Kills at the given step, and at every later one. A step is the moment before or after a call to a port."""

    length: int
    look: Callable[[], None]
    step: int = 0
    blown: bool = False
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def burn(self) -> None:
        self.step += 1
        self.blown = self.blown or self.step == self.length
        if self.blown:
            self.dead.set()
            raise Killed
        self.look()


class Mortal:
    """A port whose calls burn the fuse."""

    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.burn()
            result = await cast("Callable[..., Awaitable[Any]]", found)(*args, **kwargs)
            self._fuse.burn()
            return result

        return call


async def upload(documents: ManageDocuments) -> None:
    await documents.upload(ME, "a.txt", NEW)


async def ingest(documents: ManageDocuments) -> None:
    await documents.ingest(ME, await put(documents, "a.txt", NEW))


async def delete(documents: ManageDocuments) -> None:
    await documents.delete(ME, (await documents.list(ME, 1, "", [])).items[0].id)


def by_name(world: World) -> list[Document]:
    return [document for document in world.records.stored.values() if document.filename == "a.txt"]


def readers_see(world: World, before: list[Document]) -> None:
    """Every searchable document has a record, and one version of the name is searchable if one was before."""
    searchable = {document_id for _, document_id in world.vectors.stored}
    assert searchable <= {document_id for _, document_id in world.records.stored}
    ours = searchable & {document.id for document in by_name(world)}
    assert len(ours) == 1 if before else len(ours) <= 1


def is_whole(world: World) -> None:
    """Records, index and files agree, and nothing is unfinished."""
    documents = list(world.records.stored.values())
    assert {document.state for document in documents} <= {DocumentState.ACTIVE}
    ids = {document.id for document in documents}
    waiting = {f"files/{one.id}" for one in world.records.uploads.values() if not one.document_id}
    kept = {f"files/{one}" for one in ids} | {f"processed/{one.sha256}" for one in documents}
    records, vectors, blobs = world.left()
    assert (records, vectors) == (ids, ids)
    assert kept <= blobs
    assert world.blobs.shared or blobs <= kept | waiting
    for document in documents:
        assert len(world.vectors.stored["me", document.id]) == document.chunk_count
    assert len(by_name(world)) <= 1


async def killed_at(
    step: int, act: Callable[[ManageDocuments], Awaitable[None]], *, replaces: bool, shared: bool = False
) -> bool:
    """Whether the process lived to the end. Checks what readers see meanwhile and what the next one makes of it."""
    world = World()
    world.records.shared = world.blobs.shared = shared
    await world.use_cases().upload(ME, "other.txt", b"Always here.")
    if replaces:
        await world.use_cases().upload(ME, "a.txt", TEXT)
    before = by_name(world)
    shown = before if act is not delete else []
    fuse = Fuse(step, lambda: readers_see(world, shown))
    ports = [Mortal(port, fuse) for port in (world.records, world.vectors, world.blobs, world.parser, world.embedder)]
    make: Any = ManageDocuments
    documents: ManageDocuments = make(*ports, world.cache, workers=1)
    acknowledged = False
    try:
        async with documents.working(recover=False):
            await act(documents)
            acknowledged = True
            while not fuse.blown and any(one.state is not DocumentState.ACTIVE for one in by_name(world)):
                await asyncio.sleep(0)
    except Killed:
        pass
    readers_see(world, [])
    if shared:
        an_hour_later(world)
    await started_again(world, recover=not shared)
    is_whole(world)
    now = [document.sha256 for document in by_name(world)]
    expected = [] if act is delete else [hashlib.sha256(NEW).hexdigest()]
    assert now == expected if acknowledged else now in (expected, [document.sha256 for document in before])
    return not fuse.blown


def an_hour_later(world: World) -> None:
    """As the clock of another process would say."""
    hour = dt.timedelta(hours=1)
    for key, one in world.records.stored.items():
        deleted = one.delete_time and one.delete_time - hour
        earlier = replace(one, create_time=one.create_time - hour, update_time=one.update_time - hour)
        due = one.retry_time and one.retry_time - hour
        world.records.stored[key] = replace(earlier, delete_time=deleted, retry_time=due)


async def started_again(world: World, *, recover: bool = True) -> None:
    documents = world.use_cases()
    async with documents.working(recover=recover), asyncio.timeout(60):
        while any(one.state is not DocumentState.ACTIVE or one.delete_time for one in world.records.stored.values()):
            await asyncio.sleep(0)
