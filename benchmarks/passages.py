"""Passages by the hundred thousand, questions about some of them, and what an exact search finds: the same every run.

Words follow Zipf's law and each topic has words of its own; vectors lie around their topic's, spread in few dimensions,
as those of texts do. A question is nine words of one passage and a vector near that passage's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32] | npt.NDArray[np.int16]

DIMENSION = 384
WORDS = 120
QUESTION_WORDS = 9
BLOCK = 1_000
DEPTH = 100
_VOCABULARY = 100_000
_TOPICS, _TOPIC_WORDS, _TOPIC_SHARE = 1_000, 300, 0.3
_INNER, _SPREAD, _QUESTION_SPREAD = 48, 1.0, 0.5
_K1 = 1.2


@dataclass(frozen=True, slots=True)
class Block:
    """Passages in order, the first of this number. words has shape (passages, WORDS), vectors (passages, DIMENSION)."""

    first: int
    words: Ids
    vectors: Matrix

    def texts(self) -> list[str]:
        """What the passages say."""
        return [text_of(words) for words in self.words]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the number of the passage that it was made of."""

    words: tuple[int, ...]
    vector: Matrix
    passage: int

    @property
    def text(self) -> str:
        """The question's words."""
        return text_of(self.words)


def text_of(words: Sequence[int] | Ids) -> str:
    """Words that no stemmer changes and none of which is a part of another."""
    return " ".join(f"w{word:06d}" for word in words)


class Passages:
    """So many passages, a multiple of BLOCK, and questions about them."""

    def __init__(self, count: int, questions: int) -> None:
        self.count = count
        chance = np.random.default_rng(0)
        self._zipf: npt.NDArray[np.float64] = np.cumsum(1 / np.arange(1, _VOCABULARY + 1))
        self._topic_words = chance.integers(200, _VOCABULARY, (_TOPICS, _TOPIC_WORDS))
        centres = chance.standard_normal((_TOPICS, DIMENSION), np.float32)
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        self._inner = np.linalg.qr(chance.standard_normal((DIMENSION, _INNER)))[0].T.astype(np.float32)
        self._chosen = np.sort(chance.choice(count, questions, replace=False))

    def blocks(self) -> Iterator[Block]:
        """All passages."""
        return (self._block(number) for number in range(self.count // BLOCK))

    @cached_property
    def questions(self) -> list[Asked]:
        """In order of the passages they are about."""
        found: list[Asked] = []
        for number in self._chosen.tolist():
            block = self._block(number // BLOCK)
            chance = np.random.default_rng(10_000_000 + number)
            words = block.words[number % BLOCK]
            picked = dict.fromkeys(chance.permutation(words).tolist())
            vector = self._spread(block.vectors[number % BLOCK][None], _QUESTION_SPREAD, chance)[0]
            found.append(Asked(tuple(list(picked)[:QUESTION_WORDS]), vector, number))
        return found

    def _block(self, number: int) -> Block:
        chance = np.random.default_rng(1 + number)
        topics = chance.integers(_TOPICS, size=BLOCK)
        drawn: npt.NDArray[np.float64] = chance.random((BLOCK, WORDS)) * float(self._zipf[-1])
        common: Ids = self._zipf.searchsorted(drawn).astype(np.int64)
        own: Ids = self._topic_words[topics[:, None], chance.zipf(1.3, (BLOCK, WORDS)) % _TOPIC_WORDS]
        words = np.where(chance.random((BLOCK, WORDS)) < _TOPIC_SHARE, own, common)
        vectors = self._spread(self._centres[topics], _SPREAD, chance)
        return Block(number * BLOCK, words.astype(np.int64), vectors)

    def _spread(self, around: Matrix, spread: float, chance: np.random.Generator) -> Matrix:
        noise = chance.standard_normal((len(around), _INNER), np.float32) @ self._inner / np.sqrt(np.float32(_INNER))
        vectors = around + np.float32(spread) * noise
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Exact:
    """What looking at every passage finds: cosines, and BM25 over all words of a question. add takes every block."""

    def __init__(self, questions: Sequence[Asked]) -> None:
        self._questions = questions
        self._wanted = np.array(sorted({word for asked in questions for word in asked.words}))
        self._asked = np.stack([asked.vector for asked in questions])
        self._parts: list[tuple[Narrow, Narrow, Narrow]] = []
        self._cosines: list[Matrix] = []
        self._count = 0

    def add(self, block: Block) -> None:
        """Look at a block."""
        self._cosines.append(self._asked @ block.vectors.T)
        rows, columns = np.nonzero(np.isin(block.words, self._wanted))
        keys, times = np.unique(block.words[rows, columns] * BLOCK + rows, return_counts=True)
        words, passages = keys // BLOCK, block.first + keys % BLOCK
        self._parts.append((words.astype(np.int32), passages.astype(np.int32), times.astype(np.int16)))
        self._count += len(block.words)

    def cosines(self, place: int) -> Matrix:
        """The cosine of every passage with a question."""
        return self._all_cosines[place]

    def bm25(self, place: int) -> Matrix:
        """The BM25 of every passage for a question. All passages are equally long."""
        words, passages, times = self._postings
        scores = np.zeros(self._count, np.float32)
        for word in self._questions[place].words:
            start, end = np.searchsorted(words, [word, word + 1]).tolist()
            rarity = np.log(1 + (self._count - (end - start) + 0.5) / (end - start + 0.5))
            found = times[start:end]
            scores[passages[start:end]] += (rarity * found * (_K1 + 1) / (found + _K1)).astype(np.float32)
        return scores

    @cached_property
    def _all_cosines(self) -> Matrix:
        return np.concatenate(self._cosines, axis=1)

    @cached_property
    def _postings(self) -> tuple[Narrow, Narrow, Narrow]:
        """Word, passage and how often, in order of words."""
        words, passages, times = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(words, kind="stable")
        return words[order], passages[order], times[order]


def best(scores: Matrix, count: int) -> Ids:
    """The places of the highest scores above 0, best first."""
    count = min(count, len(scores))
    found = np.argpartition(-scores, count - 1)[:count]
    found = found[scores[found] > 0]
    return found[np.argsort(-scores[found], kind="stable")]
