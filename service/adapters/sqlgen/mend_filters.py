"""Filters that nobody asked for: small models copy them from examples, or add what seems usual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.domain.schema_linking import abbreviates, name_parts, stem, words_of

if TYPE_CHECKING:
    from sqlglot import exp

_NOW = re.compile(
    r"\b(past|last|previous|prior|recent\w*|today\w*|yesterday|tomorrow|now|current\w*|ago|since|this|days?|weeks?|"
    r"weekly|months?|monthly|quarters?|years?|annual\w*|hours?|upcoming|next|future|within|until|so far|old\w*|age\w*|"
    r"new\w*|late\w*|overdue|expire\w*)\b",
    re.IGNORECASE,
)
_SAME_START = 4


def drop_unasked(tree: exp.Expr, question: str) -> int:
    """Remove conditions on the current date that a question without any word of time got, and equalities with a
    text or a truth value when their table was joined for nothing else and the question names none of it. Says how many.
    """
    from sqlglot import exp

    timely = bool(_NOW.search(question))
    asked = {stem(word) for word in words_of(question)}
    dropped = 0
    for select in list(tree.find_all(exp.Select)):
        where = select.args.get("where")
        for condition in list(_conjuncts(where.this)) if where else ():
            about_now = condition.find(exp.CurrentDate, exp.CurrentTimestamp) is not None
            if (about_now and not timely) or (
                _joined_for_it(condition, select) and _is_unasked(condition, select, asked)
            ):
                unread = condition.this.table.lower() if not about_now else ""
                _remove(condition, select)
                _unjoin(unread, select)
                dropped += 1
    return dropped


def _joined_for_it(condition: exp.Expr, select: exp.Select) -> bool:
    """Whether the table of a condition's column gives nothing else to a SELECT of several tables."""
    from sqlglot import exp

    alias = condition.this.table.lower() if isinstance(condition.this, exp.Column) else ""
    joins: list[exp.Join] = select.args.get("joins") or []
    inside = {id(column) for join in joins if join.args.get("on") for column in join.args["on"].find_all(exp.Column)}
    read = [c for c in select.find_all(exp.Column) if c.table.lower() == alias and id(c) not in inside]
    return bool(alias and joins) and len(read) == 1


def _unjoin(alias: str, select: exp.Select) -> None:
    """Leave out the join of a table that nothing is read from any more, unless others are joined to it."""
    from sqlglot import exp

    joins: list[exp.Join] = select.args.get("joins") or []
    own = [join for join in joins if join.this.alias_or_name.lower() == alias]
    rest = [join for join in joins if join not in own]
    if own and not any(column.table.lower() == alias for join in rest for column in join.find_all(exp.Column)):
        select.set("joins", rest)


def _table_words(condition: exp.Expr, select: exp.Select) -> list[str]:
    from sqlglot import exp

    alias = condition.this.table.lower()
    return [w for t in select.find_all(exp.Table) if t.alias_or_name.lower() == alias for w in name_parts(t.name)]


def _is_unasked(condition: exp.Expr, select: exp.Select, asked: set[str]) -> bool:
    from sqlglot import exp

    if not isinstance(condition, (exp.EQ, exp.Is)) or not isinstance(condition.this, exp.Column):
        return False
    value = condition.expression
    is_text = isinstance(value, exp.Literal) and value.is_string
    if not (is_text or (isinstance(value, exp.Boolean) and value.this)):
        return False
    if is_text and any(abbreviates(value.name, word) for word in asked):
        return False
    words = [
        *_table_words(condition, select),
        *name_parts(condition.this.name),
        *(name_parts(value.name) if is_text else ()),
        value.name.lower(),
    ]
    return not any(_occurs(word, asked) for word in words if len(word) > 1 and word not in ("is", "id", "name"))


def _occurs(word: str, asked: set[str]) -> bool:
    start = word[:_SAME_START]
    return word in asked or (len(word) >= _SAME_START and any(other.startswith(start) for other in asked))


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    from sqlglot import exp

    if isinstance(node, (exp.And, exp.Paren)) and (not isinstance(node, exp.Paren) or isinstance(node.this, exp.And)):
        for part in node.iter_expressions():
            yield from _conjuncts(part)
    else:
        yield node


def _remove(condition: exp.Expr, select: exp.Select) -> None:
    from sqlglot import exp

    parent = condition.parent
    while isinstance(parent, exp.Paren):
        condition, parent = parent, parent.parent
    if isinstance(parent, exp.And):
        parent.replace(parent.expression if parent.this is condition else parent.this)
    else:
        select.set("where", None)
