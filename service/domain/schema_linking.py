"""Which tables and columns a question speaks of, by names and by stored values."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from service.domain.schema_memo import once_per_schema
from service.domain.sql import Schema, SchemaTable, ValueMatch

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_STOP = frozenset(
    "a an and are as at be been by did do does for from had has have how in is it its many me most much my of on or "
    "our ours so that the their them there they this to us was we were what when where which who whose why will with "
    "would you your than then more less each all any every if not no out get got id name number date type".split()
)


@dataclass(frozen=True, slots=True)
class Links:
    """tables and columns ("Table.Column") that share a word or a value with the question, and the values found."""

    tables: frozenset[str]
    columns: frozenset[str]
    values: tuple[ValueMatch, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in order, without the possessive 's."""
    return [re.sub(r"['’]s$", "", word) for word in _WORD.findall(text)]


_SHORT = 3


def with_singulars(words: Sequence[str]) -> list[str]:
    """The words, and after them those that look like plurals as one of them is stored: cats, then Cat."""
    plurals = (word for word in words if len(word) > _SHORT and word.endswith("s") and not word.endswith("ss"))
    ones = [word[:-1] for word in plurals]
    # Values as short as codes are only found as they are written.
    return [*words, *(word.capitalize() if len(word) <= _SHORT else word for word in ones)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without its commonest English endings, in lower case."""
    word = word.lower()
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) + len(rest) >= 3:
            return word[: len(word) - len(ending)] + rest
    return word


def name_parts(name: str) -> list[str]:
    """The stems of the words in an identifier such as InvoiceLine or invoice_line."""
    return list(_name_parts(name))


@lru_cache(maxsize=20_000)
def _name_parts(name: str) -> tuple[str, ...]:
    return tuple(stem(part) for part in _PART.findall(name))


def abbreviates(code: str, word: str) -> bool:
    """Whether the letters of a short code occur in order in a word that begins with its first: CA for California."""
    rest = iter(word[1:])
    low = code.lower()
    return 2 <= len(low) <= 3 and word[:1] == low[:1] and all(letter in rest for letter in low[1:])


def stems_of(text: str) -> set[str]:
    """The stems of a text's words, without those that stand in every question."""
    return {stem(word) for word in words_of(text) if word.lower() not in _STOP}


def few_values(schema: Schema) -> dict[tuple[str, str], tuple[str, ...]]:
    """By table and column, the values of columns that are known to hold few; empty for the others."""
    return {(table.name, column.name): column.values for table in schema.tables for column in table.columns}


def link(question: str, schema: Schema, values: Sequence[ValueMatch]) -> Links:
    """Match the question's words with names and comments, and add where the values are stored."""
    asked = stems_of(question)
    tables, columns = _named(schema)
    held = [f"{match.table}.{match.column}" for match in values]
    return Links(_having(tables, asked), _having(columns, asked).union(held), tuple(values))


def _having(places: Mapping[str, Sequence[str]], asked: set[str]) -> frozenset[str]:
    return frozenset(place for word in asked for place in places.get(word, ()))


@once_per_schema
def _named(schema: Schema) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """The tables and the columns ("Table.Column") by each stem in their names and comments."""
    tables: dict[str, list[str]] = {}
    columns: dict[str, list[str]] = {}
    for table in schema.tables:
        for word in {*name_parts(table.name), *_telling(table.comment)}:
            tables.setdefault(word, []).append(table.name)
        for column in table.columns:
            parts = (part for part in name_parts(column.name) if part not in _STOP)
            for word in {*parts, *_telling(column.comment)}:
                columns.setdefault(word, []).append(f"{table.name}.{column.name}")
    return tables, columns


def _telling(comment: str) -> list[str]:
    return [stem(word) for word in words_of(comment) if len(word) > 3 and word.lower() not in _STOP]


def relevant_tables(schema: Schema, links: Links, limit: int) -> tuple[SchemaTable, ...]:
    """All tables of a small schema; of a large one the linked tables, what lies between them, and neighbours."""
    if len(schema.tables) <= limit:
        return schema.tables
    wanted = set(links.tables) | {name.rpartition(".")[0] for name in links.columns}
    neighbours = _neighbours(schema)
    kept = set(wanted)
    ordered = sorted(wanted)
    for first, second in pairwise(ordered):
        kept.update(join_path(schema, first, second))
    for name in ordered:
        if len(kept) < limit:
            kept.update(sorted(neighbours.get(name, set()))[: limit - len(kept)])
    chosen = [table for table in schema.tables if table.name in kept]
    return tuple(chosen[:limit]) if chosen else schema.tables[:limit]


def join_path(schema: Schema, start: str, end: str) -> list[str]:
    """The tables on a shortest chain of foreign keys from start to end, both included; empty if there is none."""
    neighbours = _neighbours(schema)
    previous: dict[str, str] = {start: ""}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        if name == end:
            path = [name]
            while previous[path[-1]]:
                path.append(previous[path[-1]])
            return path[::-1]
        for other in sorted(neighbours.get(name, set())):
            if other not in previous:
                previous[other] = name
                queue.append(other)
    return []


@once_per_schema
def _neighbours(schema: Schema) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {table.name: set() for table in schema.tables}
    for table in schema.tables:
        for key in table.foreign_keys:
            if key.target_table in found and key.target_table != table.name:
                found[table.name].add(key.target_table)
                found[key.target_table].add(table.name)
    return found
