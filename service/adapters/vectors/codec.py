"""Chunks and vectors as bytes in the index file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from service.domain.documents import Chunk, PageBox, Span

if TYPE_CHECKING:
    from service.ports import Vectors


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as compact JSON. Lone surrogates, which broken files contain, survive."""
    boxes = [(b.page, b.left, b.top, b.right, b.bottom) for b in chunk.boxes]
    value = [
        chunk.ordinal,
        chunk.text,
        (chunk.span.start, chunk.span.end),
        chunk.headings,
        (chunk.first_page, chunk.last_page),
        boxes,
        [(unit.start, unit.end) for unit in chunk.units],
    ]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode_chunk(payload: bytes) -> Chunk:
    """The inverse of encode_chunk."""
    ordinal, text, span, headings, pages, boxes, units = json.loads(payload.decode("utf-8", "surrogatepass"))
    return Chunk(
        ordinal=ordinal,
        text=text,
        span=Span(*span),
        headings=tuple(headings),
        first_page=pages[0],
        last_page=pages[1],
        boxes=tuple(PageBox(*box) for box in boxes),
        units=tuple(Span(*unit) for unit in units),
    )


def encode_unit_vectors(vectors: Vectors) -> bytes:
    """Half precision: a cosine moves by less than 0.001 and the file halves."""
    import numpy as np

    return vectors.astype(np.float16).tobytes()


def decode_unit_vectors(payload: bytes, dimension: int) -> Vectors:
    """float32 of shape (units, dimension)."""
    import numpy as np

    return np.frombuffer(payload, np.float16).reshape(-1, dimension).astype(np.float32)
