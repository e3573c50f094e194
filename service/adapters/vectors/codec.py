"""Chunks as bytes in the index file."""

from __future__ import annotations

import json

from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.documents import Chunk


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as compact JSON. Lone surrogates, which broken files contain, survive."""
    return json.dumps(chunk_fields(chunk), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode_chunk(payload: bytes) -> Chunk:
    """The inverse of encode_chunk."""
    return chunk_of(json.loads(payload.decode("utf-8", "surrogatepass")))
