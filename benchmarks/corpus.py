"""English text of known size without a download: windows over Python's own language reference."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator
from pydoc_data.topics import topics  # pyright: ignore[reportMissingTypeStubs,reportUnknownVariableType]

import numpy as np

from service.domain.documents import Chunk, Document, DocumentState, Span
from service.ports import EmbeddedChunk

CHUNK_WORDS = 150
QUESTION_WORDS = 9
UNIT_CHARACTERS = 150


def words() -> list[str]:
    """Every word of the reference in order, about 100,000."""
    texts: dict[str, str] = topics  # pyright: ignore[reportUnknownVariableType]
    return [word for name in sorted(texts) for word in re.findall(r"[\w'.,-]+", texts[name])]


def questions(count: int) -> list[str]:
    """Different stretches of the text, the same in every run."""
    source, chosen = words(), random.Random(1)
    starts = (chosen.randrange(len(source) - QUESTION_WORDS) for _ in range(count))
    return [" ".join(source[start : start + QUESTION_WORDS]) + f" {i}?" for i, start in enumerate(starts)]


def documents(count: int, chunks: int, dimension: int) -> Iterator[tuple[Document, list[EmbeddedChunk]]]:
    """Documents of so many chunks each. Their vectors are random: an exact search costs the same for any."""
    source, chosen, directions = words(), random.Random(2), np.random.default_rng(3)
    now = dt.datetime.now(dt.UTC)
    for number in range(count):
        name = f"document{number}"
        embedded: list[EmbeddedChunk] = []
        for ordinal in range(chunks):
            start = chosen.randrange(len(source) - CHUNK_WORDS)
            text = " ".join(source[start : start + CHUNK_WORDS])
            units = tuple(Span(i, min(i + UNIT_CHARACTERS, len(text))) for i in range(0, len(text), UNIT_CHARACTERS))
            vector = directions.standard_normal(dimension, np.float32)
            vector /= np.linalg.norm(vector)
            chunk = Chunk(ordinal, text, Span(0, len(text)), (name,), units=units)
            embedded.append(EmbeddedChunk(chunk, vector))
        yield Document(name, f"{name}.txt", "text/plain", 0, "", DocumentState.ACTIVE, now, now), embedded
