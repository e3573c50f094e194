"""BM25 over the candidates that another search has found, for stores that do not count words themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.adapters.vectors.fusion import Scores

_K1 = 1.2
_B = 0.75


def occurrences(wanted: set[str], words: Sequence[str], often: str) -> dict[str, int]:
    """How often each wanted word occurs in a text, of its distinct words and one digit for each, nine at most."""
    return {word: int(often[words.index(word)]) for word in wanted.intersection(words)}


def bm25(found: Sequence[Mapping[str, int]], lengths: Sequence[int]) -> Scores:
    """One score a text, 0 where no word fits. How rare a word is, is counted in these texts alone."""
    import numpy as np

    texts_with = Counter(word for occurring in found for word in occurring)
    rarity = {word: _rarity(texts, len(found)) for word, texts in texts_with.items()}
    average = sum(lengths) / max(1, len(lengths)) or 1.0
    scores = [
        sum(rarity[word] * _weight(times, length / average) for word, times in occurring.items())
        for occurring, length in zip(found, lengths, strict=True)
    ]
    return np.array(scores, np.float32)


def _rarity(texts: int, total: int) -> float:
    return math.log(1 + (total - texts + 0.5) / (texts + 0.5))


def _weight(count: int, relative_length: float) -> float:
    return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * relative_length))
