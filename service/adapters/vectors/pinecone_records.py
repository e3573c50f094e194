"""Chunks as Pinecone records. A record's metadata may take 40 KB: what does not fit is kept in pieces beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from service.adapters.vectors.pinecone_identity import marker
from service.adapters.vectors.rescoring import occurrences
from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.documents import Chunk
from service.domain.terms import terms

if TYPE_CHECKING:
    from service.domain.documents import Document
    from service.ports import EmbeddedChunk

Record = dict[str, Any]

_INLINE_BYTES = 20_000
_PIECE_CHARACTERS = 30_000
_WORDS_BYTES = 12_000
_BATCH_RECORDS = 100
_BATCH_BYTES = 1_800_000
_BYTES_PER_NUMBER = 13
_PLACES = 8
_MOST_OFTEN = 9


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that fit in one request: chunks, and the pieces of those that are too long."""

    chunks: list[Record] = field(default_factory=list[Record])
    pieces: list[Record] = field(default_factory=list[Record])


def name_of(text: str) -> str:
    """A tenant or document id in characters that Pinecone takes, none of them # or /."""
    return quote(text, safe="", errors="surrogatepass")


def text_of(name: str) -> str:
    """The inverse of name_of."""
    return unquote(name, errors="surrogatepass")


def words_of(metadata: Mapping[str, Any], wanted: set[str]) -> dict[str, int]:
    """How often the wanted words occur in a chunk, by the metadata of its record."""
    return occurrences(wanted, metadata.get("words", ()), metadata.get("often", ""))


def batches(document: Document, generation: str, chunks: Sequence[EmbeddedChunk]) -> Iterator[Batch]:
    """The records of a document's chunks, as many in one as Pinecone takes in one request."""
    batch, size = Batch(), 0
    for number, embedded in enumerate(chunks):
        record, pieces = _records(document, generation, number, embedded)
        length = _length(record) + sum(map(_length, pieces))
        if batch.chunks and (len(batch.chunks) == _BATCH_RECORDS or size + length > _BATCH_BYTES):
            yield batch
            batch, size = Batch(), 0
        batch.chunks.append(record)
        batch.pieces.extend(pieces)
        size += length
    if batch.chunks:
        yield batch


def _records(document: Document, generation: str, number: int, embedded: EmbeddedChunk) -> tuple[Record, list[Record]]:
    import numpy as np

    name = name_of(document.id)
    identifier = f"{name}#{generation}#{number}"
    values = np.round(np.asarray(embedded.vector, np.float64), _PLACES).tolist()
    content = _content(document.filename, embedded.chunk)
    metadata = {"document": name, "generation": generation, "number": number} | _lexical(embedded.chunk)
    inline = len(json.dumps(content, ensure_ascii=False).encode()) <= _INLINE_BYTES
    cut = [] if inline else _cut(content)
    metadata |= {"content": content} if inline else {"pieces": len(cut)}
    pieces = [
        {"id": piece_id(identifier, i), "values": marker(len(values)), "metadata": {"content": text}}
        for i, text in enumerate(cut)
    ]
    return {"id": identifier, "values": values, "metadata": metadata}, pieces


def piece_id(identifier: str, number: int) -> str:
    """The id of one piece of a chunk's content."""
    return f"p/{identifier}#{number}"


def _content(filename: str, chunk: Chunk) -> str:
    """A JSON text. Lone surrogates, which broken files contain, are escaped in it."""
    fields = [filename, *chunk_fields(chunk)]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(fields, separators=(",", ":"))
    return text


def content_of(content: str) -> tuple[str, Chunk]:
    """A file name and a chunk, from what _content made."""
    filename, *fields = json.loads(content)
    return filename, chunk_of(fields)


def _cut(content: str) -> list[str]:
    """Pieces of ASCII, whose length in a request is known."""
    text = json.dumps(json.loads(content), separators=(",", ":"))
    characters = _PIECE_CHARACTERS // 2  # each may become two when JSON escapes it
    return [text[start : start + characters] for start in range(0, len(text), characters)]


def _lexical(chunk: Chunk) -> dict[str, Any]:
    """The distinct words, how often each occurs (one digit a word, in order), and how many there are in all.

    A list is never empty in metadata.
    """
    counted = Counter(terms("\n".join((*chunk.headings, chunk.text))))
    words: list[str] = []
    size = 0
    for word in counted:
        size += len(word.encode()) + 3
        if size > _WORDS_BYTES:
            break
        words.append(word)
    often = "".join(str(min(counted[word], _MOST_OFTEN)) for word in words)
    return ({"words": words, "often": often} if words else {}) | {"length": counted.total()}


def _length(record: Record) -> int:
    metadata = json.dumps(record["metadata"], ensure_ascii=False).encode()
    return len(record["values"]) * _BYTES_PER_NUMBER + len(metadata) + len(record["id"])
