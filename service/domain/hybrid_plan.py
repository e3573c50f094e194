"""Which part of a question for both sources each of them answers, and which has to answer first: by its wording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.domain.question_form import asked_part, clauses, is_of_rows, is_of_rules

_SUPERLATIVE = (
    r"(?:most|least|fewest|best|worst|highest|lowest|top|"
    r"(?:old|new|young|long|short|larg|bigg|small|cheap|dear|lat|earli|heavi|light|great|busi|fast|slow|strong|rich)est)"
)
_STANDS_FOR = re.compile(
    rf"\b(?:the|our)\s+(?:[\w-]+\s+){{1,5}}?(?:that|who|whom|whose|which|where|with|having|we)\b[^,;?]*?\b{_SUPERLATIVE}\b"
    rf"|\b(?:the|our)\s+(?!(?:most|least)\s+(?:we|i|you|they|of)\b){_SUPERLATIVE}(?:[ -]+[a-z]+)+",
    re.I,
)
"""A name that only the database knows: "the genre that has sold best", "our dearest plan"."""
_LISTED = re.compile(r"\W*(?:which|list|name|show|are there|how many|(?:who|what)\s+(?:is|are|was|were))\b", re.I)
_ASKS = re.compile(r"\W*(?:what|who|whose|how|is|are|was|were|do|does|did|has|have|when|where|which)\b", re.I)
_MEASURED = re.compile(r"\b(?:enough|too|because|so (?:many|much|few|long|big|large|often|late|high|low))\b", re.I)
_AMOUNT = re.compile(r"\b(?:how much|how many|sum|total|share|surcharge|cost|owe[sd]?|bonus)\b", re.I)
_REFERS = re.compile(r"\b(?:it|its|they|them|their|that|those|these|this|each|she|her|he|him|his|both)\b", re.I)


class Lead(StrEnum):
    """Which source answers first: the other one is then asked with what it found."""

    DOCUMENTS = "DOCUMENTS"
    DATABASE = "DATABASE"
    NEITHER = "NEITHER"


@dataclass(frozen=True, slots=True)
class Plan:
    """rows is what the database is asked, rule what the documents are asked; both are the question or a part of it."""

    lead: Lead
    rows: str
    rule: str


def plan(question: str, names: Sequence[str] = ()) -> Plan:
    """Who leads, from the wording and from the stored names that the question speaks of.

    Parts that do not refer to one another are answered side by side. A question about what only the database can name
    starts there, and so does one about somebody by name that asks for no amount. Otherwise a rule of the documents
    says what to select.
    """
    asked = asked_part(question)
    split = _split(asked)
    if split:
        rows, rule = split
        return Plan(Lead.DATABASE if _REFERS.search(rule) else Lead.NEITHER, rows, rule)
    stands_for = _STANDS_FOR.search(asked)
    if stands_for and not _MEASURED.search(asked) and stands_for.start() > 0 and not _LISTED.match(asked):
        return Plan(Lead.DATABASE, question, question)
    if names and not _AMOUNT.search(asked):
        return Plan(Lead.DATABASE, question, question)
    return Plan(Lead.DOCUMENTS, question, question)


def names_in(question: str, found: Sequence[str]) -> list[str]:
    """Words by which stored values were found that are written as names; a capital that begins a question is none."""
    named = [words for words in found if words and all(word[:1].isupper() for word in words.split())]
    return list(dict.fromkeys(words for words in named if " " in words or not question.lstrip().startswith(words)))


def _split(asked: str) -> tuple[str, str] | None:
    """The clauses that ask for rows alone and those that ask for a rule, where each clause does one of them."""
    parts = clauses(asked)
    rows = [part for part in parts if is_of_rows(part) and not is_of_rules(part)]
    rules = [part for part in parts if part not in rows]
    if not rows or not rules or not _ASKS.match(rows[0]) or parts[0] not in rows:
        return None
    return f"{' and '.join(rows).rstrip('?. ')}?", f"{' and '.join(rules).rstrip('?. ')}?"
