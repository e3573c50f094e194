"""Small passages for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.domain.documents import Chunk, Passage, Span
from service.ports import Hit
from service.usecases.read_passages import Evidence

if TYPE_CHECKING:
    from service.ports import Vectors


def chunk(*units: str, headings: tuple[str, ...] = (), separator: str = " ", offset: int = 0) -> Chunk:
    """A chunk whose units are these texts, standing at offset in its document."""
    spans: list[Span] = []
    text = ""
    for unit in units:
        start = len(text) + (len(separator) if text else 0)
        text += (separator if text else "") + unit
        spans.append(Span(start, start + len(unit)))
    return Chunk(0, text, Span(offset, offset + len(text)), headings, units=tuple(spans))


def hit(item: Chunk, cosines: list[float], document: str = "d1", filename: str = "rules.md") -> tuple[Hit, Vectors]:
    """A hit whose units have these cosines with the query vector that is returned."""
    vectors = np.array([[cosine, np.sqrt(1 - cosine**2)] for cosine in cosines], np.float32)
    return Hit(Passage(document, filename, item, 1.0), vectors), np.array([1.0, 0.0], np.float32)


def evidence(item: Chunk, unit: int, score: float, document: str = "d1") -> Evidence:
    """Evidence with exactly this score."""
    return Evidence(Passage(document, "rules.md", item, 1.0), item.units[unit], score, score)
