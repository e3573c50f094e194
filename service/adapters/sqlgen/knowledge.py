"""Which of the taught items help with a question."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.schema_linking import stem, words_of
from service.domain.sql import KnowledgeItem

_KEPT = 3
_MIN_SHARE = 0.2


def nearest(question: str, items: Sequence[KnowledgeItem]) -> list[KnowledgeItem]:
    """The items that share most words with the question, best first, at most three."""
    asked = _stems(question)
    scored: list[tuple[float, int]] = []
    for position, item in enumerate(items):
        words = _stems(item.example.question if item.example else item.documentation or item.ddl)
        share = len(asked & words) / (len(asked | words) if item.example else len(asked)) if asked and words else 0.0
        if share >= _MIN_SHARE:
            scored.append((-share, position))
    return [items[position] for _, position in sorted(scored)[:_KEPT]]


def _stems(text: str) -> set[str]:
    return {stem(word) for word in words_of(text) if len(word) > 2}
