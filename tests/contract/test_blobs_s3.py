"""S3: what is announced is all that a URL takes, checksums both ways, and every fault as a sentence with a setting."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import time

import anyio
import httpx
import pytest

from service.adapters.blobs.s3 import S3BlobStore
from service.adapters.retries import ATTEMPTS
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from service.errors import NotConfigured, NotFound, RagsqlError, UploadUrlInvalid, UpstreamUnavailable
from service.ports import BlobInfo, PresignedPut
from tests.patience import HANG_SECONDS
from tests.s3_front import SECRET_TEXT, S3Front

pytestmark = pytest.mark.anyio
HERE = Caller("here", "ann")


def info(content: bytes) -> BlobInfo:
    return BlobInfo(len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def s3(s3_bucket: str) -> S3BlobStore:
    return S3BlobStore(s3_bucket)


async def put(target: PresignedPut, content: bytes, url: str = "") -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.put(url or target.url, content=content, headers=target.headers)).status_code


async def test_a_url_takes_what_was_announced_and_nothing_else(s3: S3BlobStore, s3_front: S3Front) -> None:
    target = await s3.presign_put(HERE, "files/a", info(b"abc"), 60)
    other = await s3.presign_put(HERE, "files/b", info(b"abd"), 60)
    for content in (b"", b"ab", b"abd", b"abcd"):
        assert await put(target, content) in (400, 403)
    assert await put(PresignedPut(target.url, other.headers, target.expire_time), b"abd") == 403
    assert await put(PresignedPut(target.url, {}, target.expire_time), b"abc") == 403
    assert await put(target, b"abc", target.url.replace("files/a", "files/c")) == 403
    assert await put(target, b"abc", target.url.replace("Expires=60", "Expires=600")) == 403
    assert await s3.list_keys(HERE) == []
    assert await put(target, b"abc") == 200
    assert (await s3.get(HERE, "files/a"), await s3.describe(HERE, "files/a")) == (b"abc", info(b"abc"))
    s3_front.clock = dt.timedelta(seconds=61)
    assert await put(target, b"abc") == 403


async def test_the_put_of_this_server_is_not_for_s3(s3: S3BlobStore) -> None:
    async def body() -> object:
        yield b"abc"

    with pytest.raises(UploadUrlInvalid, match="S3"):
        await s3.accept_put("token", 3, body())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_content_that_is_damaged_on_its_way_is_noticed(
    s3: S3BlobStore, s3_front: S3Front, retries: None, method: str
) -> None:
    content = os.urandom(300_000)
    await s3.put(HERE, "files/a", content)
    s3_front.faults = [(method, "damaged")]
    await s3.put(HERE, "files/a", content)
    assert await s3.get(HERE, "files/a") == content
    s3_front.faults = [(method, "damaged")] * ATTEMPTS
    with pytest.raises(UpstreamUnavailable, match="damaged"):
        await (s3.put(HERE, "files/a", b"new") if method == "PUT" else s3.get(HERE, "files/a"))
    assert await s3.get(HERE, "files/a") == content


async def test_a_server_without_conditional_writes_is_asked_first(
    s3: S3BlobStore, s3_front: S3Front, caplog: pytest.LogCaptureFixture
) -> None:
    s3_front.conditions = False
    assert await s3.put_new(HERE, "files/a", b"old")
    assert not await s3.put_new(HERE, "files/a", b"new")
    assert await s3.put_new(HERE, "files/b", b"other")
    assert (await s3.get(HERE, "files/a"), await s3.get(HERE, "files/b")) == (b"old", b"other")
    assert len([record for record in caplog.records if "If-None-Match" in record.message]) == 1
    assert s3_front.requests[:6] == ["PUT", "HEAD", "GET", "PUT", "HEAD", "HEAD"]


@pytest.mark.parametrize("fault", ["SlowDown", "InternalError", "cut", "ConditionalRequestConflict"])
async def test_what_passes_is_asked_three_times(s3: S3BlobStore, s3_front: S3Front, retries: None, fault: str) -> None:
    await s3.put(HERE, "files/a", b"old")
    for method in ("PUT",) if fault == "ConditionalRequestConflict" else ("PUT", "GET", "HEAD", "DELETE"):
        s3_front.requests.clear()
        s3_front.faults = [(method, fault)] * (ATTEMPTS - 1)
        await s3.put(HERE, "files/a", b"new")
        assert await s3.get(HERE, "files/a") == b"new"
        assert (await s3.describe(HERE, "files/a")).size_bytes == 3
        await s3.delete(HERE, "files/a")
        assert s3_front.requests.count(method) >= ATTEMPTS
    await s3.put(HERE, "files/a", b"old")
    s3_front.faults = [("PUT", fault)] * ATTEMPTS
    with pytest.raises(UpstreamUnavailable, match="S3") as caught:
        await s3.put(HERE, "files/a", b"newer")
    assert SECRET_TEXT not in caught.value.message
    assert await s3.get(HERE, "files/a") == b"old"


async def test_a_body_that_breaks_off_is_read_again(s3: S3BlobStore, s3_front: S3Front, retries: None) -> None:
    content = os.urandom(500_000)
    await s3.put(HERE, "files/a", content)
    s3_front.faults = [("GET", "half")]
    assert await s3.get(HERE, "files/a") == content
    s3_front.faults = [("GET", "half")] * ATTEMPTS
    with pytest.raises(UpstreamUnavailable, match="broke off"):
        await s3.get(HERE, "files/a")


async def refused(s3: S3BlobStore, named: str) -> None:
    """Every call says which setting is wrong, and so does Health."""
    calls = (
        lambda: s3.put(HERE, "files/a", b"x"),
        lambda: s3.put_new(HERE, "files/a", b"x"),
        lambda: s3.get(HERE, "files/a"),
        lambda: s3.describe(HERE, "files/a"),
        lambda: s3.delete(HERE, "files/a"),
        lambda: s3.list_keys(HERE),
    )
    for call in calls:
        with pytest.raises(NotConfigured, match=named) as caught:
            await call()
        assert SECRET_TEXT not in caught.value.message
    health = await s3.check()
    assert (health.status, named in health.detail) == (HealthStatus.NOT_SERVING, True)


@pytest.mark.parametrize("bucket", ["absent", "not a bucket"])
async def test_a_missing_bucket_is_named(s3_bucket: str, bucket: str) -> None:
    await refused(S3BlobStore(bucket), "S3_CACHE_BUCKET")


async def test_a_wrong_key_is_named_and_a_new_one_is_used_without_a_restart(
    s3: S3BlobStore, s3_front: S3Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    await s3.put(HERE, "files/a", b"x")
    s3_front.key_id = "rotated"
    await refused(s3, "AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "rotated")
    assert await s3.get(HERE, "files/a") == b"x"
    assert (await s3.check()).status is HealthStatus.SERVING


async def test_missing_credentials_are_named(s3: S3BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    await refused(s3, "AWS_ACCESS_KEY_ID")


@pytest.mark.parametrize(
    ("code", "named"), [("ExpiredToken", "AWS_SESSION_TOKEN"), ("AccessDenied", "s3:PutObject"), ("", "clock")]
)
async def test_a_refusal_says_what_to_change_and_is_over_with_its_cause(
    s3: S3BlobStore, s3_front: S3Front, code: str, named: str
) -> None:
    s3_front.faults = [("", code)] * 20 if code else []
    s3_front.clock = dt.timedelta() if code else dt.timedelta(hours=1)
    await refused(s3, named)
    s3_front.faults.clear()
    s3_front.clock = dt.timedelta()
    assert await s3.put_new(HERE, "files/a", b"x")
    with pytest.raises(NotFound):
        await s3.describe(HERE, "files/b")


async def test_a_server_that_hangs_is_told_by_health_in_time(
    s3: S3BlobStore, s3_front: S3Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.adapters.blobs.s3._CHECK_SECONDS", 0.5)
    s3_front.faults = [("GET", "hang")]
    begun = time.monotonic()
    health = await s3.check()
    assert (health.status, "in time" in health.detail) == (HealthStatus.NOT_SERVING, True)
    assert time.monotonic() - begun < HANG_SECONDS / 2
    s3_front.released.set()


async def test_calls_that_hang_leave_threads_to_others(s3: S3BlobStore, s3_front: S3Front) -> None:
    s3_front.faults = [("GET", "hang")] * 20
    hanging = [asyncio.create_task(s3.get(HERE, "files/a")) for _ in range(20)]
    with anyio.fail_after(60):
        while len(s3_front.requests) < 20:
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(lambda: 1) == 1
    s3_front.released.set()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_server_that_is_gone_is_an_error(s3: S3BlobStore, s3_front: S3Front) -> None:
    s3_front.close()
    with pytest.raises(RagsqlError, match="cannot be reached"):
        await s3.get(HERE, "files/a")
