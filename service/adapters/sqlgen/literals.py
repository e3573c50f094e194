"""Texts in a statement, held against what is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.schema_linking import abbreviates, stem, words_of
from service.domain.sql import SAMPLED_EXAMPLES, Schema, ValueMatch
from service.domain.sql_guard import parse_statement, read_statement
from service.domain.sql_text import sql_text
from service.errors import SqlExecutionFailed
from service.ports import Database

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_SHOWN = 12
_LEAST_MOVED = 4


async def ground(caller: Caller, database: Database, sql: str, schema: Schema) -> str:
    """The statement with compared texts spelled as stored, and on the column of the table that stores them.

    A text that only another table stores is taken from there: that table may have to be joined. A text that a column
    with few values never holds becomes the value that is nearest in words.
    Raises SqlExecutionFailed, which names the stored values, when none is near.
    """
    from sqlglot import exp

    if not _comparisons(read_statement(sql, schema.dialect), schema):
        return sql
    tree = parse_statement(sql, schema.dialect)
    stored = {table.name for table in schema.tables}
    changed = False
    for column, literal, table in _comparisons(tree, schema):
        changed |= _negate(literal, column.name, table, schema)
        matches = [
            replace(match, table=match.table if match.table in stored else match.table.rpartition(".")[2])
            for match in await database.find_values(caller, words_of(literal.name))
        ]
        whole = [match for match in matches if len(match.value) == len(literal.name) and match.table == table]
        here = next((match for match in whole if match.column.lower() == column.name.lower()), None)
        there = whole[0] if len({match.column for match in whole}) == 1 else None
        match = here or there
        elsewhere = None if match else _only_place(matches, literal.name)
        if elsewhere is not None and not _stores(column.name, literal.name, table, schema):
            literal.replace(exp.Literal.string(elsewhere.value))
            column.set("table", exp.to_identifier(elsewhere.table))
            column.set("this", exp.to_identifier(elsewhere.column))
            changed = True
            continue
        value = match.value if match else _nearest(column.name, literal.name, table, schema)
        if value != literal.name or (match and here is None):
            literal.replace(exp.Literal.string(value))
            column.set("this", exp.to_identifier(match.column if match else column.name))
            changed = True
    return sql_text(tree, schema.dialect, copy=False) if changed else sql


def _comparisons(tree: exp.Expr, schema: Schema) -> list[tuple[exp.Column, exp.Literal, str]]:
    """Equalities of a text column of a known stored table with a text."""
    from sqlglot import exp

    names = {table.name.lower(): table for table in schema.tables}
    aliases = {node.alias_or_name.lower(): node.name.lower() for node in tree.find_all(exp.Table)}
    found: list[tuple[exp.Column, exp.Literal, str]] = []
    for equality in tree.find_all(exp.EQ):
        column, literal = equality.this, equality.expression
        if not isinstance(column, exp.Column) or not isinstance(literal, exp.Literal) or not literal.is_string:
            continue
        wanted = [aliases.get(column.table.lower(), "")] if column.table else sorted(set(aliases.values()))
        owners = [
            names[name]
            for name in wanted
            if name in names and any(c.name.lower() == column.name.lower() for c in names[name].columns)
        ]
        if len(owners) == 1 and literal.name:
            found.append((column, literal, owners[0].name))
    return found


def _negate(literal: exp.Literal, column: str, table: str, schema: Schema) -> bool:
    """Write = 'non-smoking' as <> 'smoking' where only smoking is stored."""
    from sqlglot import exp

    rest = re.sub(r"^non?[ -]", "", literal.name.casefold())
    values = {value.casefold(): value for value in _values(column, table, schema)}
    equality = literal.parent
    if rest == literal.name.casefold() or rest not in values or equality is None or literal.name.casefold() in values:
        return False
    literal.set("this", values[rest])
    equality.replace(exp.NEQ(this=equality.this, expression=equality.expression))
    return True


def _values(column: str, table: str, schema: Schema) -> Sequence[str]:
    known = next(t for t in schema.tables if t.name == table)
    return next(c.values for c in known.columns if c.name.lower() == column.lower())


def _only_place(matches: Sequence[ValueMatch], text: str) -> ValueMatch | None:
    """The one column that stores a text as a whole, when it is longer than a code."""
    whole = [match for match in matches if len(match.value) == len(text) and len(text) >= _LEAST_MOVED]
    return whole[0] if len({(match.table, match.column) for match in whole}) == 1 else None


def _stores(column: str, text: str, table: str, schema: Schema) -> bool:
    """Whether a column may hold a text: it does, or not all of its values are known."""
    values = _values(column, table, schema)
    return not values or len(values) == SAMPLED_EXAMPLES or text.casefold() in {value.casefold() for value in values}


def _nearest(column: str, text: str, table: str, schema: Schema) -> str:
    """The text itself unless all values of the column are known; then the only one that shares most words with it.

    Raises SqlExecutionFailed when there is none.
    """
    values = _values(column, table, schema)
    if not values or len(values) > _MAX_SHOWN or text in values:
        return text
    asked = {stem(word) for word in words_of(text)}
    shared = {value: len(asked.intersection(stem(word) for word in words_of(value))) for value in values}
    best = [value for value in values if shared[value] == max(shared.values())]
    if len(best) == 1 and shared[best[0]]:
        return best[0]
    codes = [value for value in values if abbreviates(value, text.lower())]
    if len(codes) == 1:
        return codes[0]
    shown = ", ".join(f"'{value}'" for value in values)
    raise SqlExecutionFailed(f"{table}.{column} is never '{text}'. It is one of {shown}, or leave the filter out.")
