"""Columns that are written a little otherwise than the schema names them, where one real name is meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from service.domain.schema_linking import name_parts
from service.domain.sql import SchemaTable

_LEAST_LIKENESS = 0.8
_ID = frozenset(("id", "ids"))


def real_name(name: str, table: SchemaTable) -> str:
    """The one column of a table that a name means, empty when there is none or more than one."""
    names = {column.name.lower(): column.name for column in table.columns}
    if name.lower() in names:
        return names[name.lower()]
    for chosen in (_same_words, _ending, _key, _title, _alike):
        found = chosen(name, table, names)
        if len(found) == 1:
            return found[0]
        if found:
            return ""
    return ""


def _same_words(name: str, table: SchemaTable, names: Mapping[str, str]) -> list[str]:
    """Customername for customer_name, sales_price for sale_price."""
    wanted = name_parts(name)
    return [real for low, real in names.items() if _flat(low) == _flat(name) or name_parts(real) == wanted]


def _ending(name: str, table: SchemaTable, names: Mapping[str, str]) -> list[str]:
    """Symbol for sbtickersymbol, publication_year for year."""
    flat = _flat(name)
    longer = [real for low, real in names.items() if len(flat) >= 3 and _flat(low).endswith(flat)]
    if longer:
        return longer
    owner = _flat(table.name).rpartition(".")[2]
    singular = owner.removesuffix("s")
    ends = [real for low, real in names.items() if len(_flat(low)) >= 4 and flat.endswith(_flat(low))]
    if len(ends) == 1:
        return ends
    rest = flat.removeprefix(owner) if flat.startswith(owner) else flat.removeprefix(singular)
    return [real for low, real in names.items() if rest != flat and rest and _flat(low) == rest]


def _key(name: str, table: SchemaTable, names: Mapping[str, str]) -> list[str]:
    """The key for id, and for author_id in the key of the table of authors."""
    parts = set(name_parts(name))
    if not parts & _ID:
        return []
    own = set(name_parts(table.name)) | _ID
    if parts - own:
        return []
    if len(table.primary_key) == 1:
        return list(table.primary_key)
    return [
        real
        for low, real in names.items()
        if low == "id" or re.fullmatch(rf"{re.escape(table.name[:1].lower())}\w?id", low)
    ]


def _title(name: str, table: SchemaTable, names: Mapping[str, str]) -> list[str]:
    """A name for a title, and the other way round."""
    parts = name_parts(name)
    if parts[-1:] == ["nam"]:
        return [real for low, real in names.items() if low in ("title", f"{_flat(table.name)}_title")]
    if parts[-1:] == ["titl"]:
        return [real for low, real in names.items() if low == "name" or low == f"{table.name.lower()}_name"]
    return []


def _alike(name: str, table: SchemaTable, names: Mapping[str, str]) -> list[str]:
    close = difflib.get_close_matches(name.lower(), list(names), n=2, cutoff=_LEAST_LIKENESS)
    return [names[low] for low in close[:1]]


def _flat(name: str) -> str:
    return name.replace("_", "").lower()
