"""Which columns may be sampled, and an index of stored values to find the ones that a question names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from service.domain.sql import ValueMatch

MAX_SAMPLED = 200
MAX_SAMPLE_LENGTH = 60
MAX_INDEXED = 200_000
MAX_INDEXED_PER_COLUMN = 50_000
_MAX_RUN = 6
_MAX_MATCHES = 20
_MAX_PER_RUN = 6
_MAX_PART_VALUES = 4
_FEW = 200
_MAX_CODE = 3
_GENERIC = 2

_SECRET = re.compile(
    r"e_?mail|phone|mobile|(^|_)fax|address|street|passw|secret|token|api_?key|ssn|social_?security|iban|"
    r"credit_?card|card_?(no|num)|cvv|passport|tax_?id|birth|salt|hash|postal|zip"
)
_NAME = re.compile(r"(first|last|full|middle|given|family|sur|user|maiden|nick|contact)_?name|surname|(^|_)login")
# Words with a capital letter that name no stored thing.
_CALENDAR = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday".split()
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Privacy:
    """Whose stored values may be read ahead of a question. hidden are patterns of column or table.column, with *."""

    hidden: tuple[str, ...] = ()

    def may_search(self, table: str, column: str) -> bool:
        """Whether what an asker types may be looked up: not in contact data, credentials and hidden columns."""
        names = (column.lower(), f"{table}.{column}".lower(), f"{table.rpartition('.')[2]}.{column}".lower())
        hidden = any(fnmatchcase(name, pattern.lower()) for pattern in self.hidden for name in names)
        return not hidden and not _SECRET.search(_snake(column))

    def may_sample(self, table: str, column: str) -> bool:
        """Whether values may be shown to a model: names of people are not, though they may be searched."""
        return self.may_search(table, column) and not _NAME.search(_snake(column))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def fold(text: str) -> str:
    """Lower case without accents, words joined by one space."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(_WORD.findall(plain.replace("'s ", " ").replace("’s ", " ")))


@dataclass(slots=True)
class ValueIndex:
    """Stored texts by their folded words. Add columns, then find; it does not change after that."""

    whole: dict[str, list[ValueMatch]] = field(default_factory=dict[str, list[ValueMatch]])
    parts: dict[str, list[ValueMatch]] = field(default_factory=dict[str, list[ValueMatch]])
    few: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    size: int = 0

    def add_column(self, table: str, column: str, values: Iterable[str]) -> None:
        """Index a column's distinct values until the index is full."""
        count = 0
        for value in values:
            key = fold(value)
            if not key or self.size >= MAX_INDEXED:
                continue
            match = ValueMatch(table, column, value)
            self.whole.setdefault(key, []).append(match)
            words = key.split()
            if 2 <= len(words) <= 4:
                for word in words:
                    if len(word) >= 4:
                        self.parts.setdefault(word, []).append(match)
            count += 1
            self.size += 1
        if count <= _FEW:
            self.few.add((table, column))

    def find(self, words: Sequence[str]) -> list[ValueMatch]:
        """Matches of the longest runs first. A word that is part of a longer match is not matched again."""
        folded = [fold(f"{word} ") for word in words]
        taken: set[int] = set()
        found: list[ValueMatch] = []
        for length in range(min(_MAX_RUN, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                run = range(start, start + length)
                if taken.isdisjoint(run):
                    matches = self._matches(words, folded, run)
                    if matches:
                        taken.update(run)
                        found.extend(matches[:_MAX_PER_RUN])
        return found[:_MAX_MATCHES]

    def _is_generic(self, word: str, match: ValueMatch) -> bool:
        """Whether a word is part of so many values of a column that it names none of them."""
        column = (match.table, match.column)
        return sum((m.table, m.column) == column for m in self.parts.get(word, [])) >= _GENERIC

    def _matches(self, words: Sequence[str], folded: list[str], run: range) -> list[ValueMatch]:
        key = " ".join(folded[i] for i in run if folded[i])
        if not key:
            return []
        shown = " ".join(words[i] for i in run)
        # The first word of a sentence is a capital letter for no reason.
        named = any(words[i][:1].isupper() and i > 0 for i in run) or any(c.isdigit() for c in key)
        # Codes such as state abbreviations are also ordinary words unless they are written as stored.
        matches = [m for m in self.whole.get(key, []) if len(m.value) > _MAX_CODE or m.value == shown]
        if not named:
            matches = [m for m in matches if (m.table, m.column) in self.few or len(run) > 2]
            matches = [m for m in matches if len(run) > 1 or not self._is_generic(key, m)]
        if not matches and len(run) == 1 and named and key not in _CALENDAR:
            parts = self.parts.get(key, [])
            shortest = min((len(m.value.split()) for m in parts), default=0)
            parts = [m for m in parts if len(m.value.split()) == shortest]
            matches = parts if len({m.value for m in parts}) <= _MAX_PART_VALUES else []
        return [ValueMatch(m.table, m.column, m.value, shown) for m in matches]
