"""Small passages for tests."""

from __future__ import annotations

from service.domain.documents import Chunk, Passage, Span
from service.usecases.read_passages import Evidence


def chunk(*units: str, headings: tuple[str, ...] = (), separator: str = " ", offset: int = 0) -> Chunk:
    """A chunk whose units are these texts, standing at offset in its document."""
    spans: list[Span] = []
    text = ""
    for unit in units:
        start = len(text) + (len(separator) if text else 0)
        text += (separator if text else "") + unit
        spans.append(Span(start, start + len(unit)))
    return Chunk(0, text, Span(offset, offset + len(text)), headings, units=tuple(spans))


def passage(item: Chunk, document: str = "d1", filename: str = "rules.md") -> Passage:
    """A passage that was retrieved by its words alone."""
    return Passage(document, filename, item, 1.0)


def evidence(item: Chunk, unit: int, score: float, document: str = "d1") -> Evidence:
    """Evidence with exactly this score."""
    return Evidence(passage(item, document), item.units[unit], score, score, score, score)
