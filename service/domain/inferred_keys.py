"""Foreign keys that nobody declared, told from names, types and stored values; where two tables fit, none is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from service.domain.schema_linking import name_parts, stem
from service.domain.sql import ForeignKey, SchemaColumn, SchemaTable

_IDENTITY = frozenset(stem(word) for word in ("id", "uuid", "guid", "key", "code", "no"))
_NATURAL = _IDENTITY | {stem("name")}
_GLUED_PREFIX = (2, 3)
_LEAST_GLUED = 6
_KINDS = (
    ("UUID", "uuid"), ("SERIAL", "number"), ("INTERVAL", "other"), ("POINT", "other"), ("INT", "number"),
    ("NUMERIC", "number"), ("DECIMAL", "number"), ("CHAR", "text"), ("TEXT", "text"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with the words of its name, without prefix, with which all tables and perhaps columns begin."""

    table: SchemaTable
    prefix: str

    @property
    def words(self) -> tuple[str, ...]:
        return self.words_of(self.table.name.rpartition(".")[2])

    def words_of(self, name: str) -> tuple[str, ...]:
        rest = name[len(self.prefix) :] if name.startswith(self.prefix) else name
        return tuple(name_parts(rest or name))

    @property
    def home(self) -> str:
        return self.table.name.rpartition(".")[0]


def with_inferred_keys(tables: Sequence[SchemaTable]) -> tuple[SchemaTable, ...]:
    """The tables with inferred keys of one column added. Declared keys stay, and their columns get no other."""
    stored = _named([table for table in tables if not table.is_view])
    found = {item.table.name: _keys_of(item, stored) for item in stored}
    return tuple(replace(t, foreign_keys=t.foreign_keys + found.get(t.name, ())) for t in tables)


def _named(tables: Sequence[SchemaTable]) -> list[_Table]:
    prefix = _shared_prefix([table.name.rpartition(".")[2] for table in tables])
    return [_Table(table, prefix) for table in tables]


def _shared_prefix(names: Sequence[str]) -> str:
    """app_ of app_users and app_orders, sb of sbCustomer and sbTicker, or of sbcustomer where three names have it."""
    shared = "".join(letters[0] for letters in takewhile(lambda seen: len(set(seen)) == 1, zip(*names, strict=False)))
    parts = {name_parts(name)[0] for name in names if len(name_parts(name)) > 1}
    if len(names) > 1 and len(parts) == 1 and all(len(name_parts(name)) > 1 for name in names):
        first = next(iter(parts))
        return shared[: len(first) + shared[len(first) :].startswith("_")] if shared.lower().startswith(first) else ""
    plain = all(name.isalpha() and name.islower() for name in names)
    return shared if len(names) > 2 and plain and len(shared) in _GLUED_PREFIX and shared not in names else ""


def _keys_of(source: _Table, stored: Sequence[_Table]) -> tuple[ForeignKey, ...]:
    declared = {name for key in source.table.foreign_keys for name in key.columns}
    keys: list[ForeignKey] = []
    for column in source.table.columns:
        if column.name not in declared and _kind(column) != "other":
            for refers in (_by_name, _by_table, _by_values, _by_owner):
                targets = [(t, name) for t in stored for name in refers(source, column, t)]
                targets = [item for item in targets if item[0].home == source.home] or targets
                if len(targets) == 1:
                    target, name = targets[0]
                    keys.append(ForeignKey((column.name,), target.table.name, (name,), inferred=True))
                if targets:
                    break
    return tuple(keys)


def _by_name(source: _Table, column: SchemaColumn, target: _Table) -> list[str]:
    """The column of target that identifies its rows and whose name column has, perhaps after the name of a role."""
    words = source.words_of(column.name)
    own = source.table.name == target.table.name
    for identity in _identities(target):
        names: tuple[str, ...] = target.words_of(identity.name)
        if not (names and target.words) or _kind(identity) != _kind(column) or (own and identity.name == column.name):
            continue
        full = names if len(names) > 1 else (*target.words, *names)
        glued = "".join(full)
        if own:
            hit = (words[: -len(full)] != () and words[-len(full) :] == full) or words == (stem("parent"), *names)
        elif len(names) > 1 or _NATURAL.isdisjoint(names):
            hit = words[-len(names) :] == names or _ends_glued("".join(words), "".join(names), target)
        else:
            hit = words[-len(full) :] == full or "".join(words) == glued
        if hit:
            return [identity.name]
    return []


def _by_table(source: _Table, column: SchemaColumn, target: _Table) -> list[str]:
    """The primary key of target, whatever it is called, of user_id and of a number called user."""
    key = target.table.primary_key
    identity = next((item for item in target.table.columns if key == (item.name,)), None)
    called, words = (*target.words, "id"), source.words_of(column.name)
    if source is target or identity is None or not target.words or _kind(identity) != _kind(column):
        return []
    own = any(target.words_of(item.name) == called for item in target.table.columns if item is not identity)
    hit = words[-len(called) :] == called or (words == target.words and _kind(column) == "number")
    return [identity.name] if hit and not own else []


def _by_owner(source: _Table, column: SchemaColumn, target: _Table) -> list[str]:
    """A column of the same name in a table without a primary key that is named after it: emp_no of employees."""
    words = source.words_of(column.name)
    root, owner = "".join(words[:-1]), "".join(target.words)
    if source is target or target.table.primary_key or len(words) < 2 or words[-1] not in _IDENTITY:
        return []
    if not owner.startswith(root) or "".join(source.words).startswith(root):
        return []
    tells = any(target.words_of(item.name)[-1:] not in [(word,) for word in _IDENTITY] for item in target.table.columns)
    same = [item for item in target.table.columns if item.name == column.name and _kind(item) == _kind(column)]
    return [item.name for item in same if tells]


def _ends_glued(name: str, key: str, target: _Table) -> bool:
    """Whether name is txcustid where the primary key of customer is custid."""
    known = bool(target.table.primary_key) and key.endswith("id") and len(key) >= _LEAST_GLUED
    return known and name.endswith(key) and "".join(target.words).startswith(key[:-2])


def _identities(item: _Table) -> list[SchemaColumn]:
    """The primary key, or without one the columns that are named like it: id, author_id, aid or state_name."""
    columns = {column.name: column for column in item.table.columns}
    if item.table.primary_key:
        key = item.table.primary_key
        return [columns[key[0]]] if len(key) == 1 and _may_identify(item, key[0]) else []
    initials = "".join(word[:1] for word in item.words)
    forms = [("id",), (*item.words, "id"), (f"{''.join(item.words)}id",), (f"{initials}id",)]
    forms += [(*item.words, stem("name"))]
    return [columns[name] for form in forms for name in columns if item.words_of(name) == form]


def _may_identify(item: _Table, key: str) -> bool:
    words = item.words_of(key)
    return bool(words) and (words[-1] in _NATURAL or words[-1].endswith("id"))


def _by_values(source: _Table, column: SchemaColumn, target: _Table) -> list[str]:
    """A text column of the same long name in target that holds all values of column, each in one row only."""
    words = source.words_of(column.name)
    if source is target or len(words) < 2 or words[-1] not in _NATURAL or _is_unique(source.table, column):
        return []
    same = [other for other in target.table.columns if other.name == column.name]
    good = [o for o in same if _is_unique(target.table, o) and set(column.values) <= set(o.values)]
    return [other.name for other in good if column.values]


def _is_unique(table: SchemaTable, column: SchemaColumn) -> bool:
    return 0 < table.row_count == len(column.values)


def _kind(column: SchemaColumn) -> str:
    upper = column.type.upper()
    return next((kind for mark, kind in _KINDS if mark in upper), "other")
