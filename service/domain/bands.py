"""Bands of numbers as rules write them: "above $15.00", "$5.01 to $15.00", "up to 20", "$45.00 or more"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from service.domain.stated_numbers import Stated, stated_numbers

_OVER = re.compile(r"\b(?:above|over|more than|larger than|longer than|beyond|exceed\w*)\b|>(?!=)", re.I)
_FROM = re.compile(r"\b(?:at least|from|or more|and more|or above|and above|and up|or over|minimum)\b|\+|>=|≥", re.I)
_UNDER = re.compile(r"\b(?:below|under|less than|fewer than|shorter than)\b|<(?!=)", re.I)
_UP_TO = re.compile(r"\b(?:up to|at most|or less|or fewer|no more than|not more than|maximum)\b|<=|≤", re.I)
_BETWEEN = re.compile(r"\d[\s\w%]*?(?:\bto\b|\band\b|–|-)\s*[^\d\s]?\s*\d", re.I)


@dataclass(frozen=True, slots=True)
class Band:
    """Numbers between two bounds; None is no bound. An open bound is not in the band itself."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: Decimal) -> bool:
        """Whether a number lies within."""
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below


def band_of(text: str) -> Band | None:
    """The band that a table cell or a phrase states, None where it states none or more than one."""
    numbers: Sequence[Stated] = list(stated_numbers(text))
    values = [number.value for number in numbers]
    if len(values) == 2 and values[0] < values[1] and _BETWEEN.search(text):
        return Band(values[0], values[1])
    if len(values) != 1:
        return None
    for pattern, band in (
        (_UP_TO, Band(None, values[0])),
        (_UNDER, Band(None, values[0], high_open=True)),
        (_FROM, Band(values[0], None)),
        (_OVER, Band(values[0], None, low_open=True)),
    ):
        if pattern.search(text):
            return band
    return None
