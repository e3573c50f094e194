"""What blobs are called in a store."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from service.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from service.domain.caller import Caller

_KEY = re.compile(r"[A-Za-z0-9_.=@+-]{1,200}(?:/[A-Za-z0-9_.=@+-]{1,200})*\Z")
_LONGEST_KEY = 512
S3_PREFIX = "ragsql/"
"""What everything of the service is below, in a bucket that others may use too."""
_PLAIN_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def tenant_folder(caller: Caller) -> str:
    """The first segment of everything of the tenant, safe as the name of a folder."""
    tenant = caller.tenant
    if _PLAIN_TENANT.match(tenant):
        return tenant
    return "~" + hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).hexdigest()


def full_name(caller: Caller, key: str) -> str:
    """The tenant's folder and the key. Raises InvalidRequest for a bad key."""
    if len(key) > _LONGEST_KEY or not _KEY.match(key) or any(not segment.strip(".") for segment in key.split("/")):
        raise InvalidRequest(
            FieldViolation("key", "must be at most 512 letters, digits and ._=@+- in segments separated by /.")
        )
    return f"{tenant_folder(caller)}/{key}"
