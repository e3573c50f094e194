"""Every BlobStore keeps bytes whole, apart by tenant, and lets a client PUT exactly what was announced."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from service.adapters.blobs.local import PUT_PATH, LocalBlobStore
from service.adapters.blobs.s3 import S3BlobStore
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from service.errors import ContentMismatch, InvalidRequest, NotFound, UploadUrlInvalid, UpstreamUnavailable
from service.ports import BlobInfo, BlobStore, PresignedPut

pytestmark = pytest.mark.anyio
HERE = Caller("here", "ann")
THERE = Caller("there")


@pytest.fixture
def s3(s3_bucket: str) -> S3BlobStore:
    return S3BlobStore(s3_bucket)


@pytest.fixture(params=["local", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return LocalBlobStore(tmp_path / "blobs") if request.param == "local" else request.getfixturevalue("s3")


def info(content: bytes) -> BlobInfo:
    return BlobInfo(len(content), hashlib.sha256(content).hexdigest())


async def body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_what_is_put_is_got_and_overwritten(blobs: BlobStore) -> None:
    await blobs.put(HERE, "files/a", b"one\0two")
    await blobs.put(HERE, "files/b", b"")
    assert (await blobs.get(HERE, "files/a"), await blobs.get(HERE, "files/b")) == (b"one\0two", b"")
    await blobs.put(HERE, "files/a", b"three")
    assert await blobs.get(HERE, "files/a") == b"three"


async def test_a_blob_is_stored_once_if_it_must_be_new(blobs: BlobStore) -> None:
    stored: list[bytes] = []

    async def store(content: bytes) -> None:
        if await blobs.put_new(HERE, "files/a", content):
            stored.append(content)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(store, bytes([number]) * 100_000)
    assert [await blobs.get(HERE, "files/a")] == stored
    assert not await blobs.put_new(HERE, "files/a", b"x")
    assert await blobs.get(HERE, "files/a") == stored[0]
    await blobs.delete(HERE, "files/a")
    assert await blobs.put_new(HERE, "files/a", b"x")
    assert await blobs.list_keys(HERE) == ["files/a"]


async def test_what_is_absent_is_not_found_and_may_be_deleted(blobs: BlobStore) -> None:
    await blobs.delete(HERE, "files/a")
    with pytest.raises(NotFound, match="files/a"):
        await blobs.get(HERE, "files/a")
    with pytest.raises(NotFound, match="files/a"):
        await blobs.describe(HERE, "files/a")
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
    await blobs.put(Caller(tenant), "files/b", b"there")
    await blobs.delete(Caller(tenant), "files/a")
    assert await blobs.get(HERE, "files/a") == b"here"
    assert (await blobs.list_keys(HERE), await blobs.list_keys(Caller(tenant))) == (["files/a"], ["files/b"])


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "a\0", "ä", "a\n", "x/" * 300 + "x"]
)
async def test_bad_keys_are_refused(blobs: BlobStore, key: str) -> None:
    with pytest.raises(InvalidRequest, match="key"):
        await blobs.put(HERE, key, b"x")
    with pytest.raises(InvalidRequest, match="key"):
        await blobs.get(HERE, key)
    with pytest.raises(InvalidRequest, match="key"):
        await blobs.presign_put(HERE, key, info(b"x"), 60)


async def test_blobs_are_described_and_listed(blobs: BlobStore) -> None:
    assert await blobs.list_keys(HERE) == []
    content = os.urandom(3_000_000)
    await blobs.put(HERE, "files/a", content)
    await blobs.put(HERE, "processed/b", b"")
    assert (await blobs.describe(HERE, "files/a"), await blobs.describe(HERE, "processed/b")) == (
        info(content),
        info(b""),
    )
    assert sorted(await blobs.list_keys(HERE)) == ["files/a", "processed/b"]
    assert await blobs.list_keys(THERE) == []


@pytest.mark.usefixtures("retries")  # the S3 server of the tests fails now and then when two write one key at once
async def test_readers_see_whole_values_while_they_are_overwritten(blobs: BlobStore) -> None:
    values = [bytes([number]) * 200_000 for number in range(8)]
    await blobs.put(HERE, "a", values[0])
    async with anyio.create_task_group() as tasks:
        for value in values:
            tasks.start_soon(blobs.put, HERE, "a", value)
        for _ in range(20):
            assert await blobs.get(HERE, "a") in values


async def test_a_store_that_can_be_used_says_so(blobs: BlobStore) -> None:
    await blobs.tidy()
    assert (await blobs.check()).status is HealthStatus.SERVING


async def put(blobs: BlobStore, target: PresignedPut, content: bytes) -> int:
    """PUT as a client does: to S3 over HTTP, to this server through its own store. The HTTP status."""
    if not target.url.startswith("/"):
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.put(target.url, content=content, headers=target.headers)).status_code
    await blobs.accept_put(target.url.removeprefix(PUT_PATH), len(content), body(content))
    return 200


async def test_what_was_announced_may_be_put_more_than_once(blobs: BlobStore) -> None:
    content = os.urandom(2_500_000)
    target = await blobs.presign_put(HERE, "files/a", info(content), 60)
    for _ in range(2):
        assert await put(blobs, target, content) == 200
        assert await blobs.get(HERE, "files/a") == content
        assert await blobs.describe(HERE, "files/a") == info(content)


@pytest.fixture
def local(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


async def token_for(local: LocalBlobStore, content: bytes, seconds: float = 60) -> str:
    target = await local.presign_put(HERE, "files/a", info(content), seconds)
    return target.url.removeprefix(PUT_PATH)


@pytest.mark.parametrize("pieces", [[b"abc"], [b"a", b"", b"bc"], [b"", b"abc"]])
async def test_a_put_may_come_in_pieces_and_without_a_length(local: LocalBlobStore, pieces: list[bytes]) -> None:
    token = await token_for(local, b"abc")
    assert await local.accept_put(token, None, body(*pieces)) == (HERE, "files/a")
    assert await local.get(HERE, "files/a") == b"abc"


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("content", [b"", b"ab", b"abcd", b"abd", b"a" * 5_000_000])
async def test_other_content_is_refused_and_leaves_nothing(
    local: LocalBlobStore, tmp_path: Path, content: bytes, announced: bool
) -> None:
    token = await token_for(local, b"abc")
    await local.put(HERE, "files/b", b"x")
    with pytest.raises(ContentMismatch, match="announced"):
        await local.accept_put(token, len(content) if announced else None, body(content[:1], content[1:]))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "~key"] == ["b"]


async def test_a_wrong_length_is_refused_before_anything_is_read(local: LocalBlobStore) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("was read")
        yield b""

    with pytest.raises(ContentMismatch, match="5 bytes, 3 were"):
        await local.accept_put(await token_for(local, b"abc"), 5, never())


async def test_tokens_that_were_changed_or_made_elsewhere_are_refused(local: LocalBlobStore, tmp_path: Path) -> None:
    token = await token_for(local, b"abc")
    elsewhere = await token_for(LocalBlobStore(tmp_path / "other"), b"abc")
    changed = [token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :] for i in range(len(token))]
    for wrong in (*changed, elsewhere, "", "x", "ä", token + "A", token + "=", token[:-1], token[:40]):
        with pytest.raises(UploadUrlInvalid):
            await local.accept_put(wrong, 3, body(b"abc"))
    assert await local.list_keys(HERE) == []


async def test_tokens_expire(local: LocalBlobStore) -> None:
    with pytest.raises(UploadUrlInvalid, match="expired"):
        await local.accept_put(await token_for(local, b"abc", 0), 3, body(b"abc"))


async def test_the_secret_is_made_once_and_is_private(local: LocalBlobStore, tmp_path: Path) -> None:
    stores = [LocalBlobStore(tmp_path / "blobs") for _ in range(8)]
    tokens = [""] * 8

    async def issue(number: int) -> None:
        tokens[number] = await token_for(stores[number], b"abc")

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(issue, number)
    for token in tokens:
        await local.accept_put(token, 3, body(b"abc"))
    assert (tmp_path / "blobs" / "~key").stat().st_mode & 0o777 == 0o600


async def test_nothing_but_the_blobs_stays_behind(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    await blobs.put(HERE, "files/a", b"x")
    await blobs.put(HERE, "files/a", b"y")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
    await blobs.delete(HERE, "files/a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_what_a_killed_write_left_is_tidied(local: LocalBlobStore, tmp_path: Path) -> None:
    await local.put(HERE, "files/a", b"x")
    (tmp_path / "blobs" / "~drafts" / "half").write_bytes(b"ab")
    await local.tidy()
    await local.put(HERE, "files/b", b"y")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a", "b"]


async def test_a_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = LocalBlobStore(tmp_path / "file")
    with pytest.raises(UpstreamUnavailable, match="disk"):
        await blobs.put(HERE, "a", b"x")
    health = await blobs.check()
    assert (health.status, bool(health.detail)) == (HealthStatus.NOT_SERVING, True)
    assert (await LocalBlobStore(tmp_path).check()).status is HealthStatus.SERVING
