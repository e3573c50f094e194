"""Files: bytes that are kept whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What is stored under a key. sha256 is 64 lowercase hex digits."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """Where a client may PUT one blob, and the headers to send. A url that begins with / is a path of this server."""

    url: str
    headers: Mapping[str, str]
    expire_time: dt.datetime


class BlobStore(Checkable, Protocol):
    """Bytes by key. Keys are ASCII, at most 512 characters, segments separated by "/".

    shared says that other services may keep blobs here too: then an unknown key is not ours to delete.
    Raises InvalidRequest for a bad key, UpstreamUnavailable when the store fails and NotConfigured when it is not as
    the settings say.
    """

    shared: bool

    async def put(self, caller: Caller, key: str, content: bytes) -> None:
        """Store durably and atomically: a reader sees the old bytes or the new. Overwrites."""
        ...

    async def put_new(self, caller: Caller, key: str, content: bytes) -> bool:
        """Store likewise if there is nothing under the key. False, and no change, when there is.

        Of several that are called at once, one stores. One that was repeated after a failure may find its own.
        """
        ...

    async def get(self, caller: Caller, key: str) -> bytes:
        """Raises NotFound."""
        ...

    async def delete(self, caller: Caller, key: str) -> None:
        """Delete if it is there."""
        ...

    async def describe(self, caller: Caller, key: str) -> BlobInfo:
        """Size and SHA-256 of what is stored, without having it in memory. Raises NotFound."""
        ...

    async def list_keys(self, caller: Caller) -> list[str]:
        """Every key of the tenant, in any order."""
        ...

    async def presign_put(self, caller: Caller, key: str, blob: BlobInfo, seconds: float) -> PresignedPut:
        """A URL that takes exactly this blob under this key for so many seconds."""
        ...

    async def accept_put(self, token: str, size_bytes: int | None, body: AsyncIterator[bytes]) -> tuple[Caller, str]:
        """Store what is PUT to a URL of this server, atomically, and return whose it is and its key.

        token is the last part of that URL, size_bytes the announced length if there is one. Raises UploadUrlInvalid
        when the token has expired or is not ours, and ContentMismatch when body is not the blob it was made for.
        """
        ...

    async def tidy(self) -> None:
        """Remove what writes that were cut off have left. Called while nothing is being written."""
        ...
