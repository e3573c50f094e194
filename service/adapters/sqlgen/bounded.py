"""A question that leaves its measure to a rule, with the rule's bound put in its place; no model is asked.

"Which orders are large enough to be checked?" and "Orders above $500 are checked" give "Which orders are above $500?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.domain.rules import numbers_in
from service.domain.stated_bounds import stated_bounds
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
_OVER = r"more than|over|above|at least|(?:larg|great|high|long|old|heavi|bigg)er than"
_UNDER = "less than|fewer than|below|under|at most"
_COMPARED = re.compile(rf"\b(?<!no )(?<!not )(?P<words>(?P<over>{_OVER})|{_UNDER})\s+(?P<number>{_NUMBER})", re.I)
_AT = re.compile(rf"\bat:?\s+({_NUMBER})(?!\s?%)", re.I)
_FURTHER = re.compile(r",?\s+(?:and|but)\s+(?=(?:have|has|had|are|is|was|were|need|must|will|can|cannot|get|pay|do)\b)")
_CAPITAL = re.compile(r"\b[A-Z]\w|\b(?:19|20)\d\d\b")
_CLAUSE = re.compile(r"(?:[,;:]|\bor\b|\band\b)")


def bounded_question(question: str, rule: str) -> str:
    """Empty where the question leaves nothing open, or the rule has no bound."""
    text = question.strip().rstrip("?. ")
    open_part = _OPEN.search(text)
    bound = _bound(rule, terms(question)) if open_part else ""
    if not open_part or not bound:
        return ""
    return f"{text[: open_part.start()]} {_beyond(bound, open_part[0])}?"


def as_the_rule_bounds(question: str, rule: str) -> str:
    """The question with the rule's own comparison where it compares with the same number in the same direction.

    Ten or more is not over ten; what happens "at 900 hours" happens from then on.
    """
    said = _COMPARED.search(question)
    if not said or len(numbers := numbers_in(said["number"])) != 1:
        return question
    number = numbers.pop()
    bound, over = stated_bounds(rule).get(number), bool(said["over"])
    at = over and any(numbers_in(found) == {number} for found in _AT.findall(rule))
    if bound is None and not at:
        return question
    inclusive = at if bound is None else bound.inclusive
    if (bound and bound.above not in (None, over)) or inclusive is said["words"].lower().startswith("at "):
        return question
    wording = {(True, True): "at least", (True, False): "more than", (False, True): "at most", (False, False): "below"}
    return f"{question[: said.start()]}{wording[over, inclusive]} {said['number'].strip()}{question[said.end() :]}"


def without_outcome(question: str, rule: str) -> str:
    """The question without what follows from the rule: clauses after the bound that hold no other bound of it."""
    first, *others = _FURTHER.split(question)
    if not numbers_in(first) & numbers_in(rule):
        return question
    bounds = [numbers_in(bound) for bound in _BOUND.findall(rule)]
    kept = [part for part in others if any(bound & numbers_in(part) for bound in bounds) or _CAPITAL.search(part)]
    return " and ".join([first, *kept])


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
