"""Chunks as bytes in the index file."""

from __future__ import annotations

import json

from service.domain.documents import Chunk, PageBox, Span


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
