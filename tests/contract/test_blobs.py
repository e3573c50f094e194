from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from service.adapters.blobs.local import LocalBlobStore
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from service.errors import InvalidRequest, NotFound, UpstreamUnavailable
from service.ports import BlobStore

pytestmark = pytest.mark.anyio
HERE = Caller("here")
THERE = Caller("there")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return LocalBlobStore(tmp_path / "blobs")


async def test_what_is_put_is_got_and_overwritten(blobs: BlobStore) -> None:
    await blobs.put(HERE, "files/a", b"one\0two")
    await blobs.put(HERE, "files/b", b"")
    assert (await blobs.get(HERE, "files/a"), await blobs.get(HERE, "files/b")) == (b"one\0two", b"")
    await blobs.put(HERE, "files/a", b"three")
    assert await blobs.get(HERE, "files/a") == b"three"


async def test_what_is_absent_is_not_found_and_may_be_deleted(blobs: BlobStore) -> None:
    await blobs.delete(HERE, "files/a")
    with pytest.raises(NotFound, match="files/a"):
        await blobs.get(HERE, "files/a")
    await blobs.put(HERE, "files/a", b"x")
    await blobs.delete(HERE, "files/a")
    with pytest.raises(NotFound):
        await blobs.get(HERE, "files/a")


@pytest.mark.parametrize("tenant", ["there", "HERE", "../here", "here/", "", "~", "Ünï", "x" * 300])
async def test_tenants_are_apart(blobs: BlobStore, tenant: str) -> None:
    await blobs.put(HERE, "files/a", b"here")
    with pytest.raises(NotFound):
        await blobs.get(Caller(tenant), "files/a")
    await blobs.put(Caller(tenant), "files/a", b"there")
    await blobs.delete(Caller(tenant), "files/a")
    assert await blobs.get(HERE, "files/a") == b"here"


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "a\0", "ä", "a\n", "x/" * 300 + "x"]
)
async def test_bad_keys_are_refused(blobs: BlobStore, key: str) -> None:
    with pytest.raises(InvalidRequest, match="key"):
        await blobs.put(HERE, key, b"x")
    with pytest.raises(InvalidRequest, match="key"):
        await blobs.get(HERE, key)


async def test_readers_see_whole_values_while_they_are_overwritten(blobs: BlobStore) -> None:
    values = [bytes([number]) * 200_000 for number in range(8)]
    await blobs.put(HERE, "a", values[0])
    async with anyio.create_task_group() as tasks:
        for value in values:
            tasks.start_soon(blobs.put, HERE, "a", value)
        for _ in range(20):
            assert await blobs.get(HERE, "a") in values


async def test_nothing_but_the_blobs_stays_behind(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    await blobs.put(HERE, "files/a", b"x")
    await blobs.put(HERE, "files/a", b"y")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
    await blobs.delete(HERE, "files/a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = LocalBlobStore(tmp_path / "file")
    with pytest.raises(UpstreamUnavailable, match="disk"):
        await blobs.put(HERE, "a", b"x")
    health = await blobs.check()
    assert (health.status, bool(health.detail)) == (HealthStatus.NOT_SERVING, True)
    assert (await LocalBlobStore(tmp_path).check()).status is HealthStatus.SERVING
