"""A question that leaves its measure to a rule, with the rule's bound put in its place; no model is asked.

"Which orders are large enough to be checked?" and "Orders above $500 are checked" give "Which orders are above $500?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.domain.terms import terms

_WORDS = "once|twice|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty"
_NUMBER = rf"(?:[$€£]\s?)?(?:\d[\d,.]*\d|\d|(?:{_WORDS})\b)(?:\s?%)?"
_UNIT = r"(?:\s+(?!and\b|or\b|is\b|are\b|in\b|of\b|a\b|may\b|must\b|cannot\b|with\b|we\b)[a-z]+)?"
_BOUND = re.compile(
    rf"\b(?:(?:above|over|more than|below|under|less than|fewer than|at least|at most|up to|longer than|larger than|"
    rf"older than|heavier than|no more than|before)\s+{_NUMBER}{_UNIT}"
    rf"|{_NUMBER}{_UNIT}\s+(?:or|and)\s+(?:more|less|fewer|older|up|above|over)(?:{_UNIT}))",
    re.I,
)
_OPEN = re.compile(
    r"(?:(?<=\bhave)|(?<=\bhas)|(?<=\bhad)|(?<=\bspent)|(?<=\bsold)|(?<=\bpaid)|(?<=\bused))\s+enough\b.*$"
    r"|\s+(?:so|too)\s+\w+\b.*$|\s+(?!(?:have|has|had|spent|sold|paid|used?)\b)\w+\s+enough\b.*$",
    re.I | re.DOTALL,
)
_TOO_LITTLE = re.compile(r"\s+too\s+(?:small|few|little|low|light|young|short|new|early)\b", re.I)
_TOO_MUCH = re.compile(r"\s+too\s+(?!small|few|little|low|light|young|short|new|early)", re.I)
_AT_LEAST = re.compile(r"\bat least\b|\bor (?:more|older|above|over)\b|\band (?:up|above|more)\b", re.I)
_AT_MOST = re.compile(r"\bat most\b|\bup to\b|\bno more\b|\bor (?:less|fewer)\b", re.I)
_CLAUSE = re.compile(r"(?:[,;:]|\bor\b|\band\b)")


def bounded_question(question: str, rule: str) -> str:
    """Empty where the question leaves nothing open, or the rule has no bound."""
    text = question.strip().rstrip("?. ")
    open_part = _OPEN.search(text)
    bound = _bound(rule, terms(question)) if open_part else ""
    if not open_part or not bound:
        return ""
    return f"{text[: open_part.start()]} {_beyond(bound, open_part[0])}?"


def _beyond(bound: str, open_part: str) -> str:
    """The bound, or what is beyond it where too little or too much is asked for and the rule says what is allowed."""
    measure = re.search(rf"{_NUMBER}{_UNIT}", bound, re.I)
    if measure and _TOO_LITTLE.match(open_part) and _AT_LEAST.search(bound):
        return f"fewer than {measure[0]}"
    if measure and _TOO_MUCH.match(open_part) and _AT_MOST.search(bound):
        return f"more than {measure[0]}"
    return bound


def _bound(rule: str, asked: Sequence[str]) -> str:
    """The bound whose surroundings share the most words with the question, the first of those alike."""
    found = list(_BOUND.finditer(rule))
    if not found:
        return ""
    ends = [match.start() for match in _CLAUSE.finditer(rule)]

    def shared(match: re.Match[str]) -> int:
        begin = max((end for end in ends if end < match.start()), default=0)
        return len(set(terms(rule[begin : match.end()])) & set(asked))

    return max(found, key=shared)[0]
