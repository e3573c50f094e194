"""Embedded chunks as bytes and back, without pickle."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

from service.domain.chunk_fields import chunk_fields, chunk_of
from service.ports import EmbeddedChunk


@dataclass(frozen=True, slots=True)
class Processed:
    """What processing a file gave. fingerprint names the parser, the chunking and the model that it depends on."""

    fingerprint: str
    page_count: int
    parser: str
    chunks: tuple[EmbeddedChunk, ...]


def dump(processed: Processed) -> bytes:
    """Bytes that load reads back exactly."""
    import numpy as np

    described = {
        "fingerprint": processed.fingerprint,
        "page_count": processed.page_count,
        "parser": processed.parser,
        "chunks": [chunk_fields(embedded.chunk) for embedded in processed.chunks],
    }
    buffer = io.BytesIO()
    np.savez(
        buffer,
        described=np.frombuffer(json.dumps(described).encode(), dtype=np.uint8),
        vectors=np.stack([embedded.vector for embedded in processed.chunks]),
    )
    return buffer.getvalue()


def load(content: bytes, fingerprint: str) -> Processed | None:
    """What dump was given, or None when it is of another fingerprint or damaged."""
    import zipfile

    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            described = json.loads(arrays["described"].tobytes())
            if described["fingerprint"] != fingerprint:
                return None
            chunks = map(chunk_of, described["chunks"])
            embedded = tuple(EmbeddedChunk(*pair) for pair in zip(chunks, arrays["vectors"], strict=True))
            return Processed(fingerprint, described["page_count"], described["parser"], embedded)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError):
        return None
