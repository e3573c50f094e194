"""Slips of a model that have only one right reading, corrected in the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from service.adapters.sqlgen.mend_bounds import mend_bounds
from service.adapters.sqlgen.mend_dialect import mend_dialect
from service.adapters.sqlgen.mend_filters import drop_unasked
from service.adapters.sqlgen.mend_joins import mend_joins
from service.adapters.sqlgen.mend_names import real_name
from service.adapters.sqlgen.mend_paths import shorten_joins
from service.adapters.sqlgen.mend_subqueries import mend_memberships
from service.adapters.sqlgen.mend_tables import add_from, name_tables
from service.adapters.sqlgen.mend_totals import mend_totals
from service.adapters.sqlgen.sources import ambiguous_is_same, derived, is_known_name, sources
from service.domain.join_keys import equals
from service.domain.schema_linking import join_path
from service.domain.sql import Schema, SchemaTable
from service.domain.sql_guard import parse_statement
from service.domain.sql_text import sql_text
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_PATH = 4


def mend(sql: str, question: str, schema: Schema) -> str:
    """The statement with joins on their keys, columns spelled as in the schema and taken from the joined table that
    has them, missing joins added along foreign keys, filters dropped that nobody asked for, bounds as the question
    words them, and "texts" quoted.

    The result has not been guarded.
    """
    from sqlglot import exp

    try:
        tree = parse_statement(sql, schema.dialect)
    except SqlRejected:
        return sql
    mender = _Mender(schema, {table.name.lower(): table for table in schema.tables})
    count = name_tables(tree, schema)
    selects = list(tree.find_all(exp.Select))
    count += sum(add_from(select, schema) + mender.mend_select(select) for select in selects)
    count += drop_unasked(tree, question) + mend_bounds(tree, question)
    count += sum(shorten_joins(select, question, schema) for select in selects)
    count += sum(mend_totals(select, question, schema) for select in selects)
    count += mend_memberships(tree, schema) + mend_dialect(tree, schema)
    return sql_text(tree, schema.dialect, copy=False) if count else sql


@dataclass(frozen=True, slots=True)
class _Mender:
    schema: Schema
    tables: dict[str, SchemaTable]

    def mend_select(self, select: exp.Select) -> int:
        """Correct one SELECT in place and say how much changed."""
        from sqlglot import exp

        stored = self._stored(select)
        count = int(mend_joins(select, stored))
        for column in [column for column in select.find_all(exp.Column) if column.parent_select is select]:
            if not column.table and column.this.args.get("quoted") and not self._owners(column.name, self.tables):
                column.replace(exp.Literal.string(column.name))
                count += 1
            elif column.table:
                count += self._place(column, select)
            elif stored and not is_known_name(column.name, select):
                count += self._settle(column, select)
        return count

    def _stored(self, select: exp.Select) -> dict[str, SchemaTable]:
        return {alias: self.tables[name] for alias, name in sources(select).items() if name in self.tables}

    def _place(self, column: exp.Column, select: exp.Select) -> int:
        """Correct a qualified column: its qualifier, its name, or the table it comes from."""
        known = sources(select)
        alias = column.table.lower()
        if alias not in known:
            outer = select.parent_select
            if alias in derived(select) or (outer is not None and alias in sources(outer) | derived(outer)):
                return 0
            if self._join(select, known, alias):
                return 1
            return self._settle(column, select)
        table = self.tables.get(known[alias])
        if table is None or self._has(table, column.name):
            return 0
        return self._settle(column, select, table)

    def _settle(self, column: exp.Column, select: exp.Select, own: SchemaTable | None = None) -> int:
        """Give a column that its qualifier does not explain a table that has it, or the name that is meant."""
        from sqlglot import exp

        stored = self._stored(select)
        found = self._owners(column.name, stored)
        if not column.table and (len(stored) < 2 <= len(found) + 1 or len(found) > 1):
            same = len(found) > 1 and ambiguous_is_same(column.name, found, select)
            if not same:
                return 0
        if found:
            column.set("table", exp.to_identifier(found[0]))
            return int(len(found) == 1)
        if self._fetch(column, select):
            return 1
        near = [own] if own else []
        for table in [*near, *stored.values()]:
            meant = real_name(column.name, table)
            if meant:
                return self._rename(column, meant, stored, table)
        return self._fetch_alike(column, select, stored)

    def _fetch_alike(self, column: exp.Column, select: exp.Select, stored: dict[str, SchemaTable]) -> int:
        """Take a column from a neighbour by foreign keys that alone has one of nearly its name."""
        from sqlglot import exp

        names = {table.name for table in stored.values()}
        linked = {key.target_table for table in stored.values() for key in table.foreign_keys}
        linked |= {t.name for t in self.schema.tables if any(key.target_table in names for key in t.foreign_keys)}
        found = {name: real_name(column.name, self.tables[name.lower()]) for name in linked - names}
        meant = [(name, real) for name, real in found.items() if real]
        if len(meant) != 1 or not self._join(select, sources(select), meant[0][0].lower()):
            return 0
        column.set("table", exp.to_identifier(meant[0][0]))
        column.set("this", exp.to_identifier(meant[0][1]))
        return 1

    def _rename(self, column: exp.Column, meant: str, stored: dict[str, SchemaTable], table: SchemaTable) -> int:
        from sqlglot import exp

        alias = next(alias for alias, known in stored.items() if known is table)
        if not column.table or column.table.lower() not in stored or stored[column.table.lower()] is not table:
            column.set("table", exp.to_identifier(alias))
        column.set("this", exp.to_identifier(meant))
        return 1

    def _fetch(self, column: exp.Column, select: exp.Select) -> bool:
        """Join the table that has a column and is nearest by foreign keys, and take it from there."""
        from sqlglot import exp

        owners = self._owners(column.name, self.tables)
        used = [table.name for table in self._stored(select).values()]
        paths = {owner: self._distance(used, self.tables[owner].name) for owner in owners}
        near = [owner for owner in owners if paths[owner] and paths[owner] == min(filter(None, paths.values()))]
        if len(near) > 1:
            keyed = {key.target_table.lower() for table in self.schema.tables for key in table.foreign_keys
                     if column.name.lower() in {name.lower() for name in key.target_columns}}  # fmt: skip
            near = [owner for owner in near if owner in keyed]
        if len(near) != 1 or not self._join(select, sources(select), near[0]):
            return False
        column.set("table", exp.to_identifier(self.tables[near[0]].name))
        return True

    def _distance(self, used: list[str], target: str) -> int:
        paths = [len(path) for start in used if (path := join_path(self.schema, start, target))]
        return min(paths, default=0)

    def _join(self, select: exp.Select, known: dict[str, str], missing: str) -> bool:
        """Join a table that is used but stands in no FROM, along the shortest chain of foreign keys."""
        from sqlglot import exp

        target = self.tables.get(missing)
        starts = {self.tables[name].name: alias for alias, name in known.items() if name in self.tables}
        if target is None:
            return False
        paths = [path for start in starts if (path := join_path(self.schema, start, target.name))]
        path = min(paths, key=len) if paths else []
        if not 2 <= len(path) <= _MAX_PATH:
            return False
        self._qualify(select)
        left = starts[path[0]]
        for first, second in pairwise(path):
            condition = self._condition(first, left, second)
            if condition is None:
                return False
            table = exp.Table(this=exp.to_identifier(second))
            select.append("joins", exp.Join(this=table, on=exp.condition(condition)))
            left = second
        return True

    def _qualify(self, select: exp.Select) -> None:
        """Say where bare columns come from before another table makes them ambiguous."""
        from sqlglot import exp

        stored = self._stored(select)
        for column in select.find_all(exp.Column):
            found = self._owners(column.name, stored)
            if column.parent_select is select and not column.table and len(found) == 1:
                column.set("table", exp.to_identifier(found[0]))

    def _condition(self, first: str, alias: str, second: str) -> exp.Expr | None:
        from sqlglot import exp

        for owner, other, owner_alias, other_alias in ((first, second, alias, second), (second, first, second, alias)):
            keys = [key for key in self.tables[owner.lower()].foreign_keys if key.target_table == other]
            if len(keys) == 1:
                return exp.and_(*equals(keys[0], owner_alias, other_alias))
        return None

    def _owners(self, column: str, tables: dict[str, SchemaTable]) -> list[str]:
        return [alias for alias, table in tables.items() if self._has(table, column)]

    def _has(self, table: SchemaTable, column: str) -> bool:
        return any(known.name.lower() == column.lower() for known in table.columns)
