"""Find the units of the retrieved passages that answer a question, without a chat model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.domain.documents import Passage, Span
from service.domain.terms import terms
from service.domain.units import unit_in_context
from service.ports import Hit

if TYPE_CHECKING:
    from service.ports import Vectors

WORDS_WEIGHT = 0.5
CONTEXT_WEIGHT = 0.3
"""Next to the unit's own cosine; chosen on 60 questions over the sample handbook, see docs/reading.md."""

FUNCTION_WORDS = (
    "a an the is are was were be been do does did have has had i we you they he she it who what which when where why "
    "how of in on at to for from with by and or not no our your their my me us them this that there than then so if "
    "any can could will would should must may might much many more most long into up out over about as"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit that may answer a question.

    meaning is the cosine of question and unit, words the share of the question's words in the unit and its
    headings, weighted by their rarity, 0 to 1. score joins them with the cosine of question and passage, and is
    comparable between questions.
    """

    passage: Passage
    unit: Span
    meaning: float
    words: float

    @property
    def score(self) -> float:
        """What evidence is ranked by."""
        return self.meaning + CONTEXT_WEIGHT * self.passage.dense_score + WORDS_WEIGHT * self.words


def read_passages(question: str, query: Vectors, hits: Sequence[Hit]) -> list[Evidence]:
    """Every unit of the hits, the likeliest answer first. query has the shape (dimension,)."""
    units = [(hit, position) for hit in hits for position in range(len(hit.passage.chunk.units))]
    contents = [set(terms(unit_in_context(hit.passage.chunk, hit.passage.chunk.units[i]))) for hit, i in units]
    weights = _rarity(contents)
    asked = {term: weights(term) for term in content_terms(question)}
    total = sum(asked.values()) or 1.0
    cosines = {id(hit): hit.unit_vectors @ query for hit in hits}
    found = [
        Evidence(
            hit.passage,
            hit.passage.chunk.units[position],
            float(cosines[id(hit)][position]),
            sum(weight for term, weight in asked.items() if term in content) / total,
        )
        for (hit, position), content in zip(units, contents, strict=True)
    ]
    return sorted(found, key=lambda evidence: -evidence.score)


def content_terms(text: str) -> list[str]:
    """The terms of text that carry meaning, each once, in order."""
    return [term for term in dict.fromkeys(terms(text)) if term not in _function_terms()]


def _rarity(contents: Sequence[set[str]]) -> Callable[[str], float]:
    """Inverse document frequency over units, as in BM25 (Robertson and Zaragoza, 2009)."""
    frequency = Counter(term for content in contents for term in content)
    return lambda term: math.log(1 + (len(contents) - frequency[term] + 0.5) / (frequency[term] + 0.5))


@lru_cache(maxsize=1)
def _function_terms() -> frozenset[str]:
    return frozenset(terms(FUNCTION_WORDS))
