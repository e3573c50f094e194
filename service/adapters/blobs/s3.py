"""Blobs as objects in an S3 bucket. Credentials, region and endpoint are those that AWS tools take from the system."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from service.adapters.blobs import s3_errors
from service.adapters.blobs.names import S3_PREFIX, full_name, tenant_folder
from service.adapters.retries import retrying
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import NotFound, RagsqlError, UploadUrlInvalid
from service.ports import BlobInfo, PresignedPut

_PREFIX = S3_PREFIX
_BLOCK = 1024 * 1024
_CONNECT_SECONDS = 5
_READ_SECONDS = 30
_CALL_SECONDS = 90.0
_CHECK_SECONDS = 1.8
_CONNECTIONS = 32
_log = logging.getLogger(__name__)
T = TypeVar("T")


class S3BlobStore:
    """Implements ports.BlobStore. Everything is below ragsql/ in the bucket, each tenant in a folder of its own.

    Raises NotConfigured for a bucket, credentials, rights, a region or a clock that S3 refuses.
    """

    shared = True

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._making = threading.Lock()
        self._made: Any = None
        self._conditional = True
        # Of its own: calls that hang must not take the threads that everything else runs in.
        self._threads = ThreadPoolExecutor(_CONNECTIONS, "s3")

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """See BlobStore. S3 refuses a body that was damaged on its way."""
        await self._put(_name(caller, key), content, key)

    async def put_new(self, caller: Caller, key: str, content: bytes) -> bool:
        """See BlobStore. S3 itself looks whether there is one.

        Some that speak its protocol cannot: there a look comes first, and of several at once more than one may store.
        """
        return await self._put(_name(caller, key), content, key, new=True)

    async def get(self, caller: Caller, key: str) -> bytes:
        """See BlobStore. The SDK compares what arrives with the checksum that S3 keeps."""
        name = _name(caller, key)

        def get() -> bytes:
            found = self._client().get_object(Bucket=self._bucket, Key=name, ChecksumMode="ENABLED")
            return found["Body"].read()

        return await self._call(get, key)

    async def delete(self, caller: Caller, key: str) -> None:
        """See BlobStore."""
        name = _name(caller, key)
        await self._call(lambda: self._client().delete_object(Bucket=self._bucket, Key=name), key)

    async def describe(self, caller: Caller, key: str) -> BlobInfo:
        """See BlobStore. By the checksum that S3 keeps; an object without one is read."""
        name = _name(caller, key)

        def describe() -> BlobInfo:
            head = self._head(name)
            checksum: str | None = head.get("ChecksumSHA256")
            if checksum and "-" not in checksum:
                return BlobInfo(head["ContentLength"], base64.b64decode(checksum).hex())
            digest = hashlib.sha256()
            for block in self._client().get_object(Bucket=self._bucket, Key=name)["Body"].iter_chunks(_BLOCK):
                digest.update(block)
            return BlobInfo(head["ContentLength"], digest.hexdigest())

        return await self._call(describe, key)

    async def list_keys(self, caller: Caller) -> list[str]:
        """See BlobStore."""
        prefix = f"{_PREFIX}{tenant_folder(caller)}/"

        def pages() -> list[str]:
            listing = self._client().get_paginator("list_objects_v2")
            found = listing.paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"].removeprefix(prefix) for page in found for item in page.get("Contents", ())]

        return await self._call(pages, "")

    async def presign_put(self, caller: Caller, key: str, blob: BlobInfo, seconds: float) -> PresignedPut:
        """See BlobStore. S3 refuses a body of another size or SHA-256."""
        checksum = _checksum(bytes.fromhex(blob.sha256))
        wanted = {
            "Bucket": self._bucket,
            "Key": _name(caller, key),
            "ContentLength": blob.size_bytes,
            "ChecksumSHA256": checksum,
        }

        def sign() -> str:
            return self._client().generate_presigned_url("put_object", Params=wanted, ExpiresIn=int(seconds))

        expire_time = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=int(seconds))
        return PresignedPut(await self._call(sign, key), {"x-amz-checksum-sha256": checksum}, expire_time)

    async def accept_put(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> tuple[Caller, str]:
        """Raises UploadUrlInvalid: the URLs of this store lead to S3."""
        raise UploadUrlInvalid("Files are PUT to S3, not to this server. Use the URL that CreateUpload returned.")

    async def tidy(self) -> None:
        """S3 keeps nothing of a write that was cut off."""

    async def check(self) -> ComponentHealth:
        """Whether the bucket can be listed. That needs the same credentials, rights and clock as all else."""
        try:
            await self._call(self._client, "")  # loading the SDK is slow, and no fault of S3
            async with asyncio.timeout(_CHECK_SECONDS):
                await self._call(lambda: self._list_one(_PREFIX), "")
        except TimeoutError:
            detail = f'The S3 bucket "{self._bucket}" did not answer in time. Check the network and S3_CACHE_BUCKET.'
            return ComponentHealth("blobs", "s3", HealthStatus.NOT_SERVING, detail)
        except RagsqlError as error:
            return ComponentHealth("blobs", "s3", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("blobs", "s3", HealthStatus.SERVING)

    async def _put(self, name: str, content: bytes, key: str, *, new: bool = False) -> bool:
        """False when it is to be new and is not."""

        def put() -> bool:
            wanted = {
                "Bucket": self._bucket,
                "Key": name,
                "ChecksumSHA256": _checksum(hashlib.sha256(content).digest()),
            }
            if new and self._conditional:
                wanted["IfNoneMatch"] = "*"
            elif new and self._is_there(name):
                return False
            try:
                self._client().put_object(**wanted, Body=content)
            except Exception as error:
                code = s3_errors.code_of(error)
                if "IfNoneMatch" in wanted and code in s3_errors.UNABLE:
                    self._look_first()
                    return put()
                if new and code in s3_errors.THERE:
                    return False
                raise
            return True

        return await self._call(put, key)

    def _is_there(self, name: str) -> bool:
        try:
            self._head(name)
        except Exception as error:
            if s3_errors.code_of(error) in s3_errors.ABSENT:
                return False
            raise
        return True

    def _look_first(self) -> None:
        """From now on, of a server that does not do it."""
        with self._making:
            if self._conditional:
                _log.warning(
                    "The server of S3_CACHE_BUCKET cannot store a file only if it is new (If-None-Match). It is asked "
                    "whether the file is there before."
                )
            self._conditional = False

    def _head(self, name: str) -> Any:
        """The answer to a HEAD request. When it is refused, a listing says why: the refusal has no words."""
        try:
            return self._client().head_object(Bucket=self._bucket, Key=name, ChecksumMode="ENABLED")
        except Exception as error:
            if s3_errors.code_of(error).isdecimal():
                self._list_one(name)
            raise

    def _list_one(self, prefix: str) -> None:
        self._client().list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = _connect()
            return self._made

    async def _call(self, work: Callable[[], T], key: str) -> T:
        """Work in a thread, with retries. Raises NotFound, NotConfigured and UpstreamUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        loop = asyncio.get_running_loop()
        try:
            return await retrying(lambda: loop.run_in_executor(self._threads, work), s3_errors.pause, _CALL_SECONDS)
        except (BotoCoreError, ClientError) as error:
            code = s3_errors.code_of(error)
            if key and code in s3_errors.ABSENT:
                raise NotFound(f'There is no stored file "{key}".') from None
            if code in s3_errors.STALE:
                self._made = None
            raise s3_errors.as_domain_error(error, self._bucket) from error


def _connect() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    # A session of its own: the default one is shared with whatever else uses boto3 and is not safe to make in threads.
    sdk: Any = boto3
    return sdk.session.Session().client("s3", config=config)


def _name(caller: Caller, key: str) -> str:
    return _PREFIX + full_name(caller, key)


def _checksum(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
