"""Whether a question asks for an amount, and whether a text holds one: what has none cannot be the answer."""

from __future__ import annotations

import re

_ASKED = re.compile(
    r"\bhow (?:much|many)\b"
    r"|\bhow (?:old|tall|heavy|wide|deep|thick|hot|cold) (?:is|are|was|were|must|may|can|should|will|do|does|did)\b"
    r"|\bwhat (?:do|does|did|will|would|must|should) \S+(?: \S+){0,6}? (?:pay|cost|owe|charge)\b"
    r"|\bwhat (?:is|are|was|were) the (?:\w+ )?(?:price|cost|fee|fine|charge|rent|deposit)\b",
    re.I,
)
_AMOUNT = re.compile(
    r"\d|\b(?:zero|no|none|nothing|free|gratis|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?|hundreds?|thousands?"
    r"|millions?|billions?|dozens?|half|halves|thirds?|quarters?|fifth|sixth|tenth|once|twice|single|double|triple|pair"
    r"|each|every|all|both|any|several|few|many|unlimited)\b",
    re.I,
)


def asks_amount(question: str) -> bool:
    """Whether a number, a price or a count is asked for, in English."""
    return bool(_ASKED.search(question))


def has_amount(text: str) -> bool:
    """Whether a text has a figure or a word that stands for an amount, "free" and "none" included."""
    return bool(_AMOUNT.search(text))
