"""What is embedded for a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.domain.documents import Chunk


def embedding_text(chunk: Chunk) -> str:
    """The headings of a chunk, then its text."""
    return headings_text(chunk.headings) + chunk.text


def headings_text(headings: Sequence[str]) -> str:
    """Headings as they are embedded, outermost first."""
    return " > ".join(headings) + "\n" if headings else ""
