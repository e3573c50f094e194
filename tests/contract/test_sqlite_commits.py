"""What is remembered until a commit is forgotten with every commit, whoever makes it, and with the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.sqlite_commits import UntilCommit

pytestmark = pytest.mark.anyio


def write(path: Path, value: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (value INTEGER)")
    connection.execute("DELETE FROM t")
    connection.execute("INSERT INTO t VALUES (?)", (value,))
    connection.commit()
    connection.close()


class Reader:
    """Reads the value, and counts how often it had to."""

    def __init__(self, path: Path | None, file: Path) -> None:
        self.known = UntilCommit[int](path)
        self._file = file
        self.reads = 0

    async def _read(self) -> int:
        self.reads += 1
        connection = sqlite3.connect(self._file)
        value = connection.execute("SELECT value FROM t").fetchone()[0]
        connection.close()
        return value

    async def get(self, key: str = "k") -> int:
        return await self.known.get(key, self._read)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "t.db", 1)
    return tmp_path / "t.db"


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    reader = Reader(path, path)
    yield reader
    reader.known.close()


async def test_it_is_read_once_a_commit_and_key(reader: Reader, path: Path) -> None:
    assert [await reader.get(), await reader.get(), await reader.get("other")] == [1, 1, 1]
    assert reader.reads == 2
    write(path, 2)
    assert [await reader.get(), await reader.get()] == [2, 2]
    assert reader.reads == 3


async def test_a_commit_while_it_is_read_is_not_missed(path: Path) -> None:
    known = UntilCommit[int](path)

    async def slow() -> int:
        write(path, 3)
        return 2

    assert await known.get("k", slow) == 2
    reader = Reader(path, path)
    reader.known = known
    assert await reader.get() == 3
    known.close()


async def test_a_file_that_is_replaced_or_gone_is_read_anew(reader: Reader, path: Path) -> None:
    assert await reader.get() == 1
    write(path.with_suffix(".new"), 5)
    path.with_suffix(".new").replace(path)
    assert await reader.get() == 5
    path.rename(path.with_suffix(".away"))
    reads = reader.reads
    with pytest.raises(sqlite3.OperationalError):
        await reader.get()
    assert reader.reads == reads + 1


async def test_without_a_file_nothing_is_remembered(path: Path) -> None:
    reader = Reader(None, path)
    assert [await reader.get(), await reader.get()] == [1, 1]
    assert reader.reads == 2
