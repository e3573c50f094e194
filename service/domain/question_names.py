"""What a question calls by its name, which a passage that answers it is expected to name too."""

from __future__ import annotations

import re

from service.domain.terms import terms

_WORD = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
_APOSTROPHE = re.compile("['’]")
_SENTENCE_END = (".", "?", "!", ":")
_IDENTIFIER = re.compile(r"(?=.*\d)(?=.*[^\W\d_])|[a-z][A-Z]|[A-Z]{2}[a-z]{2}|_")
_QUANTITY = re.compile(r"\d+[a-z]{1,2}", re.I)
_DATES = frozenset(
    terms(
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
        "September October November December"
    )
)


def names(question: str) -> list[str]:
    """Identifiers (E5, RStudio, MAX_ROWS) and capitalised words inside a sentence, but for days and months.

    Words in capitals alone are none: TV and PC are said in other words as often as not. Neither is a number with its
    unit or ending.
    """
    found: list[str] = []
    for match in _WORD.finditer(question):
        word, before = match.group(), question[: match.start()].rstrip()
        inside = bool(before) and not before.endswith(_SENTENCE_END)
        stem = _APOSTROPHE.split(word)[0]
        named = inside and stem[0].isupper() and stem[1:].islower()
        if (named or _IDENTIFIER.search(word)) and not _QUANTITY.fullmatch(word) and not _DATES.issuperset(terms(word)):
            found.append(word)
    return found


def unnamed(question: str, text: str) -> list[str]:
    """The names of a question that a text does not have, in any case, stem or spelling with or without hyphens."""
    asked = names(question)
    if not asked:
        return []
    held, joined = set(terms(text)), text.casefold().replace("-", "")
    return [
        name for name in asked if not held.issuperset(terms(name)) and name.casefold().replace("-", "") not in joined
    ]
