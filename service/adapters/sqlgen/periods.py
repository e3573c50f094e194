"""Years, quarters and months that a question names, as half-open ranges of dates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

_MONTHS = "january february march april may june july august september october november december".split()
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_PERIOD = re.compile(
    rf"\b(?:(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(m[:3] for m in _MONTHS)})\b\.?),?\s+(?:of\s+)?"
    rf"|(?:q|quarter\s+)(?P<quarter>[1-4])\s+(?:of\s+)?)?{_YEAR}",
    re.IGNORECASE,
)


_DAY = re.compile(
    rf"\b(?:(?P<iso>(?:19|20)\d\d-\d\d-\d\d)|(?:(?P<before>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?)?"
    rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(m[:3] for m in _MONTHS)})\b\.?)\s*"
    rf"(?P<after>\d\d?)?(?:st|nd|rd|th)?,?\s+"
    rf"(?P<year>(?:19|20)\d\d))\b",
    re.IGNORECASE,
)


def days_of(question: str) -> dict[str, dt.date]:
    """The single days that a question names, by their text."""
    found: dict[str, dt.date] = {}
    for match in _DAY.finditer(question):
        number = match["before"] or match["after"]
        try:
            if match["iso"]:
                found[match[0]] = dt.date.fromisoformat(match["iso"])
            elif number:
                found[match[0]] = dt.date(int(match["year"]), _month(match["month"]), int(number))
        except ValueError:
            continue
    return found


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month[:3] == name[:3].lower())


def periods_of(question: str, columns: Sequence[str]) -> list[str]:
    """Texts such as "2023 is T.Day >= '2023-01-01' AND T.Day < '2024-01-01'", one a period and date column."""
    days = days_of(question)
    found = [f"{text} is '{day}'" for text, day in days.items() if text != str(day)]
    for text in days:
        question = question.replace(text, " ")
    for match in _PERIOD.finditer(question):
        start, end = _bounds(match)
        found.extend(f"{match[0]} is {name} >= '{start}' AND {name} < '{end}'" for name in columns)
    return list(dict.fromkeys(found))


def _bounds(match: re.Match[str]) -> tuple[dt.date, dt.date]:
    if match["month"]:
        first, months = _month(match["month"]), 1
    elif match["quarter"]:
        first, months = int(match["quarter"]) * 3 - 2, 3
    else:
        first, months = 1, 12
    year = int(match["year"])
    return dt.date(year, first, 1), dt.date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
