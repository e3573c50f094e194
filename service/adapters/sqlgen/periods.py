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


def periods_of(question: str, columns: Sequence[str]) -> list[str]:
    """Texts such as "2023 is T.Day >= '2023-01-01' AND T.Day < '2024-01-01'", one a period and date column."""
    found: list[str] = []
    for match in _PERIOD.finditer(question):
        start, end = _bounds(match)
        found.extend(f"{match[0]} is {name} >= '{start}' AND {name} < '{end}'" for name in columns)
    return list(dict.fromkeys(found))


def _bounds(match: re.Match[str]) -> tuple[dt.date, dt.date]:
    if match["month"]:
        first = next(i for i, name in enumerate(_MONTHS, 1) if name[:3] == match["month"][:3].lower())
        months = 1
    elif match["quarter"]:
        first, months = int(match["quarter"]) * 3 - 2, 3
    else:
        first, months = 1, 12
    year = int(match["year"])
    return dt.date(year, first, 1), dt.date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
