"""Whether a statement or a question applies a rule: holds a threshold, a rate or a name that only the rule gave it."""

from __future__ import annotations

import re

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"(?<=[a-z,;:] )[A-Z]\w+")
TEXT_LITERAL = re.compile(r"'((?:[^']|'')+)'")
WORD_NUMBERS = {
    word: str(value)
    for value, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"once": "1", "twice": "2", "thrice": "3"}
SMALLER_UNITS = (7, 24, 30, 60, 100, 365, 1000, 3600, 60_000, 3_600_000)
"""What a number is multiplied by where a column counts in a smaller unit."""
_COUNTS = re.compile(
    r"\d|\b(?:once|twice|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:twen|thir|for|fif|six)ty)\b",
    re.I,
)
_COMPARES = re.compile(
    r"\b(?:more|less|fewer|above|below|over|under|at least|at most|up to|no|not|only|than|before|after|until|within|"
    r"longer|heavier|older|beyond|exceed\w*|limit|from)\b",
    re.I,
)

_OPEN = re.compile(r"\benough\b|\btoo\s+(?!\b(?:be|is|are|and|or)\b)\w+|\bso\s+\w+(?:\s+\w+){0,3}\s+that\b", re.I)


def selects(text: str) -> tuple[bool, bool]:
    """Whether a text has a number and whether it compares: most rules that say what to select do both."""
    return bool(_COUNTS.search(text)), bool(_COMPARES.search(text))


def statement_applies(sql: str, rule: str, question: str) -> bool:
    """Whether a number or a text of the statement stands in the rule and not in the question.

    A percentage counts as its fraction as well: 11.5 % is 0.115, and a tenth on top is 1.1. So does a number in a
    smaller unit: 22 tonnes are 22000.
    """
    if applies_number(sql, rule, question):
        return True
    texts = {text.replace("''", "'").strip("%") for text in TEXT_LITERAL.findall(sql)}
    return any(_stands_in(text, rule) and not _stands_in(text, question) for text in texts)


def applies_number(sql: str, rule: str, question: str) -> bool:
    """Whether a number of the statement stands in the rule and not in the question."""
    given = numbers_in(rule) - numbers_in(question)
    scaled = given | {round(n / 100, 6) for n in given} | {round(1 + n / 100, 6) for n in given}
    scaled |= {n * unit for n in given for unit in SMALLER_UNITS}
    return bool(numbers_in(TEXT_LITERAL.sub("", sql)) & (scaled - {1.0, 0.0, 0.01}))


def leaves_measure_open(question: str) -> bool:
    """Whether a number is missing that a rule has to give: "old enough", "too heavy", "so late that"."""
    return bool(_OPEN.search(question))


def _stands_in(text: str, where: str) -> bool:
    """A code of two letters, such as CE, only as it is written."""
    if len(text) == 2 and text.isupper():
        return re.search(rf"\b{text}\b", where) is not None
    return len(text) > 2 and text.casefold() in where.casefold()


def question_applies(restated: str, rule: str, question: str) -> bool:
    """Whether a restated question has a number or a name of the rule that the question does not have."""
    if numbers_in(restated) & (numbers_in(rule) - numbers_in(question)):
        return True
    names = set(NAME.findall(rule)) & set(NAME.findall(restated)) - set(NAME.findall(question))
    return bool(names)


def numbers_in(text: str) -> set[float]:
    """The numbers of a text, in digits or in words up to twelve."""
    words = re.sub(r"[a-z]+", lambda found: WORD_NUMBERS.get(found[0], found[0]), text.lower())
    return {round(float(number.replace(",", "")), 6) for number in NUMBER.findall(words) if _is_number(number)}


def _is_number(text: str) -> bool:
    return text.replace(",", "").count(".") <= 1
