"""Find the units of the retrieved passages that answer a question, without a chat model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from service.domain.chunk_text import embedding_text
from service.domain.documents import Passage, Span
from service.domain.question_names import unnamed
from service.domain.terms import terms
from service.domain.units import unit_text
from service.ports import Reading

ANSWER_WEIGHT = 0.05
LEAST_ANSWER = -8.0
"""How much the reader's logarithm counts next to the relevance for the order of units, and where it is cut off."""
RELEVANCE_IN_TRUST = 0.5
"""How much relevance counts next to that logarithm for whether anything answers; see docs/reading.md."""
USUAL_UNITS = 60
"""Of the passages of a longer document: the more is read, the more looks like an answer."""
TOPICAL = 0.7
OFF_TOPIC = 3.0
UNNAMED = 3.0
"""How little relevance is too little, what each lack of it costs, and what it costs where the passages do not name what
the question does; see docs/reading.md."""
PASSAGE_WEIGHT = 0.3
PATH_WORDS_WEIGHT = 0.25
OWN_WORDS_WEIGHT = 0.35
SUBSTANCE_WEIGHT = 0.2
"""Next to the meaning of the unit; chosen on 60 questions over the sample handbook, see docs/reading.md."""
FULL_SUBSTANCE = 6
"""So many different terms, and a unit says something of its own."""

FUNCTION_WORDS = (
    "a an the is are was were be been do does did have has had i we you they he she it who what which when where why "
    "how of in on at to for from with by and or not no our your their my me us them this that there than then so if "
    "any can could will would should must may might much many more most long into up out over about as"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit that may answer a question. All numbers are comparable between questions.

    meaning is how near the reader finds it. relevance joins that with the cosine of question and passage, the share
    of the question's words in the unit and its headings, the share in the unit alone, both weighted by rarity, and
    how much the unit says at all. answers is the logarithm of how probable the reader finds it that the unit answers.
    score joins both and decides which unit comes first.
    """

    passage: Passage
    unit: Span
    meaning: float
    relevance: float
    answers: float
    score: float


def read_passages(question: str, passages: Sequence[Passage], readings: Sequence[Reading]) -> list[Evidence]:
    """Every unit of the passages, the likeliest answer first. readings are what Reader.read gave for them."""
    units = [
        _Unit(passage, *unit)
        for passage, reading in zip(passages, readings, strict=True)
        for unit in zip(passage.chunk.units, reading.meaning, reading.answers, strict=True)
    ]
    rarity = _rarity([unit.all_terms for unit in units])
    asked = {term: rarity(term) for term in content_terms(question)}
    return sorted((_weighed(unit, asked) for unit in units), key=lambda evidence: -evidence.score)


def trust(question: str, evidence: Sequence[Evidence]) -> float:
    """How sure it is that the evidence answers at all; minus infinity where there is none.

    The logarithm of how many of USUAL_UNITS the reader expects to answer, plus a share of the highest relevance. Less
    OFF_TOPIC times what that lacks of TOPICAL, and less UNNAMED where the question names something that none of the
    passages does.
    """
    if not evidence:
        return -math.inf
    share = sum(math.exp(item.answers) for item in evidence) / len(evidence)
    chunks = {id(item.passage): item.passage.chunk for item in evidence}.values()
    unknown = unnamed(question, "\n".join(embedding_text(chunk) for chunk in chunks))
    relevance = max(item.relevance for item in evidence)
    doubt = OFF_TOPIC * max(0.0, TOPICAL - relevance) + UNNAMED * bool(unknown)
    return math.log(USUAL_UNITS * share) + RELEVANCE_IN_TRUST * relevance - doubt


def by_relevance(evidence: Sequence[Evidence]) -> list[Evidence]:
    """In order of relevance, which then stands for the score: a rule is relevant also where it answers nothing."""
    relevant = (replace(item, score=item.relevance) for item in evidence)
    return sorted(relevant, key=lambda item: -item.score)


class _Unit:
    """A unit with its terms, with those of its headings and without."""

    def __init__(self, passage: Passage, span: Span, meaning: float, answers: float) -> None:
        self.passage, self.span, self.meaning, self.answers = passage, span, meaning, answers
        self.own_terms = set(content_terms(unit_text(passage.chunk, span)))
        self.all_terms = self.own_terms.union(*(terms(heading) for heading in passage.chunk.headings))


def _weighed(unit: _Unit, asked: Mapping[str, float]) -> Evidence:
    def share(held: set[str]) -> float:
        return sum(weight for term, weight in asked.items() if term in held) / (sum(asked.values()) or 1.0)

    relevance = (
        unit.meaning
        + PASSAGE_WEIGHT * unit.passage.dense_score
        + PATH_WORDS_WEIGHT * share(unit.all_terms)
        + OWN_WORDS_WEIGHT * share(unit.own_terms)
        + SUBSTANCE_WEIGHT * min(1.0, len(unit.own_terms) / FULL_SUBSTANCE)
    )
    answers = max(LEAST_ANSWER, unit.answers)
    return Evidence(unit.passage, unit.span, unit.meaning, relevance, answers, relevance + ANSWER_WEIGHT * answers)


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
