"""Signed tokens that let their bearer PUT one blob for a while."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service import ports
from service.domain.caller import Caller
from service.errors import UploadUrlInvalid

if TYPE_CHECKING:
    from service.ports import BlobInfo

_KEY_BYTES = 32
_SIGNATURE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, until expires, in seconds since 1970."""

    caller: Caller
    key: str
    blob: BlobInfo
    expires: float


class Tokens:
    """Makes and reads tokens. The secret is made once, in key_file, which only its owner may read."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._secret = b""

    def issue(self, grant: Grant) -> str:
        """A token of letters, digits, - and _. Raises OSError."""
        caller, blob = grant.caller, grant.blob
        fields = [caller.tenant, caller.principal, grant.key, blob.size_bytes, blob.sha256, grant.expires]
        payload = json.dumps(fields, separators=(",", ":")).encode()
        return _encode(self._sign(payload) + payload)

    def read(self, token: str) -> Grant:
        """Raises UploadUrlInvalid for one that is not ours or has expired, and OSError."""
        try:
            content = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            content = b""
        signature, payload = content[:_SIGNATURE_BYTES], content[_SIGNATURE_BYTES:]
        if _encode(content) != token or not hmac.compare_digest(signature, self._sign(payload)):
            raise UploadUrlInvalid("The URL of this upload was changed or is not of this server. Call CreateUpload.")
        tenant, principal, key, size_bytes, sha256, expires = json.loads(payload)
        if time.time() >= expires:
            raise UploadUrlInvalid("The URL of this upload has expired. Call CreateUpload again and PUT to its URL.")
        return Grant(Caller(tenant, principal), key, ports.BlobInfo(size_bytes, sha256), expires)

    def _sign(self, payload: bytes) -> bytes:
        self._secret = self._secret or _secret(self._key_file)
        return hmac.digest(self._secret, payload, hashlib.sha256)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _secret(path: Path) -> bytes:
    """The content of the file, which is made if it is not there; of several processes that make it, one wins."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix="~")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path.read_bytes()
