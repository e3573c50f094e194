"""Slips of a model that have only one right reading, corrected in the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from service.adapters.sqlgen.mend_joins import equals, mend_joins
from service.domain.schema_linking import join_path
from service.domain.sql import Schema, SchemaTable
from service.domain.sql_guard import SQLGLOT_DIALECTS, parse_statement
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_PATH = 4


def mend(sql: str, schema: Schema) -> str | None:
    """The statement with joins on their keys, columns moved to the one joined table that has them, missing joins
    added along foreign keys, and "texts" quoted as texts.

    None when there was nothing to correct. The result has not been guarded.
    """
    from sqlglot import exp

    try:
        tree = parse_statement(sql, schema.dialect)
    except SqlRejected:
        return None
    mender = _Mender(schema, {table.name.lower(): table for table in schema.tables})
    changed = False
    for select in tree.find_all(exp.Select):
        changed |= mender.mend_select(select)
    return tree.sql(SQLGLOT_DIALECTS[schema.dialect]) if changed else None


@dataclass(frozen=True, slots=True)
class _Mender:
    schema: Schema
    tables: dict[str, SchemaTable]

    def mend_select(self, select: exp.Select) -> bool:
        """Correct one SELECT in place and say whether anything changed."""
        from sqlglot import exp

        stored = {alias: self.tables[name] for alias, name in _sources(select).items() if name in self.tables}
        changed = mend_joins(select, stored)
        columns = [column for column in select.find_all(exp.Column) if column.parent_select is select]
        for column in columns:
            if not column.table and column.this.args.get("quoted") and not self._owners(column.name, self.tables):
                column.replace(exp.Literal.string(column.name))
                changed = True
            elif column.table:
                changed |= self._place(column, select)
            elif stored and not _is_known_name(column.name, select) and not self._owners(column.name, stored):
                changed |= self._fetch(column, select)
        return changed

    def _place(self, column: exp.Column, select: exp.Select) -> bool:
        from sqlglot import exp

        sources = _sources(select)
        alias = column.table.lower()
        if alias not in sources:
            outer = select.parent_select
            return (outer is None or alias not in _sources(outer)) and self._join(select, sources, alias)
        table = self.tables.get(sources[alias])
        if table is None or self._has(table, column.name):
            return False
        found = self._owners(column.name, {a: self.tables[t] for a, t in sources.items() if t in self.tables})
        if not found:
            return self._fetch(column, select)
        if len(found) != 1:
            return False
        column.set("table", exp.to_identifier(found[0]))
        return True

    def _fetch(self, column: exp.Column, select: exp.Select) -> bool:
        """Join the only table that has a column, or the only one of those referenced, and take it from there."""
        from sqlglot import exp

        owners = self._owners(column.name, self.tables)
        if len(owners) > 1:
            used = [self.tables[name] for name in _sources(select).values() if name in self.tables]
            referenced = {key.target_table.lower() for table in used for key in table.foreign_keys}
            owners = [owner for owner in owners if owner in referenced]
        if len(owners) != 1 or not self._join(select, _sources(select), owners[0]):
            return False
        column.set("table", exp.to_identifier(self.tables[owners[0]].name))
        return True

    def _join(self, select: exp.Select, sources: dict[str, str], missing: str) -> bool:
        """Join a table that is used but stands in no FROM, along the shortest chain of foreign keys."""
        from sqlglot import exp

        target = self.tables.get(missing)
        starts = {self.tables[name].name: alias for alias, name in sources.items() if name in self.tables}
        if target is None:
            return False
        paths = [path for start in starts if (path := join_path(self.schema, start, target.name))]
        path = min(paths, key=len) if paths else []
        if not 2 <= len(path) <= _MAX_PATH:
            return False
        left = starts[path[0]]
        for first, second in pairwise(path):
            condition = self._condition(first, left, second)
            if condition is None:
                return False
            table = exp.Table(this=exp.to_identifier(second))
            select.append("joins", exp.Join(this=table, on=exp.condition(condition)))
            left = second
        return True

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


def _is_known_name(name: str, select: exp.Select) -> bool:
    """Whether a bare name may be an output's alias, or a column of a derived table or an outer query."""
    from sqlglot import exp

    aliases = {item.alias.lower() for item in select.selects if item.alias}
    plain = all(isinstance(source, exp.Table) for source in _parts(select)) and select.parent_select is None
    return name.lower() in aliases or not plain


def _parts(select: exp.Select) -> list[exp.Expr]:
    from_clause = select.args.get("from_")
    parts: list[exp.Expr] = [from_clause.this] if from_clause else []
    parts.extend(join.this for join in select.args.get("joins") or ())
    return parts


def _sources(select: exp.Select) -> dict[str, str]:
    """Stored tables of one SELECT by lower-case alias."""
    from sqlglot import exp

    return {part.alias_or_name.lower(): part.name.lower() for part in _parts(select) if isinstance(part, exp.Table)}
