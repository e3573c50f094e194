"""Membership in another table: the column that the tables share, and no trap of NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.sql import Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp


def mend_memberships(tree: exp.Expr, schema: Schema) -> int:
    """Give `x IN (SELECT y FROM t)` the columns on which the tables are joined when t has no y, which would silently
    read the outer row's, and write NOT IN as NOT EXISTS, which NULL does not empty. Says how many.
    """
    from sqlglot import exp

    tables = {table.name.lower(): table for table in schema.tables}
    return sum(_mend(node, tables) for node in list(tree.find_all(exp.In)) if node.args.get("query"))


def _mend(node: exp.In, tables: dict[str, SchemaTable]) -> int:
    from sqlglot import exp

    inner = node.args["query"].this
    outer = node.parent_select
    if not isinstance(inner, exp.Select) or outer is None or not isinstance(node.this, exp.Column):
        return 0
    asked, given = _only_table(inner, tables), _table_of(node.this, outer, tables)
    if asked is None or given is None or len(inner.selects) != 1 or inner.args.get("group") or inner.args.get("limit"):
        return 0
    selected = inner.selects[0].unalias()
    if not isinstance(selected, exp.Column):
        return 0
    count = 0
    if not _has(asked, selected.name) or not _has(given, node.this.name):
        pair = _key_between(given, asked)
        if pair is None:
            return 0
        node.this.set("this", exp.to_identifier(pair[0]))
        selected.replace(exp.column(pair[1]))
        count = 1
    if isinstance(node.parent, exp.Not) and _may_be_null(given, node.this.name) | _may_be_null(
        asked, inner.selects[0].name
    ):
        _write_exists(node, inner, asked)
        return 1
    return count


def _write_exists(node: exp.In, inner: exp.Select, asked: SchemaTable) -> None:
    from sqlglot import exp

    source = inner.args["from_"].this
    own = exp.column(inner.selects[0].unalias().name, table=source.alias_or_name)
    outer = node.this.copy()
    if not outer.table:
        outer.set("table", exp.to_identifier(_first_alias(node)))
    if outer.table.lower() == source.alias_or_name.lower():
        return
    inner.set("expressions", [exp.Literal.number(1)])
    inner.set("distinct", None)
    inner.where(exp.EQ(this=own, expression=outer), copy=False)
    node.replace(exp.Exists(this=inner))


def _first_alias(node: exp.In) -> str:
    outer = node.parent_select
    return outer.args["from_"].this.alias_or_name if outer is not None else ""


def _only_table(select: exp.Select, tables: dict[str, SchemaTable]) -> SchemaTable | None:
    from sqlglot import exp

    source = select.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or select.args.get("joins"):
        return None
    return tables.get(source.this.name.lower())


def _table_of(column: exp.Column, select: exp.Select, tables: dict[str, SchemaTable]) -> SchemaTable | None:
    from sqlglot import exp

    sources = [node for node in select.find_all(exp.Table) if node.parent_select is select]
    if not column.table:
        return tables.get(sources[0].name.lower()) if len(sources) == 1 else None
    return next((tables.get(s.name.lower()) for s in sources if s.alias_or_name.lower() == column.table.lower()), None)


def _key_between(given: SchemaTable, asked: SchemaTable) -> tuple[str, str] | None:
    """The columns of both on which they are joined."""
    pairs = [(k.columns[0], k.target_columns[0]) for k in given.foreign_keys if k.target_table == asked.name]
    pairs += [(k.target_columns[0], k.columns[0]) for k in asked.foreign_keys if k.target_table == given.name]
    return pairs[0] if len(pairs) == 1 else None


def _has(table: SchemaTable, name: str) -> bool:
    return any(column.name.lower() == name.lower() for column in table.columns)


def _may_be_null(table: SchemaTable, name: str) -> bool:
    return any(column.nullable for column in table.columns if column.name.lower() == name.lower())
