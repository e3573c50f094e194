"""Whether everything that a statement compares with was asked for: by the question, or by the rule that it applies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from service.domain.rules import SMALLER_UNITS, numbers_in
from service.domain.terms import terms

if TYPE_CHECKING:
    from sqlglot import exp

_LACK = re.compile(r"\b(?:no|not|never|none|without|nobody|nothing|cannot|\w+n't|un\w+|missing|lack\w*)\b", re.I)
_MIDDLE = re.compile(r"\b(?:average|mean|typical\w*|usual\w*|overall)\b", re.I)


Stored = Collection[tuple[str, str]]
"""Names of columns and values that they hold, both in lower case."""


def is_accounted_for(sql: str, dialect: str, asked: str, stored: Stored, named: Sequence[str] = ()) -> bool:
    """Whether all that is compared with stands in asked, texts are those of their columns, and what is named is used.

    asked is the question with the rule. A statement that compares with the present time, with an average or with what
    is lacking does what nobody may have asked for, unless the wording does.
    """
    from sqlglot import exp

    from service.domain.sql_guard import parse_statement

    tree = parse_statement(sql, dialect)
    if any(tree.find_all(exp.CurrentDate, exp.CurrentTimestamp)) or "'now'" in sql.lower():
        return False
    if not _LACK.search(asked) and any(tree.find_all(exp.Not, exp.NEQ)):
        return False
    if not _MIDDLE.search(asked) and any(tree.find_all(exp.Avg)):
        return False
    if not all(_is_asked_for(literal, asked) and _is_stored(literal, stored) for literal in _compared(tree)):
        return False
    written = {term for text in tree.find_all(exp.Literal) if text.is_string for term in terms(text.name)}
    return all(written.intersection(terms(name)) for name in named)


def picks_one(sql: str, dialect: str) -> bool:
    """Whether a statement says which group counts or sums up to the most or the least."""
    from sqlglot import exp

    from service.domain.sql_guard import parse_statement

    tree = parse_statement(sql, dialect)
    order, limit = tree.args.get("order"), tree.args.get("limit")
    if not isinstance(tree, exp.Select) or order is None or limit is None or not tree.args.get("group"):
        return False
    first = order.expressions[0].this
    counted = {item.alias.casefold() for item in tree.selects if item.find(exp.AggFunc)}
    return limit.expression.name == "1" and (bool(first.find(exp.AggFunc)) or first.name.casefold() in counted)


def _compared(tree: exp.Expr) -> Iterator[exp.Literal]:
    from sqlglot import exp

    kinds = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Like, exp.ILike)
    for comparison in tree.find_all(*kinds):
        for literal in comparison.find_all(exp.Literal):
            if literal.find_ancestor(*kinds) is comparison:
                yield literal


def _is_stored(literal: exp.Literal, stored: Stored) -> bool:
    from sqlglot import exp

    comparison = literal.find_ancestor(exp.EQ, exp.In)
    column = comparison.find(exp.Column) if comparison and literal.is_string else None
    if column is None or literal.name[:1].isdigit():
        return True
    return (column.name.casefold(), literal.name.casefold()) in stored


def _is_asked_for(literal: exp.Literal, asked: str) -> bool:
    from sqlglot import exp

    text = literal.name
    if not literal.is_string:
        flag = float(text) == 0 or (float(text) == 1 and isinstance(literal.parent, exp.EQ))
        return flag or _is_given(float(text), asked)
    dated = re.match(r"(\d{4})-\d\d", text)
    if dated:
        return any(year in asked for year in (dated[1], str(int(dated[1]) - 1)))
    said = set(terms(asked))
    return all(term in said for term in terms(text.strip("%")))


def _is_given(number: float, asked: str) -> bool:
    given = numbers_in(asked)
    return any(abs(number - value * unit) < 1e-6 for value in given for unit in (1, *SMALLER_UNITS)) or any(
        abs(number - value / 100) < 1e-9 for value in given
    )
