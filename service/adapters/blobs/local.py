"""Blobs as files below one folder."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from service import ports
from service.adapters.blobs import files
from service.adapters.blobs.names import full_name, tenant_folder
from service.adapters.blobs.tokens import Grant, Tokens
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import ContentMismatch, NotFound, UpstreamUnavailable

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import BlobInfo, PresignedPut

PUT_PATH = "/uploads/"
_WRITTEN_AT_ONCE = 1024 * 1024
P = ParamSpec("P")
T = TypeVar("T")


class LocalBlobStore:
    """Implements ports.BlobStore. Each tenant has a folder of its own below root."""

    shared = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self._drafts = root / "~drafts"
        self._tokens = Tokens(root / "~key")

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """See BlobStore."""
        await _in_thread(_write, self._drafts, self._path(caller, key), content)

    async def put_new(self, caller: Caller, key: str, content: bytes) -> bool:
        """See BlobStore."""
        return await _in_thread(_write_new, self._drafts, self._path(caller, key), content)

    async def get(self, caller: Caller, key: str) -> bytes:
        """See BlobStore."""
        content = await _in_thread(_read, self._path(caller, key))
        if content is None:
            raise _not_found(key)
        return content

    async def delete(self, caller: Caller, key: str) -> None:
        """See BlobStore."""
        await _in_thread(self._path(caller, key).unlink, missing_ok=True)

    async def describe(self, caller: Caller, key: str) -> BlobInfo:
        """See BlobStore."""
        found = await _in_thread(files.describe, self._path(caller, key))
        if found is None:
            raise _not_found(key)
        return found

    async def list_keys(self, caller: Caller) -> list[str]:
        """See BlobStore."""
        return await _in_thread(lambda: list(files.keys(self._root / tenant_folder(caller))))

    async def presign_put(self, caller: Caller, key: str, blob: BlobInfo, seconds: float) -> PresignedPut:
        """See BlobStore. The URL is a path of this server."""
        full_name(caller, key)
        expires = time.time() + seconds
        token = await _in_thread(self._tokens.issue, Grant(caller, key, blob, expires))
        return ports.PresignedPut(PUT_PATH + token, {}, dt.datetime.fromtimestamp(expires, dt.UTC))

    async def accept_put(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> tuple[Caller, str]:
        """See BlobStore. At most a few MiB of body are in memory."""
        grant = await _in_thread(self._tokens.read, token)
        if size_bytes is not None and size_bytes != grant.blob.size_bytes:
            raise _mismatch(f"The body has {size_bytes} bytes, {grant.blob.size_bytes} were announced.")
        draft = await _in_thread(files.Draft, self._drafts)
        try:
            await _receive(draft, grant.blob.size_bytes, body)
            if draft.described() != grant.blob:
                raise _mismatch(_difference(draft.described(), grant.blob))
            await _in_thread(draft.publish, self._path(grant.caller, grant.key))
        finally:
            await _in_thread(draft.close)
        return grant.caller, grant.key

    async def tidy(self) -> None:
        """See BlobStore."""
        await _in_thread(shutil.rmtree, self._drafts, ignore_errors=True)

    async def check(self) -> ComponentHealth:
        """Whether the folder can be written to."""
        try:
            await _in_thread(_probe, self._root)
        except UpstreamUnavailable as error:
            return ComponentHealth("blobs", "local", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("blobs", "local", HealthStatus.SERVING)

    def _path(self, caller: Caller, key: str) -> Path:
        return self._root / full_name(caller, key)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise UpstreamUnavailable(
            f"The folder for files cannot be used: {error.strerror}. Check its disk and its permissions."
        ) from None


async def _receive(draft: files.Draft, expected: int, body: AsyncIterator[bytes]) -> None:
    """Write body in large pieces: one hop to a thread for each, and never more than expected bytes in all."""
    pieces: list[bytes] = []
    held = received = 0
    async for piece in body:
        pieces.append(piece)
        held += len(piece)
        received += len(piece)
        if received > expected:
            raise _mismatch(f"The body has more than the {expected} bytes that were announced.")
        if held >= _WRITTEN_AT_ONCE:
            await _in_thread(draft.write, b"".join(pieces))
            pieces, held = [], 0
    await _in_thread(draft.write, b"".join(pieces))


def _write(drafts: Path, path: Path, content: bytes) -> None:
    with closing(files.Draft(drafts)) as draft:
        draft.write(content)
        draft.publish(path)


def _write_new(drafts: Path, path: Path, content: bytes) -> bool:
    with closing(files.Draft(drafts)) as draft:
        draft.write(content)
        return draft.publish_new(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _probe(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root):
        pass


def _difference(found: BlobInfo, wanted: BlobInfo) -> str:
    if found.size_bytes != wanted.size_bytes:
        return f"The body has {found.size_bytes} bytes, {wanted.size_bytes} were announced."
    return f"The SHA-256 of the body is {found.sha256}, {wanted.sha256} was announced."


def _mismatch(what: str) -> ContentMismatch:
    return ContentMismatch(f"{what} PUT the whole file, or call CreateUpload for this one.")


def _not_found(key: str) -> NotFound:
    return NotFound(f'There is no stored file "{key}".')
