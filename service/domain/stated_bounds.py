"""How a text compares with its numbers: "10 or more" holds 10 itself, "more than 10" does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.rules import WORD_NUMBERS, numbers_in

_NUMBER = rf"(?:[$€£]\s?)?(?P<n>\d[\d,.]*\d|\d|(?:{'|'.join(WORD_NUMBERS)})\b)"
_NOT = r"(?P<not>(?:\bnot?|\bnever|n't)\s+(?:(?:be|been|is|are|was|were)\s+)?)?"
_UNIT = r"(?:\s?%|\s+(?!and\b|or\b|to\b|in\b|of\b|is\b|are\b|for\b)[a-z]+\b)?"
_MORE = r"(?:or|and) (?:more|above|over|up(?:wards)?|later|greater)\b(?!\s+(?:than\b|[$€£]?\d))|\+"
_SMALLER = r"less|fewer|\w*(?:short|small|light|young|low|cheap|few|earl[iy]|soon|new|narrow)er"


def _before(words: str) -> re.Pattern[str]:
    return re.compile(rf"{_NOT}\b(?:{words})\s+{_NUMBER}(?![\w/:-]|\s?(?:st|nd|rd|th)\b)", re.I)


def _behind(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<not>(?!))?(?<![\w.,/:-]){_NUMBER}{_UNIT}\s*(?:{words})", re.I)


@dataclass(frozen=True, slots=True)
class Bound:
    """Whether a bound holds the number itself, and whether it holds what is above; None where the wording leaves it."""

    inclusive: bool
    above: bool | None


_WORDINGS = (
    (_before("more than|above|over|in excess of|beyond|after|exceed(?:s|ed|ing)?"), Bound(False, True)),
    (_before(rf"(?:{_SMALLER}) than|below|under|before"), Bound(False, False)),
    (_before(rf"(?!(?:rather|other|more|{_SMALLER}) than)\w+er than"), Bound(False, None)),
    (_before("at least|a minimum of|since|(?:more|greater|larger) than or equal to"), Bound(True, True)),
    (_before("at most|up to|a maximum of|(?:less|fewer|smaller) than or equal to"), Bound(True, False)),
    (
        _behind(r"(?:or|and) (?:more|above|over|up(?:wards)?|later|greater)\b(?!\s+(?:than\b|[$€£]?\d))|\+"),
        Bound(True, True),
    ),
    (re.compile(rf"(?P<not>(?!))?\bfrom\s(?:\w+\s)?{_NUMBER}{_UNIT}\s+on(?:wards)?\b", re.I), Bound(True, True)),
    (_behind(r"or (?:less|fewer|below|under|earlier)\b"), Bound(True, False)),
    (_behind(r"or (?!over|under)\w+er\b"), Bound(True, None)),
)


def stated_bounds(text: str) -> Mapping[float, Bound]:
    """The bound of each number of a text that is worded as one, in digits or in words up to twelve.

    A number that is worded in several ways is left out. "Not more than ten" is at most ten.
    """
    found: dict[float, set[Bound]] = {}
    for wording, bound in _WORDINGS:
        for match in wording.finditer(text):
            meant = _refused(bound) if match["not"] else bound
            for number in numbers_in(match["n"]):
                found.setdefault(number, set()).add(meant)
    bounds = {number: _agreed(several) for number, several in found.items()}
    return {number: bound for number, bound in bounds.items() if bound}


def _agreed(bounds: set[Bound]) -> Bound | None:
    inclusive, above = ({bound.inclusive for bound in bounds}, {bound.above for bound in bounds} - {None})
    return Bound(inclusive.pop(), above.pop() if above else None) if len(inclusive) == 1 >= len(above) else None


def _refused(bound: Bound) -> Bound:
    return Bound(not bound.inclusive, None if bound.above is None else not bound.above)
