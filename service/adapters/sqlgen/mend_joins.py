"""Joins on the wrong columns, where the schema knows the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.join_keys import equals
from service.domain.sql import ForeignKey, SchemaTable

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True)
class _Link:
    """A foreign key between two sources, by their aliases."""

    owner: str
    target: str
    key: ForeignKey

    def pairs(self) -> list[frozenset[tuple[str, str]]]:
        return [
            frozenset(((self.owner.lower(), own.lower()), (self.target.lower(), other.lower())))
            for own, other in zip(self.key.columns, self.key.target_columns, strict=True)
        ]


def mend_joins(select: exp.Select, tables: Mapping[str, SchemaTable]) -> bool:
    """Replace an ON equality that is on no foreign key, and cannot be meant, by the only key between the tables.

    tables are the stored tables of the SELECT by lower-case alias. Says whether anything changed.
    """
    from sqlglot import exp

    before: list[str] = []
    from_clause = select.args.get("from_")
    if from_clause:
        before.append(from_clause.this.alias_or_name)
    changed = False
    for join in select.args.get("joins") or ():
        alias = join.this.alias_or_name
        on = join.args.get("on")
        links = _links(alias, before, tables)
        before.append(alias)
        equalities = [] if on is None else [eq for eq in on.find_all(exp.EQ) if _is_between_columns(eq)]
        right = {pair for link in links for pair in link.pairs()}
        if len(links) != 1 or any(_pair(eq) in right for eq in equalities):
            continue
        wrong = [eq for eq in equalities if _cannot_be_meant(eq, tables)]
        if len(wrong) == 1:
            wrong[0].replace(exp.and_(*equals(links[0].key, links[0].owner, links[0].target)))
            changed = True
    return changed


def _links(alias: str, before: list[str], tables: Mapping[str, SchemaTable]) -> list[_Link]:
    new = tables.get(alias.lower())
    found: list[_Link] = []
    for other in before:
        old = tables.get(other.lower())
        if new is None or old is None:
            continue
        found.extend(_Link(alias, other, key) for key in new.foreign_keys if key.target_table == old.name)
        found.extend(_Link(other, alias, key) for key in old.foreign_keys if key.target_table == new.name)
    return found


def _is_between_columns(equality: exp.EQ) -> bool:
    from sqlglot import exp

    sides = (equality.this, equality.expression)
    return all(isinstance(side, exp.Column) and side.table for side in sides)


def _pair(equality: exp.EQ) -> frozenset[tuple[str, str]]:
    return frozenset((side.table.lower(), side.name.lower()) for side in (equality.this, equality.expression))


def _cannot_be_meant(equality: exp.EQ, tables: Mapping[str, SchemaTable]) -> bool:
    """A column that is not there, one table with itself, values of two kinds, or a primary key with something it is
    not the key of.
    """
    sides = (equality.this, equality.expression)
    kinds = {_kind(side, tables) for side in sides} - {""}
    if len(kinds) > 1:
        return True
    if sides[0].table.lower() == sides[1].table.lower():
        return True
    for side in sides:
        table = tables.get(side.table.lower())
        if table is None:
            continue
        if side.name.lower() not in {column.name.lower() for column in table.columns}:
            return True
        if tuple(name.lower() for name in table.primary_key) == (side.name.lower(),):
            return True
    return False


def _kind(column: exp.Expr, tables: Mapping[str, SchemaTable]) -> str:
    """Whether a column holds "whole" numbers or "text"; empty where that is not known."""
    table = tables.get(column.args["table"].name.lower())
    declared = (
        next((c.type.lower() for c in table.columns if c.name.lower() == column.name.lower()), "") if table else ""
    )
    return "whole" if "int" in declared else "text" if declared.startswith(("text", "char")) else ""
