"""BM25 over the candidates that another search has found, for stores that do not count words themselves."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from service.adapters.vectors.fusion import Scores

_K1 = 1.2
_B = 0.75


class Words(NamedTuple):
    """The distinct words of a text, how often each occurs as one digit a word, and how many there are in all."""

    words: Sequence[str]
    often: str
    length: int


def bm25(wanted: Collection[str], texts: Sequence[Words]) -> Scores:
    """One score a text, 0 where no word fits. How rare a word is, is counted in these texts alone."""
    import numpy as np

    found = [_occurrences(wanted, text) for text in texts]
    rarity = {word: _rarity(sum(word in occurrences for occurrences in found), len(texts)) for word in wanted}
    average = sum(text.length for text in texts) / max(1, len(texts)) or 1.0
    scores = [
        sum(rarity[word] * _weight(count, text.length / average) for word, count in occurrences.items())
        for text, occurrences in zip(texts, found, strict=True)
    ]
    return np.array(scores, np.float32)


def _occurrences(wanted: Collection[str], text: Words) -> dict[str, int]:
    present = set(wanted).intersection(text.words)
    if not present:
        return {}
    return {word: int(digit) for word, digit in zip(text.words, text.often, strict=True) if word in present}


def _rarity(texts: int, total: int) -> float:
    return math.log(1 + (total - texts + 0.5) / (texts + 0.5))


def _weight(count: int, relative_length: float) -> float:
    return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * relative_length))
