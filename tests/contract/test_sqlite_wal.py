"""Files of ours that are opened while others use them, before they have a write-ahead log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from service.adapters.records.sql import SqlRecordStore
from service.adapters.sqlite_wal import use_wal
from service.adapters.vectors.sqlite import SqliteVectorStore
from service.domain.caller import DEFAULT_CALLER

NOTICED_SECONDS = 0.5
LIMIT_SECONDS = 60.0


def count_documents(file: Path) -> int:
    store = SqlRecordStore(f"sqlite:///{file}")
    try:
        return asyncio.run(store.count_documents(DEFAULT_CALLER))
    finally:
        store.close()


def count_chunks(file: Path) -> int:
    store = SqliteVectorStore(file, "m", 8)
    try:
        return asyncio.run(store.count(DEFAULT_CALLER))
    finally:
        store.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def journal_mode(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


@pytest.mark.parametrize("count", [count_documents, count_chunks])
@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_the_switch_waits_for_a_writer(
    tmp_path: Path, pool: ThreadPoolExecutor, count: Callable[[Path], int], lock: str
) -> None:
    """SQLite's busy_timeout is not for the first of these locks: the switch failed at once."""
    file = tmp_path / "file.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE other (id INTEGER)")
        writer.execute(lock)
        counted: list[Future[int]] = [pool.submit(count, file) for _ in range(4)]
        wait(counted, timeout=NOTICED_SECONDS)  # those that do not wait fail here
        writer.execute("COMMIT")
        assert [one.result(LIMIT_SECONDS) for one in counted] == [0] * 4
    assert journal_mode(file) == "wal"


def test_a_writer_that_does_not_end_is_not_waited_for_any_longer(tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE other (id INTEGER)")
        writer.execute("BEGIN IMMEDIATE")
        with (
            closing(sqlite3.connect(file)) as connection,
            pytest.raises(sqlite3.OperationalError, match="database is locked"),
        ):
            use_wal(connection, 0.1)


def test_other_failures_are_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    file.write_bytes(b"no database, but longer than the header of one " * 20)
    with closing(sqlite3.connect(file)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_wal(connection, LIMIT_SECONDS)
