"""Which part of a question for both sources each of them answers, and which has to answer first: by its wording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.domain.question_form import EXTREME, asked_part, clauses, is_of_rows, is_of_rules
from service.domain.schema_linking import stem

_VERB = (
    r"(?:be|is|are|was|were|been|must|may|can|could|should|would|will|do|does|did|has|have|had|keep|pay|get|take|hold|"
    r"wait|return|expect|need|want|receive|cost|when|if|to|in|on|at|for|from|by|and|or|as|than)\b"
)
_MORE = rf"(?:\s+(?!{_VERB})[\w-]+)"
_RELATIVE = re.compile(
    rf"\b(?:the|our)\s+(?P<what>(?:(?!(?:the|our)\b|{_VERB})[\w-]+\s+){{1,5}}?)(?:(?:be\s+)?\w+ed\s+)?(?P<by>(?:of|on|in|for|to|from|at|by|with)\s+)?"
    rf"(?P<that>that|who|whom|whose|which|where|with|having|we)\b"
    rf"(?P<how>[^,;?]*?\b(?:the\s+{EXTREME}(?:{_MORE}){{0,2}}|{EXTREME}(?:\s+(?:often|frequently|recently))?))(?!\w)",
    re.I,
)
_ATTRIBUTE = re.compile(
    rf"\b(?:the|our)\s+(?!(?:most|least)\s+(?:we|i|you|they|of)\b){EXTREME}(?:-\w+)?(?:{_MORE}){{1,5}}",
    re.I,
)
"""Names that only the database knows: "the genre that has sold best", "our dearest plan"."""
_NOTHING_ASKED = re.compile(r"\W*(?:\w+\W+){0,2}")
_AMOUNT_OF = re.compile(r"\w+\s+(?:most|least|fewest)\s+\w+", re.I)
"""Before the name, too few words to ask anything of it; and the most of something, which is no name."""
_OF = re.compile(r"\b(?:the|our)\s+(?:(?!of\b)[\w-]+\s+){1,3}?of\s+$", re.I)
_SUBJECT = re.compile(r"\s+(?:we|you|they|i|our|the|most|least)\b", re.I)
_SEVERAL = re.compile(r"\W*(?:which\s+(?:\w+\s+){0,2}?\w{2,}s\b|list|name|show|are there|how many)\b", re.I)
_LISTED = re.compile(r"\W*(?:which|list|name|show|are there|how many)\b", re.I)
_ASKS = re.compile(r"\W*(?:what|who|whose|how|is|are|was|were|do|does|did|has|have|when|where|which)\b", re.I)
_MEASURED = re.compile(r"\b(?:enough|too|because|so (?:many|much|few|long|big|large|often|late|high|low))\b", re.I)
_AMOUNT = re.compile(r"\b(?:how much|how many|sum|total|share|surcharge|cost|owe[sd]?|bonus)\b", re.I)
_THINGS = re.compile(
    r"\W*(?:(?:for|in|to|on|at|of|by|with|from)\s+)?(?:which|how many|list|name|show|are there|who\s+among)\s+"
    r"(?:(?:of|our|the|all|any|these|those)\s+)*(\w+)(?:\s+(\w+))?",
    re.I,
)
_REFERS = re.compile(r"\b(?:it|its|they|them|their|that|those|these|this|each|she|her|he|him|his|both)\b", re.I)


class Lead(StrEnum):
    """Which source answers first: the other one is then asked with what it found."""

    DOCUMENTS = "DOCUMENTS"
    DATABASE = "DATABASE"
    NEITHER = "NEITHER"


@dataclass(frozen=True, slots=True)
class Plan:
    """rows is what the database is asked, rule what the documents are asked; both are the question or a part of it.

    about is what only the database can name, in the question's words.
    """

    lead: Lead
    rows: str
    rule: str
    about: str = ""


def plan(question: str, names: Sequence[str] = ()) -> Plan:
    """Who leads, from the wording and from the stored names that the question speaks of.

    Parts that do not refer to one another are answered side by side. A question about what only the database can name
    starts there, and so does one about somebody by name that asks for no amount. Otherwise a rule of the documents
    says what to select.
    """
    asked = asked_part(question)
    split = _split(asked, names)
    if split:
        rows, rule = split
        return Plan(Lead.DATABASE if _REFERS.search(rule) else Lead.NEITHER, rows, rule)
    unnamed, about = _unnamed(question)
    if unnamed:
        return Plan(Lead.DATABASE, unnamed, question, about)
    if names and not _AMOUNT.search(asked) and not _SEVERAL.match(asked):
        return Plan(Lead.DATABASE, question, question)
    return Plan(Lead.DOCUMENTS, question, question)


def names_in(question: str, found: Sequence[str]) -> list[str]:
    """Words by which stored values were found that are written as names; a capital that begins a question is none."""
    named = [words for words in found if words and all(word[:1].isupper() for word in words.split())]
    return list(dict.fromkeys(words for words in named if " " in words or not question.lstrip().startswith(words)))


def things_asked(question: str) -> frozenset[str]:
    """Stems of the one or two words that say what is counted or listed: "Which of our old trucks …?"; may be empty."""
    found = _THINGS.match(asked_part(question))
    return frozenset(stem(word) for word in found.groups() if word) if found else frozenset()


def unnamed_in(question: str) -> str:
    """What only the database can name, as a question for it; empty when the question names all that it is about."""
    return _unnamed(question)[0]


def _unnamed(question: str) -> tuple[str, str]:
    """The question for the database, and the words that it asks to name."""
    asked = asked_part(question)
    if _MEASURED.search(asked) or _LISTED.match(asked):
        return "", ""
    relative, attribute = _RELATIVE.search(asked), _ATTRIBUTE.search(asked)
    name = relative or attribute
    if name is None or (attribute and not relative and _AMOUNT_OF.fullmatch(attribute[0])):
        return "", ""
    of = _OF.search(asked[: name.start()])
    if _NOTHING_ASKED.fullmatch(asked[: of.start() if of else name.start()]):
        return "", ""
    if relative:
        return _relative_question(relative), name[0]
    return (f"What is {of[0]}{name[0]}?", f"{of[0]}{name[0]}") if of else (f"Which is {name[0]}?", name[0])


def _relative_question(found: re.Match[str]) -> str:
    subject = found["that"].lower() in ("that", "who", "which") and not found["by"]
    if subject and not _SUBJECT.match(found["how"]):
        return f"Which {found['what'].strip()}{found['how']}?"
    return f"Which is the {found['what']}{found['by'] or ''}{found['that']}{found['how']}?"


def _split(asked: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The clauses that ask for rows alone and those that ask for a rule, where each clause does one of them.

    A name says nothing of that: "Standard rooms" speak of no standard.
    """
    parts = clauses(asked)
    rows = [part for part in parts if is_of_rows(part) and not is_of_rules(_without(part, names))]
    rules = [part for part in parts if part not in rows]
    if not rows or not rules or not _ASKS.match(rows[0]) or parts[0] not in rows:
        return None
    return f"{' and '.join(rows).rstrip('?. ')}?", f"{' and '.join(rules).rstrip('?. ')}?"


def _without(part: str, names: Sequence[str]) -> str:
    return re.sub("|".join(map(re.escape, names)), "", part) if names else part
