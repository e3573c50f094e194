"""Chunks as bytes in the index file."""

from __future__ import annotations

import json
from typing import Any

from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.documents import Chunk, PageBox, Span, TextLine

_FIELDS_OF_VERSION_1 = 7


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as compact JSON. Lone surrogates, which broken files contain, survive."""
    return json.dumps(chunk_fields(chunk), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode_chunk(payload: bytes) -> Chunk:
    """The inverse of encode_chunk."""
    fields: list[Any] = json.loads(payload.decode("utf-8", "surrogatepass"))
    return _first_version(fields) if len(fields) == _FIELDS_OF_VERSION_1 else chunk_of(fields)


def _first_version(fields: list[Any]) -> Chunk:
    """Index files of version 1 have one box a page for the whole chunk."""
    ordinal, text, span, headings, _, boxes, units = fields
    lines = tuple(TextLine(Span(0, len(text)), PageBox(*box)) for box in boxes)
    return Chunk(ordinal, text, Span(*span), tuple(headings), lines, tuple(Span(*unit) for unit in units))
