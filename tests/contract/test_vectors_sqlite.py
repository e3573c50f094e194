"""The SQLite vector store under threads, processes and files that are not what they should be."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import Caller
from service.domain.documents import Document, PageBox, Span
from service.domain.health import HealthStatus
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import VectorStore
from tests.contract.chunks import ANN, DIMENSION, direction, several, texts_of

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]


CHANGES = st.lists(st.tuples(st.sampled_from(["replace", "delete", "search"]), st.integers(0, 5), st.integers(0, 4)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_search_agrees_with_what_was_stored(
    tmp_path: Path, make_document: MakeDocument, changes: list[tuple[str, int, int]]
) -> None:
    """Two stores on one file, as two processes would have it, against a plain dictionary."""
    caller = Caller(tenant=str(len(changes)) + str(changes[:3]))
    stores = [SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION) for _ in range(2)]
    model: dict[str, list[str]] = {}

    async def found(store: VectorStore) -> list[str]:
        return sorted(texts_of(await store.search(caller, "word", direction(1), 100)))

    async def scenario() -> None:
        for name in await found(stores[0]):
            await stores[0].delete(caller, name.split()[1])
        for step, (act, name, count) in enumerate(changes):
            store = stores[step % 2]
            if act == "replace":
                model[str(name)] = [f"word {name} {step} {i}" for i in range(count)]
                await store.replace(caller, make_document(str(name)), several(model[str(name)], direction(1, step)))
            elif act == "delete":
                model.pop(str(name), None)
                await store.delete(caller, str(name))
            else:
                assert await found(store) == sorted(text for texts in model.values() for text in texts)
        for store in stores:
            assert await found(store) == sorted(text for texts in model.values() for text in texts)
            assert await store.count(caller) == sum(map(len, model.values()))
            store.close()

    asyncio.run(scenario())


async def test_no_epoch_begins_twice_after_a_backup_was_put_back(tmp_path: Path, make_document: MakeDocument) -> None:
    path, backup = tmp_path / "v.db", tmp_path / "backup.db"

    async def changed(name: str) -> str:
        store = SqliteVectorStore(path, "m", DIMENSION)
        await store.replace(ANN, make_document(name), several([name], direction(1)))
        epoch = await store.epoch(ANN)
        store.close()
        return epoch

    epochs = [await changed("kept")]
    with sqlite3.connect(path) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    epochs.append(await changed("lost"))
    for left in tmp_path.glob("v.db*"):
        left.unlink()
    backup.rename(path)
    epochs.append(await changed("new"))
    assert len(set(epochs)) == 3


async def test_a_backup_that_is_put_back_while_others_search_is_what_they_find(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)

    async def found() -> list[str]:
        return sorted(texts_of(await asyncio.wait_for(store.search(ANN, "word", direction(1), 9), 60)))

    await store.replace(ANN, make_document("kept"), several(["word kept"], direction(1)))
    with sqlite3.connect(tmp_path / "v.db") as serving, sqlite3.connect(tmp_path / "backup.db") as backup:
        serving.backup(backup)
        await store.replace(ANN, make_document("lost"), several(["word lost"], direction(1)))
        assert await found() == ["word kept", "word lost"]
        backup.backup(serving)
    assert await found() == ["word kept"]
    await store.replace(ANN, make_document("new"), several(["word new"], direction(1)))
    assert await found() == ["word kept", "word new"]
    store.close()


async def test_a_search_sees_the_old_document_or_the_new(tmp_path: Path, make_document: MakeDocument) -> None:
    """While versions replace each other, a searching thread never sees two of them, none, or a part."""
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)
    await store.replace(ANN, make_document("v0"), several(["shared 0"] * 5, direction(1)))
    writing = threading.Event()
    writing.set()
    seen: list[tuple[int, int]] = []

    async def search() -> None:
        while writing.is_set():
            found = await store.search(ANN, "shared", direction(1), 50)
            assert len({passage.chunk.text for passage in found}) == 1
            assert len({passage.lexical_score > 0 for passage in found}) == 1
            seen.append((int(found[0].chunk.text.split()[1]), len(found)))

    readers = [asyncio.create_task(asyncio.to_thread(asyncio.run, search())) for _ in range(3)]
    try:
        for i in range(1, 40):
            chunks = several([f"shared {i}"] * (5 + i % 3), direction(1))
            await store.replace(ANN, make_document(f"v{i}"), chunks, replaces=[f"v{i - 1}"])
    finally:
        writing.clear()
        await asyncio.gather(*readers)
    assert seen
    assert all(count == 5 + version % 3 for version, count in seen)


async def test_a_failed_replace_changes_nothing(tmp_path: Path, make_document: MakeDocument) -> None:
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)
    await store.replace(ANN, make_document("v1"), several(["old"], direction(1)))
    epoch = await store.epoch(ANN)
    broken = several(["new", "newer"], direction(1))
    broken[1] = dataclasses.replace(broken[1], chunk=dataclasses.replace(broken[1].chunk, ordinal=object()))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        await store.replace(ANN, make_document("v2"), broken, replaces=["v1"])
    assert texts_of(await store.search(ANN, "old new", direction(1), 5)) == ["old"]
    assert await store.epoch(ANN) == epoch


async def test_another_model_is_refused_with_what_to_do(tmp_path: Path, make_document: MakeDocument) -> None:
    path = tmp_path / "v.db"
    await SqliteVectorStore(path, "small", DIMENSION).replace(ANN, make_document("d"), [])
    for model, dimension in (("large", DIMENSION), ("small", DIMENSION * 2)):
        store = SqliteVectorStore(path, model, dimension)
        with pytest.raises(NotConfigured, match=r"RAGSQL_EMBEDDER.*RAGSQL_DATA_DIR"):
            await store.count(ANN)
        health = await store.check()
        assert health.status is HealthStatus.NOT_SERVING
        assert "RAGSQL_EMBEDDER" in health.detail
    assert (await SqliteVectorStore(path, "small", DIMENSION).check()).status is HealthStatus.SERVING


async def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    await SqliteVectorStore(path, "m", DIMENSION).count(ANN)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(NotConfigured, match="newer version"):
        await SqliteVectorStore(path, "m", DIMENSION).count(ANN)


async def test_a_file_of_version_1_is_read_with_one_box_a_page(tmp_path: Path, make_document: MakeDocument) -> None:
    path = tmp_path / "v.db"
    await SqliteVectorStore(path, "m", DIMENSION).replace(ANN, make_document("old"), several(["old"], direction(1)))
    payload = json.dumps([0, "old", [7, 10], ["Top"], [2, 3], [[2, 0.1, 0.2, 0.3, 0.4], [3, 0, 0, 1, 1]], [[0, 3]]])
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE chunks ADD COLUMN unit_vectors BLOB NOT NULL DEFAULT x'00'")
        connection.execute("UPDATE chunks SET payload = ?", (payload.encode(),))
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    for name in ("new", "newer"):
        store = SqliteVectorStore(path, "m", DIMENSION)
        await store.replace(ANN, make_document(name), several([name], direction(1)))
        store.close()
    found = {passage.chunk.text: passage.chunk for passage in await store.search(ANN, "old", direction(1), 5)}
    assert set(found) == {"old", "new", "newer"}
    old = found["old"]
    assert (old.span, old.headings, old.units) == (Span(7, 10), ("Top",), (Span(0, 3),))
    assert old.boxes_of(Span(1, 2)) == (PageBox(2, 0.1, 0.2, 0.3, 0.4), PageBox(3, 0, 0, 1, 1))


async def test_a_broken_file_is_told_without_the_drivers_words(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    path.write_bytes(b"this is not a database" * 100)
    store = SqliteVectorStore(path, "m", DIMENSION)
    with pytest.raises(UpstreamUnavailable, match="RAGSQL_DATA_DIR"):
        await store.search(ANN, "x", direction(1), 5)
    assert (await store.check()).status is HealthStatus.NOT_SERVING


PROCESS = """
import asyncio, sys
sys.path.insert(0, sys.argv[3])
from tests.contract.chunks import ANN, DIMENSION, direction, several
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.documents import Document, DocumentState
import datetime as dt, pathlib
now = dt.datetime.now(dt.UTC)
async def main():
    store = SqliteVectorStore(pathlib.Path(sys.argv[1]), "m", DIMENSION)
    for i in range(10):
        d = Document(f"{sys.argv[2]}-{i}", "f", "t", 1, "0", DocumentState.ACTIVE, now, now)
        await store.replace(ANN, d, several(["shared word"] * 3, direction(1)))
asyncio.run(main())
"""


async def test_processes_may_begin_and_write_together(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    starts = (
        asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, str(tmp_path / "v.db"), str(i), root)
        for i in range(3)
    )
    processes = await asyncio.gather(*starts)
    assert [await process.wait() for process in processes] == [0, 0, 0]
    store = SqliteVectorStore(tmp_path / "v.db", "m", DIMENSION)
    assert await store.count(ANN) == 90
    assert len(await store.search(ANN, "shared", direction(1), 100)) == 90
