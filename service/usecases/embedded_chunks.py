"""Embedded chunks as bytes and back, without pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.documents import Document
from service.ports import EmbeddedChunk

_CHUNKS_A_LINE = 128


@dataclass(frozen=True, slots=True)
class Processed:
    """What processing a file gave. fingerprint names the parser, the chunking and the model that it depends on.

    tokens were embedded for it; 0 where an older version did not keep their number.
    """

    fingerprint: str
    page_count: int
    parser: str
    chunks: tuple[EmbeddedChunk, ...]
    tokens: int = 0

    def describe(self, document: Document) -> Document:
        """The document, with what is known of it now."""
        return replace(document, page_count=self.page_count, chunk_count=len(self.chunks), parser=self.parser)


def dump(processed: Processed) -> bytes:
    """Bytes that load reads back exactly."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(
        buffer,
        described=np.frombuffer(b"\n".join(_lines(processed)), dtype=np.uint8),
        vectors=np.stack([embedded.vector for embedded in processed.chunks]),
    )
    return buffer.getvalue()


def load(content: bytes, fingerprint: str) -> Processed | None:
    """What dump was given, or None when it is of another fingerprint or damaged."""
    import zipfile

    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            head, *rest = arrays["described"].tobytes().split(b"\n")
            described = json.loads(head)
            if described["fingerprint"] != fingerprint:
                return None
            chunks = [chunk_of(fields) for line in rest for fields in json.loads(line)]
            embedded = tuple(EmbeddedChunk(*pair) for pair in zip(chunks, arrays["vectors"], strict=True))
            pages, parser, tokens = described["page_count"], described["parser"], described.get("tokens", 0)
            return Processed(fingerprint, pages, parser, embedded, tokens)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError):
        return None


def _lines(processed: Processed) -> Iterator[bytes]:
    """JSON in pieces: the JSON module keeps every other thread waiting for as long as one call takes."""
    described = {name: getattr(processed, name) for name in ("fingerprint", "page_count", "parser", "tokens")}
    yield json.dumps(described).encode()
    for start in range(0, len(processed.chunks), _CHUNKS_A_LINE):
        line = processed.chunks[start : start + _CHUNKS_A_LINE]
        yield json.dumps([chunk_fields(embedded.chunk) for embedded in line]).encode()
