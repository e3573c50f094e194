"""Embedded chunks as bytes and back, without pickle."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from service.domain.documents import Chunk, PageBox, Span
from service.ports import EmbeddedChunk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]


_CHUNKS_A_LINE = 128


@dataclasses.dataclass(frozen=True, slots=True)
class Processed:
    """What processing a file gave. fingerprint names the parser, the chunking and the model that it depends on."""

    fingerprint: str
    page_count: int
    parser: str
    chunks: tuple[EmbeddedChunk, ...]


def dump(processed: Processed) -> bytes:
    """Bytes that load reads back exactly."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(
        buffer,
        described=np.frombuffer(b"\n".join(_lines(processed)), dtype=np.uint8),
        vectors=np.stack([embedded.vector for embedded in processed.chunks]),
        units=np.concatenate([embedded.unit_vectors for embedded in processed.chunks]),
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
            chunks = [_chunk(fields) for line in rest for fields in json.loads(line)]
            embedded = tuple(_join(chunks, arrays["vectors"], arrays["units"]))
            return Processed(fingerprint, described["page_count"], described["parser"], embedded)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError):
        return None


def _lines(processed: Processed) -> Iterator[bytes]:
    """JSON in pieces: the JSON module keeps every other thread waiting for as long as one call takes."""
    described = {name: getattr(processed, name) for name in ("fingerprint", "page_count", "parser")}
    yield json.dumps(described).encode()
    for start in range(0, len(processed.chunks), _CHUNKS_A_LINE):
        line = processed.chunks[start : start + _CHUNKS_A_LINE]
        yield json.dumps([dataclasses.asdict(embedded.chunk) for embedded in line]).encode()


def _join(chunks: Sequence[Chunk], vectors: Vectors, units: Vectors) -> list[EmbeddedChunk]:
    embedded: list[EmbeddedChunk] = []
    start = 0
    for chunk, vector in zip(chunks, vectors, strict=True):
        end = start + len(chunk.units)
        embedded.append(EmbeddedChunk(chunk, vector, units[start:end]))
        start = end
    return embedded


def _chunk(fields: dict[str, Any]) -> Chunk:
    return Chunk(
        ordinal=fields["ordinal"],
        text=fields["text"],
        span=Span(**fields["span"]),
        headings=tuple(fields["headings"]),
        first_page=fields["first_page"],
        last_page=fields["last_page"],
        boxes=tuple(PageBox(**box) for box in fields["boxes"]),
        units=tuple(Span(**unit) for unit in fields["units"]),
    )
