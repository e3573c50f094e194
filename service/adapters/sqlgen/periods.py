"""Years, quarters and months that a question names, as half-open ranges of dates."""

from __future__ import annotations

import datetime as dt
import re

_MONTHS = "january february march april may june july august september october november december".split()
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_PERIOD = re.compile(
    rf"\b(?:(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(m[:3] for m in _MONTHS)})\b\.?),?\s+(?:of\s+)?"
    rf"|(?:q|quarter\s+)(?P<quarter>[1-4])\s+(?:of\s+)?)?{_YEAR}",
    re.IGNORECASE,
)


def periods_of(question: str) -> list[str]:
    """One text a period, such as "2023 is d >= '2023-01-01' AND d < '2024-01-01'", in order, each once."""
    found: list[str] = []
    for match in _PERIOD.finditer(question):
        year = int(match["year"])
        if match["month"]:
            first = next(i for i, name in enumerate(_MONTHS, 1) if name[:3] == match["month"][:3].lower())
            months = 1
        elif match["quarter"]:
            first, months = int(match["quarter"]) * 3 - 2, 3
        else:
            first, months = 1, 12
        start = dt.date(year, first, 1)
        end = dt.date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
        found.append(f"{match[0]} is d >= '{start}' AND d < '{end}'")
    return list(dict.fromkeys(found))
