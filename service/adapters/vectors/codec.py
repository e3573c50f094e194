"""Chunks and vectors as bytes in the index file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.documents import Chunk, PageBox, Span, TextLine

if TYPE_CHECKING:
    from service.ports import Vectors

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


def encode_unit_vectors(vectors: Vectors) -> bytes:
    """Half precision: a cosine moves by less than 0.001 and the file halves."""
    import numpy as np

    return vectors.astype(np.float16).tobytes()


def decode_unit_vectors(payload: bytes, dimension: int) -> Vectors:
    """float32 of shape (units, dimension)."""
    import numpy as np

    return np.frombuffer(payload, np.float16).reshape(-1, dimension).astype(np.float32)
