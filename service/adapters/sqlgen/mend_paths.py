"""Joins by the shortest way: tables that only multiply rows are left out, and a table that is counted is joined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.adapters.sqlgen.idle_joins import is_only_bounded, speaks_of
from service.domain.join_keys import equals
from service.domain.schema_linking import join_path, name_parts, stem, words_of
from service.domain.sql import Schema, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp

_MAX_TABLES = 6
_MANY_TABLES = 5
_COUNTED = re.compile(r"\b(?:how many|number of|count of|total of)\s+(?:\w+\s+){0,2}?", re.IGNORECASE)


def shorten_joins(select: exp.Select, question: str, schema: Schema) -> int:
    """Join the tables that are read or named by the question, and what lies between them, and no others.

    Only plain equality joins of different tables are touched. Says whether anything changed.
    """
    plan = _read(select, schema)
    if plan is None:
        return 0
    asked = [stem(word) for word in words_of(question)]
    needed = {name for name in plan.aliases if name in plan.read or _is_named(name, asked)}
    counted = _counted_table(select, question, schema)
    if counted and counted not in plan.aliases:
        needed.add(counted)
    if not needed:
        return 0
    needed |= _filtering(select, plan, needed, bool(counted and counted not in plan.aliases), question, schema)
    wanted = _connected(sorted(needed), schema)
    current = set(plan.aliases)
    if wanted is None or wanted == current or len(wanted) > _MAX_TABLES:
        return 0
    if len(wanted) >= len(current) and not (counted and counted not in current) and plan.on_keys:
        return 0
    return int(_rebuild(select, wanted, plan, schema))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The tables of a SELECT with their aliases, those whose columns are read outside of ON, and how it is joined."""

    aliases: dict[str, str]
    read: set[str]
    on_keys: bool
    joined: tuple[frozenset[str], ...]


def _read(select: exp.Select, schema: Schema) -> _Plan | None:
    from sqlglot import exp

    source = select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    nodes: list[exp.Expr] = [source.this, *(join.this for join in joins)] if source else []
    known = {table.name.lower(): table for table in schema.tables}
    if not nodes or not all(isinstance(node, exp.Table) and node.name.lower() in known for node in nodes):
        return None
    if any(join.side or join.args.get("using") or (join.args.get("on") is None) for join in joins):
        return None
    aliases = {known[node.name.lower()].name: node.alias_or_name for node in nodes}
    if len(aliases) != len(nodes):
        return None
    by_alias = {alias.lower(): name for name, alias in aliases.items()}
    inside = {id(column) for join in joins for column in join.args["on"].find_all(exp.Column)}
    for join in joins:
        parts = join.args["on"].flatten() if isinstance(join.args["on"], exp.And) else [join.args["on"]]
        if not all(isinstance(p, exp.EQ) and _columns(p) for p in parts):
            return None
    read: set[str] = set()
    for column in select.find_all(exp.Column):
        if id(column) in inside:
            continue
        if not column.table:
            owners = [
                name
                for name in aliases
                if any(c.name.lower() == column.name.lower() for c in known[name.lower()].columns)
            ]
            read.update(owners[:1])
        elif column.table.lower() in by_alias:
            read.add(by_alias[column.table.lower()])
    joined = tuple(
        frozenset(by_alias.get(side.table.lower(), "") for side in (equality.this, equality.expression))
        for join in joins
        for equality in join.args["on"].find_all(exp.EQ)
    )
    return _Plan(aliases, read, all(_on_key(join, by_alias, known) for join in joins), joined)


def _filtering(
    select: exp.Select, plan: _Plan, needed: set[str], replaced: bool, question: str, schema: Schema
) -> set[str]:
    """Tables at the ends that nothing is read from and that are joined to filter or to be counted all the same.

    What a key refers to neither filters nor multiplies. Other ends are left out only when what is counted replaces
    them, when they multiply sums over many tables, or when the question says nothing of them and ends in its bound.
    """
    from sqlglot import exp

    known = {table.name: table for table in schema.tables}
    idle = (
        set[str]()
        if select.find(exp.AggFunc) or not is_only_bounded(select, question)
        else {name for name in plan.aliases if not speaks_of(question, known[name], [known[other] for other in needed])}
    )
    summed = select.find(exp.Sum, exp.Avg) is not None and len(plan.aliases) >= _MANY_TABLES
    left = set(plan.aliases)
    while True:
        ends = {
            name: next(iter(neighbours))
            for name in left - needed
            if len(neighbours := {other for pair in plan.joined if name in pair for other in pair & left} - {name}) == 1
        }
        gone = {
            name
            for name, other in ends.items()
            if replaced or summed or name in idle or any(key.target_table == name for key in known[other].foreign_keys)
        }
        if not gone:
            return set(ends)
        left -= gone


def _columns(equality: exp.Expr) -> bool:
    from sqlglot import exp

    return all(isinstance(side, exp.Column) and side.table for side in (equality.this, equality.expression))


def _on_key(join: exp.Join, by_alias: dict[str, str], known: dict[str, SchemaTable]) -> bool:
    from sqlglot import exp

    for equality in join.args["on"].find_all(exp.EQ):
        sides = [
            (by_alias.get(side.table.lower(), ""), side.name.lower()) for side in (equality.this, equality.expression)
        ]
        for (own, column), (other, target) in (sides, sides[::-1]):
            table = known.get(own.lower())
            for key in table.foreign_keys if table else ():
                if (
                    key.target_table == other
                    and column in {c.lower() for c in key.columns}
                    and target in {c.lower() for c in key.target_columns}
                ):
                    return True
    return False


def _is_named(table: str, asked: list[str]) -> bool:
    return set(name_parts(table)) <= set(asked)


def _counted_table(select: exp.Select, question: str, schema: Schema) -> str:
    """The table whose rows a question counts, when the statement counts rows."""
    from sqlglot import exp

    if not any(isinstance(node.this, exp.Star) for item in select.selects for node in item.find_all(exp.Count)):
        return ""
    for match in _COUNTED.finditer(question):
        words = [stem(word) for word in words_of(question[match.end() :])[:1]]
        named = [table.name for table in schema.tables if words and name_parts(table.name) == words]
        if len(named) == 1:
            return named[0]
    return ""


def _connected(needed: list[str], schema: Schema) -> set[str] | None:
    """The tables and those between them, joined greedily by the shortest ways; None when there is no way."""
    joined = {needed[0]}
    for name in needed[1:]:
        paths = [path for start in sorted(joined) if (path := join_path(schema, start, name))]
        if name in joined:
            continue
        if not paths:
            return None
        joined.update(min(paths, key=len))
    return joined


def _rebuild(select: exp.Select, wanted: set[str], plan: _Plan, schema: Schema) -> bool:
    from sqlglot import exp

    first = next((name for name in plan.aliases if name in wanted), sorted(wanted)[0])
    known = {table.name: table for table in schema.tables}
    order, joins = [first], list[exp.Expr]()
    rest = sorted(
        wanted - {first}, key=lambda name: (list(plan.aliases).index(name) if name in plan.aliases else 99, name)
    )
    while rest:
        step = next(((n, o) for n in rest for o in order if len(join_path(schema, o, n)) == 2), None)
        if step is None:
            return False
        name, other = step
        condition = _condition(known[other], plan.aliases.get(other, other), known[name], plan.aliases.get(name, name))
        if condition is None:
            return False
        joins.append(exp.Join(this=_table(name, plan), on=condition))
        order.append(name)
        rest.remove(name)
    select.set("from_", exp.From(this=_table(first, plan)))
    select.set("joins", joins)
    return True


def _table(name: str, plan: _Plan) -> exp.Expr:
    from sqlglot import exp

    alias = plan.aliases.get(name, name)
    return exp.Table(
        this=exp.to_identifier(name),
        alias=exp.TableAlias(this=exp.to_identifier(alias)) if alias.lower() != name.lower() else None,
    )


def _condition(first: SchemaTable, alias: str, second: SchemaTable, other: str) -> exp.Expr | None:
    from sqlglot import exp

    keys = [equals(key, alias, other) for key in first.foreign_keys if key.target_table == second.name]
    keys += [equals(key, other, alias) for key in second.foreign_keys if key.target_table == first.name]
    return exp.and_(*keys[0]) if len(keys) == 1 else None
