"""Joins that a schema does not declare, read from its names: many databases have keys and no constraints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.domain.schema_memo import once_per_schema
from service.domain.sql import ForeignKey, Schema, SchemaColumn, SchemaTable

_KEY_END = re.compile(r"(id|key|code|no|num|number|uuid|name)$", re.IGNORECASE)
_PLAIN_KEYS = frozenset(("id", "key", "code", "uuid"))
_GENERIC = frozenset(("name", "first_name", "last_name", "firstname", "lastname", "full_name", "number", "num", "no"))
_MIN_SUFFIX = 5
_WHOLE = ("int", "serial")


@once_per_schema
def with_inferred_keys(schema: Schema) -> Schema:
    """The schema with a foreign key for each column that is named like another table's key and declares none.

    What is declared stays as it is. A table that declares no primary key gets the column that others refer to.
    """
    owners = _owners(schema)
    tables = [_with_keys(table, owners) for table in schema.tables]
    return replace(schema, tables=tuple(tables))


def _with_keys(table: SchemaTable, owners: Mapping[str, tuple[SchemaTable, SchemaColumn]]) -> SchemaTable:
    declared = {name for key in table.foreign_keys for name in key.columns}
    found = list(table.foreign_keys)
    for column in table.columns:
        target = None if column.name in declared or table.is_view else _target(column, table, owners)
        if target is not None:
            found.append(ForeignKey((column.name,), target[0].name, (target[1].name,)))
    return replace(table, foreign_keys=tuple(found))


def _target(
    column: SchemaColumn, table: SchemaTable, owners: Mapping[str, tuple[SchemaTable, SchemaColumn]]
) -> tuple[SchemaTable, SchemaColumn] | None:
    """The table and column that a column refers to, by the longest name that ends it."""
    name = _flat(column.name)
    endings = [name, *(name[start:] for start in range(1, len(name) - _MIN_SUFFIX + 1))]
    for key in (ending for ending in endings if ending in owners):
        owner, target = owners[key]
        itself = owner.name == table.name and target.name == column.name
        if itself:
            return None
        if owner.name != table.name and _kind(column) == _kind(target):
            return owner, target
    return None


def _owners(schema: Schema) -> dict[str, tuple[SchemaTable, SchemaColumn]]:
    """Flat key names with the one table and column that they name."""
    found: dict[str, tuple[SchemaTable, SchemaColumn]] = {}
    shared: dict[str, list[tuple[SchemaTable, SchemaColumn]]] = {}
    tables = [table for table in schema.tables if not table.is_view]
    prefix = _common_prefix([_flat_table(table) for table in tables])
    for table in tables:
        own = _own_key(table)
        for column in table.columns:
            if _KEY_END.search(column.name) and column.name.lower() not in _GENERIC:
                shared.setdefault(_flat(column.name), []).append((table, column))
        if own is None:
            continue
        for name in _names_of_key(table, own, prefix):
            found.setdefault(name, (table, own))
    for name, places in shared.items():
        if name not in found and name not in _PLAIN_KEYS and len(places) > 1:
            owner = _owner_of(name, places)
            if owner is not None:
                found[name] = owner
    return found


def _own_key(table: SchemaTable) -> SchemaColumn | None:
    """The single column of the primary key; where none is declared, one called id, or by the table's name and id."""
    if len(table.primary_key) > 1:
        return None
    guessed = {"id", *(f"{singular}id" for singular in _singulars(_flat_table(table)))}
    names = {_flat(name) for name in table.primary_key} or guessed
    return next((column for column in table.columns if _flat(column.name) in names), None)


def _names_of_key(table: SchemaTable, key: SchemaColumn, prefix: str) -> list[str]:
    """Flat names by which other tables may call a key: customerid and customer of customers.cid, custid of sbCustId."""
    name = _flat(key.name)
    singulars = _singulars(_flat_table(table))
    called = [f"{singular}id" for singular in singulars] + (singulars if _kind(key) == "whole" else [])
    if name in _PLAIN_KEYS:
        return [*(f"{singular}{name}" for singular in singulars), *called]
    names = [name, *called]
    if prefix and name.startswith(prefix) and len(name) - len(prefix) >= _MIN_SUFFIX:
        names.append(name[len(prefix) :])
    return names


def _owner_of(name: str, places: Sequence[tuple[SchemaTable, SchemaColumn]]) -> tuple[SchemaTable, SchemaColumn] | None:
    """The table that an undeclared key belongs to: the one it is named after, else the one that tells most of it."""
    root = _KEY_END.sub("", name)
    named = [place for place in places if root and root in _singulars(_flat_table(place[0]))]
    if not named and root:
        starts = [place for place in places if _flat_table(place[0]).startswith(root) and _tells_more(place[0])]
        named = starts if len(starts) == 1 else []
    if not named:
        first = [place for place in places if place[0].columns[0].name == place[1].name and _tells_more(place[0])]
        named = first if len(first) == 1 else []
    return named[0] if len(named) == 1 else None


def _tells_more(table: SchemaTable) -> bool:
    """Whether a table holds more than keys."""
    return any(not _KEY_END.search(column.name) or _flat(column.name) in _GENERIC for column in table.columns)


def _flat_table(table: SchemaTable) -> str:
    return _flat(table.name.rpartition(".")[2])


def _singulars(name: str) -> list[str]:
    found = [name]
    for ending, rest in (("ies", "y"), ("es", ""), ("s", "")):
        if name.endswith(ending):
            found.append(name[: -len(ending)] + rest)
    return found


def _flat(name: str) -> str:
    return name.replace("_", "").lower()


def _kind(column: SchemaColumn) -> str:
    return "whole" if any(mark in column.type.lower() for mark in _WHOLE) else column.type.lower().partition("(")[0]


def _common_prefix(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    low, high = min(names), max(names)
    size = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:size]
