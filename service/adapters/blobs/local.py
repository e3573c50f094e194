"""Blobs as files below one folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import FieldViolation, InvalidRequest, NotFound, UpstreamUnavailable

_KEY = re.compile(r"[A-Za-z0-9_.=@+-]{1,200}(?:/[A-Za-z0-9_.=@+-]{1,200})*\Z")
_LONGEST_KEY = 512
P = ParamSpec("P")
T = TypeVar("T")
_PLAIN_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


class LocalBlobStore:
    """Implements ports.BlobStore. Each tenant has a folder of its own below root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """Store durably and atomically. Raises InvalidRequest for a bad key, UpstreamUnavailable for a bad disk."""
        await _in_thread(_write, self._path(caller, key), content)

    async def get(self, caller: Caller, key: str) -> bytes:
        """Raises NotFound, InvalidRequest and UpstreamUnavailable."""
        content = await _in_thread(_read, self._path(caller, key))
        if content is None:
            raise NotFound(f'There is no stored file "{key}".')
        return content

    async def delete(self, caller: Caller, key: str) -> None:
        """Delete if it is there. Raises InvalidRequest and UpstreamUnavailable."""
        await _in_thread(_remove, self._path(caller, key))

    async def check(self) -> ComponentHealth:
        """Whether the folder can be written to."""
        try:
            await _in_thread(_probe, self._root)
        except UpstreamUnavailable as error:
            return ComponentHealth("blobs", "local", HealthStatus.NOT_SERVING, error.message)
        return ComponentHealth("blobs", "local", HealthStatus.SERVING)

    def _folder(self, caller: Caller) -> Path:
        tenant = caller.tenant
        if not _PLAIN_TENANT.match(tenant):
            tenant = "~" + hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).hexdigest()
        return self._root / tenant

    def _path(self, caller: Caller, key: str) -> Path:
        segments = key.split("/")
        if len(key) > _LONGEST_KEY or not _KEY.match(key) or any(not segment.strip(".") for segment in segments):
            raise InvalidRequest(
                FieldViolation("key", "must be at most 512 letters, digits and ._=@+- in segments separated by /.")
            )
        return self._folder(caller).joinpath(*segments)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise UpstreamUnavailable(
            f"The folder for files cannot be used: {error.strerror}. Check its disk and its permissions."
        ) from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix="~", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _probe(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root):
        pass
