"""Checks of single values. Each says what is wrong as a sentence, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from service.errors import PayloadTooLarge

MAX_CONTENT_BYTES = 4 * 1024 * 1024
MAX_UPLOAD_BYTES = 100 * 1024 * 1024
MAX_QUESTION_CHARS = 4000
MAX_SQL_CHARS = 20_000

Check = Callable[[Any], str | None]
"""What is wrong with a value, as a sentence, or None."""


def text(low: int, high: int) -> Check:
    """The length of a text in characters. One that must not be empty must not be blank either."""
    size = f"Must be {low} to {high} characters long" if low else f"Must be at most {high} characters long"

    def check(value: str) -> str | None:
        if not low <= len(value) <= high:
            return f"{size}, not {len(value)}."
        return "Must not be only white space." if low and not value.strip() else None

    return check


def number(low: int, high: int | None = None) -> Check:
    """The range of a number, both ends included."""
    wanted = f"Must be {low} or more" if high is None else f"Must be {low} to {high}"
    return lambda value: None if low <= value and (high is None or value <= high) else f"{wanted}, not {value}."


def enum(kind: EnumTypeWrapper, *, required: bool = False) -> Check:
    """A number that the enum knows, and not 0 when it is required."""
    known = set(kind.values())
    names = ", ".join(kind.keys()[1:])

    def check(value: int) -> str | None:
        if value not in known:
            return f"There is no value {value}. The values are {names}."
        return f"Required. The values are {names}." if required and not value else None

    return check


def flag(value: bool) -> None:
    """Either will do."""


def name(*collections: str) -> Check:
    """A resource name, {collection}/{id}, or {collection}/{id} of each collection in turn."""
    form = re.compile("/".join(rf"{collection}/[A-Za-z0-9_-]{{1,128}}" for collection in collections))
    shown = "/".join(f"{collection}/{{id}}" for collection in collections)
    return lambda value: None if form.fullmatch(value) else f"Must have the form {shown}."


def some(high: int) -> Check:
    """The number of items of a repeated field that must not be empty."""
    return lambda value: None if 1 <= len(value) <= high else f"Must have 1 to {high} items, not {len(value)}."


@dataclass(frozen=True, slots=True)
class Each:
    """A repeated field: at most high items, each of which passes check."""

    high: int
    check: Check


def content(value: bytes) -> str | None:
    """The bytes of a file. Raises PayloadTooLarge."""
    if len(value) > MAX_CONTENT_BYTES:
        raise PayloadTooLarge(
            f"The file has {len(value)} bytes; at most {MAX_CONTENT_BYTES} (4 MiB) are accepted in one message. "
            "Use CreateUpload for larger ones.",
            field="content",
            limit_bytes=str(MAX_CONTENT_BYTES),
        )
    return None if value else "The file is empty: it has 0 bytes."


def upload_size(value: int) -> str | None:
    """The announced size of a file. Raises PayloadTooLarge."""
    if value > MAX_UPLOAD_BYTES:
        raise PayloadTooLarge(
            f"The file has {value} bytes; at most {MAX_UPLOAD_BYTES} (100 MiB) are accepted. Split it.",
            field="size_bytes",
            limit_bytes=str(MAX_UPLOAD_BYTES),
        )
    return None if value > 0 else f"Must be 1 to {MAX_UPLOAD_BYTES}, not {value}."


def sha256(value: str) -> str | None:
    """A SHA-256 in hex."""
    return None if re.fullmatch("[0-9a-f]{64}", value) else "Must be 64 lowercase hex digits."
