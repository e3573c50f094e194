"""What tells the rows of a list apart: a text beside keys, and keys where nothing else says which rows they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.adapters.sqlgen.sources import sources
from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.sql import Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp

_TEXT = re.compile(r"char|text|string", re.I)
_NAMES = frozenset(map(stem, ("name", "title", "label", "plate", "model", "subject", "email", "phrase", "text")))
"""Of columns whose text says which row it is."""
_BY = re.compile(r"\b(?:each|every|per|by|most|fewest|least)\b", re.I)
_NOT_THINGS = frozenset(("of", "our", "the", "all", "these", "those"))
_WHICH = re.compile(r"\W*which\s+((?:\w+\s+){1,4})", re.I)


def name_keys(tree: exp.Select, schema: Schema) -> bool:
    """Add a text column where the primary key of a table is all that is listed."""
    from sqlglot import exp

    shown = tree.selects[0].unalias() if len(tree.selects) == 1 else None
    if not isinstance(shown, exp.Column) or tree.args.get("group") or tree.args.get("distinct"):
        return False
    table = _owner(tree, shown.table.lower(), schema)
    if table is None or [key.lower() for key in table.primary_key] != [shown.name.lower()]:
        return False
    text = next((c.name for c in table.columns if _TEXT.search(c.type) and c.name.lower() != shown.name.lower()), "")
    if text:
        tree.append("expressions", exp.column(text, table=shown.table or None))
    return bool(text)


def list_rows(tree: exp.Select, question: str, schema: Schema) -> bool:
    """List the keys of the rows that are counted where a question asks which rows of the one table that is read.

    So where they are counted by what nobody asked to count them by.
    """
    from sqlglot import exp

    shown = [item.unalias() for item in tree.selects]
    asked = _WHICH.match(question)
    if not asked or not any(isinstance(item, exp.Count) for item in shown) or tree.args.get("having"):
        return False
    groups = [item for item in shown if isinstance(item, exp.Column)]
    words = {stem(word) for word in words_of(question)}
    if len(groups) + 1 != len(shown) or any(not words.isdisjoint(name_parts(item.name)) for item in groups):
        return False
    if _BY.search(question):
        return False
    table = _owner(tree, "", schema)
    named = [stem(word) for word in words_of(asked[1]) if word.lower() not in _NOT_THINGS][:1]
    if table is None or not table.primary_key or not set(named).intersection(name_parts(table.name)):
        return False
    tree.set("expressions", [exp.column(key) for key in table.primary_key])
    tree.set("order", None)
    tree.set("group", None)
    return True


def add_row_keys(tree: exp.Select, question: str, schema: Schema) -> bool:
    """Begin with the primary key where a question asks which rows of a table, and only other things of them are shown.

    A text says which rows they are, unless the key itself is one.
    """
    from sqlglot import exp

    listed = None if tree.args.get("distinct") or tree.args.get("order") else _listed(tree, question, schema)
    if listed is None:
        return False
    table, columns = listed
    types = {column.name.lower(): column.type for column in table.columns}
    names = [column.name.lower() for column in columns]
    keys = [key for key in table.primary_key if key.lower() not in names]
    texts = any(_TEXT.search(types.get(name, "")) for name in names if _NAMES.intersection(name_parts(name)))
    if not keys or (texts and not all(_TEXT.search(types.get(key.lower(), "")) for key in keys)):
        return False
    added = [exp.column(key, table=columns[0].table or None) for key in keys]
    tree.set("expressions", [*added, *tree.args["expressions"]])
    return True


def add_row_names(tree: exp.Select, question: str, schema: Schema) -> bool:
    """End with the name of the rows where a question asks which rows of a table, and only other columns are shown.

    Only where one column of the table is a name.
    """
    from sqlglot import exp

    listed = _listed(tree, question, schema)
    if listed is None:
        return False
    table, columns = listed
    names = [c.name for c in table.columns if _TEXT.search(c.type) and _NAMES.intersection(name_parts(c.name))]
    if len(names) != 1 or names[0].lower() in {column.name.lower() for column in columns}:
        return False
    tree.append("expressions", exp.column(names[0], table=columns[0].table or None))
    return True


def _listed(tree: exp.Select, question: str, schema: Schema) -> tuple[SchemaTable, list[exp.Column]] | None:
    """The table and the columns of it that are shown, where a question asks which of its rows and no others are."""
    from sqlglot import exp

    asked = _WHICH.match(question)
    shown = [item.unalias() for item in tree.selects]
    columns = [item for item in shown if isinstance(item, exp.Column)]
    owners = {column.table.lower() for column in columns}
    if not asked or tree.args.get("group") or len(columns) != len(shown) or len(owners) != 1:
        return None
    table = _owner(tree, owners.pop(), schema)
    if table is None or not {stem(word) for word in words_of(asked[1])}.intersection(name_parts(table.name)):
        return None
    return table, columns


def _owner(tree: exp.Select, alias: str, schema: Schema) -> SchemaTable | None:
    read = sources(tree)
    name = read.get(alias, "") if alias else next(iter(read.values()), "") if len(read) == 1 else ""
    return next((table for table in schema.tables if table.name.lower() == name), None)
