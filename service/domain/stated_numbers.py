"""Which numbers of a text do not stand in a table: what is said about rows must be what the rows say."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from service.domain.tables import CellValue, Table

_SPACES = "\u00a0\u2009\u202f"
_DIGITS = re.compile(
    rf"(?P<sign>(?<![\w.)])[-\u2212+])?"
    rf"(?P<number>\d{{1,3}}(?:[,{_SPACES}']\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<exponent>[eE][+-]?\d{{1,3}}(?!\w))?"
    rf"[ {_SPACES}]?(?P<scale>%|percent\b|thousand\b|million\b|billion\b|trillion\b|[kKMBT]n?\b)?"
)
_SCALES = {
    "k": 3, "K": 3, "thousand": 3, "M": 6, "Mn": 6, "million": 6, "B": 9, "Bn": 9, "billion": 9, "T": 12,
    "trillion": 12,
}  # fmt: skip
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_LARGE = {"hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PLURAL = {f"{word}s": value for word, value in _LARGE.items()}
_WORD = "|".join(sorted([*_SMALL, *_LARGE, *_PLURAL], key=len, reverse=True))
_WORDS = re.compile(rf"\b(?:{_WORD})(?:(?:[ -]|\s+and\s+)(?:{_WORD}))*\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:no|any|every|each|some|the|this|that|which|only)\s+$", re.IGNORECASE)
_MARKER = re.compile(r"^\s*(\d{1,3})[.)]\s", re.MULTILINE)
_EXACT = decimal.Context(prec=200)


@dataclass(frozen=True, slots=True)
class Stated:
    """A number as it is written: its value, half a unit of its last place shown, and whether it is a percentage."""

    text: str
    value: Decimal
    tolerance: Decimal
    percent: bool = False

    def stands_for(self, cell: CellValue) -> bool:
        """Whether it is this number, rounded to the places shown, or the percentage that this number is."""
        if isinstance(cell, bool) or not isinstance(cell, (int, float, Decimal)):
            return False
        exact = Decimal(str(cell))
        return exact.is_finite() and (self._is_near(exact) or (self.percent and self._is_near(exact.scaleb(2, _EXACT))))

    def _is_near(self, value: Decimal) -> bool:
        return abs(_EXACT.subtract(value, self.value)) <= self.tolerance


def unsupported_numbers(text: str, table: Table) -> list[str]:
    """The numbers of text, as written, that are neither a cell of the table nor the count of its rows.

    A number stands for a cell that it is when the cell is rounded to the places shown; a percentage also for one that
    holds its fraction. The digits of a text or a date are numbers of the table as well. Words count as their numbers.
    """
    known = _Known(table)
    return [
        number.text for number in stated_numbers(_without_markers(text, len(table.rows))) if not known.holds(number)
    ]


def stated_numbers(text: str) -> Iterator[Stated]:
    """Every number of a text, in digits, in words or as a single character such as ½."""
    for found in _DIGITS.finditer(text):
        yield _in_digits(found)
    # A scale that follows digits belongs to them.
    text = _DIGITS.sub(lambda found: "0" * len(found[0]), text)
    for found in _WORDS.finditer(text):
        lone = found[0].lower() == "one" and (_PRONOUN.search(text[: found.start()]) or _is_of(text[found.end() :]))
        if not lone:
            yield Stated(found[0], Decimal(_in_words(found[0])), Decimal(0))
    for character in text:
        if unicodedata.category(character) in ("No", "Nl"):
            yield Stated(character, Decimal(str(unicodedata.numeric(character))), Decimal(0))


class _Known:
    """The numbers of a table: of cells that are numbers, which may be rounded, and of texts, which may not."""

    def __init__(self, table: Table) -> None:
        cells = [cell for row in table.rows for cell in row]
        self.measured = [cell for cell in cells if isinstance(cell, (int, float, Decimal))]
        self.written = {number.value for cell in cells for number in stated_numbers(_written(cell))}
        if not table.truncated:
            self.written.add(Decimal(len(table.rows)))

    def holds(self, number: Stated) -> bool:
        """Whether the number stands for one of these."""
        return number.value in self.written or any(number.stands_for(cell) for cell in self.measured)


def _written(cell: CellValue) -> str:
    """The text of a cell that is a text or a time."""
    if isinstance(cell, dt.date):
        return cell.isoformat().replace("-", " ").replace("T", " ").replace(":", " ")
    return cell if isinstance(cell, str) else ""


def _in_digits(found: re.Match[str]) -> Stated:
    digits = re.sub(rf"[,{_SPACES}']", "", found["number"])
    scale = found["scale"] or ""
    power = int((found["exponent"] or "e0")[1:]) + _SCALES.get(scale, 0)
    sign = "-" if found["sign"] in ("-", "\u2212") else ""
    half = Decimal(5).scaleb(-len(digits.partition(".")[2]) - 1 + power, _EXACT)
    return Stated(found[0].strip(), Decimal(sign + digits).scaleb(power, _EXACT), half, scale in ("%", "percent"))


def _in_words(words: str) -> int:
    """The value of a number in words, such as two hundred and five."""
    total = current = 0
    for word in re.split(r"[^a-z]+", words.lower()):
        if word in _SMALL:
            current += _SMALL[word]
        elif word in _LARGE or word in _PLURAL:
            factor = (_LARGE | _PLURAL)[word]
            current = max(current, 1) * factor
            if factor >= 1000:
                total, current = total + current, 0
    return total + current


def _is_of(after: str) -> bool:
    return bool(re.match(r"\s+(?:of|another|or more)\b", after, re.IGNORECASE))


def _without_markers(text: str, rows: int) -> str:
    """The text without the numbers of its list items, as far as there are so many rows."""
    return _MARKER.sub(lambda found: " " if int(found[1]) <= rows else found[0], text)
