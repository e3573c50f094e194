"""How many, how many of each, and how much of what: counts, groups, limits and ratios that a question asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from service.domain.schema_linking import name_parts, stem
from service.domain.sql import Schema, SchemaColumn
from service.domain.sql_guard import read_statement
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_GROUPED = re.compile(
    r"\b(each|every|per|by|which|who|whose|group\w*|across|among|between|split|break\w*|differ\w*|vary|varies|respective\w*|"
    r"daily|weekly|monthly|quarterly|yearly|annual\w*|different|top|types?|kinds?|list|all)\b",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"\b(top|first|last|most|least|fewest|highest|lowest|largest|smallest|biggest|best|worst|longest|shortest|oldest|"
    r"newest|youngest|earliest|latest|cheapest|\w+est|max\w*|min\w*|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"limit|only|single|common\w*|popular|more|rare\w*)\b|\d",
    re.IGNORECASE,
)
_SORTED = re.compile(
    r"\b(ordered (by|from)|order (by|from|them|the)|sort(ed)?|arranged?|starting)\b|\bfrom \w+ to \w+", re.IGNORECASE
)
_SOME = re.compile(r"\btop\b|\b\d+\b|\b(two|three|four|five|six|seven|eight|nine|ten)\b", re.IGNORECASE)
_RATIO = re.compile(r"\b(ratio|proportion|percent\w*|share|fraction)\b", re.IGNORECASE)
_OF_THINGS = re.compile(r"\b(?:how many|(?:number|count|sum) of)\s+([\w-]+(?:\s[\w-]+)?)", re.IGNORECASE)
_COUNTS = frozenset(("count", "cnt", "num", "number", "quantity", "qty"))
_NUMBERS = ("int", "numeric", "real", "double", "decimal")


def settle_counts(tree: exp.Select, question: str, schema: Schema) -> bool:
    """Ungroup what nobody asked to group, drop limits nobody asked for, add up stored counts, and divide for ratios."""
    changed = _ungroup(tree, question) | _unlimit(tree, question) | _sum_counts(tree, question, schema)
    return changed | _add_ratio(tree, question)


def _ungroup(tree: exp.Select, question: str) -> bool:
    """A single number of all rows, when groups are neither shown nor asked for."""
    from sqlglot import exp

    if not tree.args.get("group") or tree.args.get("having") or _GROUPED.search(question):
        return False
    if not all(item.find(exp.AggFunc) for item in tree.selects) or tree.find(exp.Window):
        return False
    for part in ("group", "order", "limit"):
        tree.set(part, None)
    return True


def _unlimit(tree: exp.Select, question: str) -> bool:
    limit = tree.args.get("limit")
    count = limit.expression.name if limit is not None and limit.expression is not None else ""
    if not count:
        return False
    all_sorted = count == "1" and _SORTED.search(question) and not _SOME.search(question)
    if _LIMITED.search(question) and not all_sorted:
        return False
    tree.set("limit", None)
    return True


def _sum_counts(tree: exp.Select, question: str, schema: Schema) -> bool:
    """Rows that each stand for several things are added up by their count, not counted."""
    from sqlglot import exp

    stars = [n for item in tree.selects for n in item.find_all(exp.Count) if isinstance(n.this, exp.Star)]
    if len(stars) != 1:
        return False
    used = {node.name.lower(): node.alias_or_name for node in tree.find_all(exp.Table) if node.parent_select is tree}
    things = [_flat(match[1].split()[0]) for match in _OF_THINGS.finditer(question)]
    for table in schema.tables:
        alias = used.get(table.name.lower())
        for column in table.columns if alias else ():
            if any(_counts(column, table.name, thing, used) for thing in things):
                qualifier = exp.to_identifier(alias)
                stars[0].replace(exp.Sum(this=exp.column(column.name, table=qualifier)))
                return True
    return False


def _counts(column: SchemaColumn, table: str, thing: str, used: Iterable[str]) -> bool:
    parts = set(name_parts(column.name))
    if not parts & _COUNTS or not any(mark in column.type.lower() for mark in _NUMBERS):
        return False
    rest = parts - _COUNTS
    return (rest == {thing} and not any(_flat(name) == thing for name in used)) or (not rest and _flat(table) == thing)


def _flat(word: str) -> str:
    return stem(word.replace("-", "").replace("_", ""))


def _add_ratio(tree: exp.Select, question: str) -> bool:
    """Two numbers of which a ratio is asked for, divided."""
    from sqlglot import exp

    if not _RATIO.search(question) or tree.find(exp.Div):
        return False
    numbers = [item.unalias() for item in tree.selects if isinstance(item.unalias(), exp.Count | exp.Sum | exp.Avg)]
    if len(numbers) != 2:
        return False
    above = exp.cast(numbers[0].copy(), "double precision")
    below = exp.Nullif(this=numbers[1].copy(), expression=exp.Literal.number(0))
    tree.append("expressions", exp.alias_(exp.Div(this=above, expression=below, typed=True), "ratio"))
    return True


def check_counts(sql: str, dialect: str) -> None:
    """Raise SqlRejected when a count stands in a SELECT that reads no table: it counts nothing."""
    from sqlglot import exp

    for select in read_statement(sql, dialect).find_all(exp.Select):
        counts = [node for item in select.selects for node in item.find_all(exp.Count) if node.parent_select is select]
        if counts and not select.args.get("from_"):
            raise SqlRejected("columns", f"{counts[0].sql()} stands in a SELECT without FROM. Add FROM with its table.")
