"""Which clause of a rule a question asks about, where several have numbers of their own."""

from __future__ import annotations

import re
from collections import Counter

from service.domain.rules import numbers_in, statement_applies
from service.domain.schema_linking import stems_of

_ENDS = re.compile(
    r"(?:[;:,]|(?<!\d)\.|\.(?!\d))(?!\d)\s*|\n|"
    r"\s+(?:and|but|or)\s+(?=(?:an?|the|with|from|above|below|over|under|after)\b)"
)
_BEYOND_IT = re.compile(
    r"\b(?P<words>above|over|below|under|beyond|(?:more|less|longer|fewer) than)\s+(?:that|this)(?=[\s,.;]|$)", re.I
)
_AMOUNT = re.compile(r"(?:[$€£]\s?)?\d[\d.,]*(?<=\d)(?:\s?%|\s(?:km|kg|g|litres?|hours?|days?|pages?)\b)?")
_ENDS_IN_AMOUNT = re.compile(rf"(?:{_AMOUNT.pattern})$")


def spelled_out(rule: str) -> str:
    """The rule with the number that "above that" means in its place."""

    def amount(found: re.Match[str]) -> str:
        before = _AMOUNT.findall(rule[: found.start()])
        return f"{found['words']} {before[-1]}" if before else found[0]

    return _BEYOND_IT.sub(amount, rule)


def asked_clause(question: str, rule: str) -> str:
    """The clause with a number that the question asks about, by the words that it shares with no other clause.

    What the question names may have its number in another clause: "gold card holders are fetched" and "with 25 stays a
    gold card". Empty where there is one number alone, or where no clause stands out.
    """
    clauses = _clauses(spelled_out(rule))
    numbered = [clause for clause in clauses if numbers_in(clause)]
    if len(numbered) < 2:
        return ""
    asked = stems_of(question)
    found = _nearest(asked, clauses, clauses)
    if not found or numbers_in(found):
        return found
    return _nearest(stems_of(found) - asked, numbered, clauses)


def applies_another(sql: str, question: str, rule: str) -> bool:
    """Whether a statement has the number of another clause than the one that the question asks about."""
    clause = asked_clause(question, rule)
    return bool(clause) and statement_applies(sql, rule, question) and not statement_applies(sql, clause, question)


def _clauses(rule: str) -> list[str]:
    """Those that follow one another with the same numbers are one: "up to $90 the clerk, above $90 the manager".

    What follows the second of two bounds is said of both: "a cat above 5.5 kg or a rabbit above 3 kg is weighed".
    """
    found: list[str] = []
    for clause in (part.strip() for part in _ENDS.split(rule) if part and part.strip()):
        numbers = numbers_in(clause)
        if found and numbers and numbers == numbers_in(found[-1]):
            found[-1] += f", {clause}"
            continue
        amounts = list(_AMOUNT.finditer(clause))
        if found and len(amounts) == 1 and _ENDS_IN_AMOUNT.search(found[-1]):
            found[-1] += clause[amounts[0].end() :]
        found.append(clause)
    return found


def _nearest(words: set[str], among: list[str], clauses: list[str]) -> str:
    """The one that shares the most words, those that few clauses have counting most; empty where two share as much."""
    common = Counter(word for clause in clauses for word in stems_of(clause))
    scores = {clause: sum(1 / common[word] for word in words.intersection(stems_of(clause))) for clause in among}
    best = max(scores.values(), default=0)
    first = [clause for clause, score in scores.items() if score == best]
    return first[0] if best and len(first) == 1 else ""
