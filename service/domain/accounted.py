"""Whether everything that a statement compares with was asked for: by the question, or by the rule that it applies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from service.domain.rules import SMALLER_UNITS, numbers_in
from service.domain.schema_linking import name_parts, stem, words_of
from service.domain.sql import Schema
from service.domain.terms import terms

if TYPE_CHECKING:
    from sqlglot import exp

_LACK = re.compile(r"\b(?:no|not|never|none|without|nobody|nothing|cannot|\w+n't|un\w+|missing|lack\w*)\b", re.I)
_MIDDLE = re.compile(r"\b(?:average|mean|typical\w*|usual\w*|overall)\b", re.I)
_TOTAL = re.compile(r"\b(?:totals?|sums?|altogether|together|how much|amounts?)\b", re.I)
_LIST = re.compile(r"\W*(?:which|list|name|show)\b", re.I)

_STATES = (
    (re.compile(r"\b(?:owe[sd]?|owing|unpaid|outstanding|(?:not|never) paid)\b", re.I), {"paid", "settl", "statu"}),
    (
        re.compile(r"\b(?:open|pending|un(?:settled|resolved|decided|answered|finished)|ongoing)\b", re.I),
        {"settl", "clos", "resolv", "decid", "answer", "finish", "complet", "end", "paid", "pend", "statu"},
    ),
    (re.compile(r"\b(?:cancelled|former|active|current(?:ly)?)\b", re.I), {"cancell", "activ", "end", "left", "statu"}),
)
"""What a question may say of the state of things, and stems in the names of columns that hold it."""
Stored = Collection[tuple[str, str]]
"""Names of columns and values that they hold, both in lower case."""


def is_accounted_for(sql: str, dialect: str, asked: str, stored: Stored, named: Sequence[str] = ()) -> bool:
    """Whether all that is compared with stands in asked, texts are those of their columns, and what is named is used.

    asked is the question with the rule. A statement that compares with the present time, with an average or with what
    is lacking does what nobody may have asked for, unless the wording does. One that compares a column with itself says
    nothing.
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
    if any(_compares_with_itself(item) for item in tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE)):
        return False
    if not all(_is_asked_for(literal, asked) and _is_stored(literal, stored) for literal in _compared(tree)):
        return False
    written = {term for text in tree.find_all(exp.Literal) if text.is_string for term in terms(text.name)}
    return all(written.intersection(terms(name)) for name in named)


def misses_point(sql: str, schema: Schema, question: str, rule: str) -> bool:
    """Whether a statement that applies a rule lists something else, whatever it compares with.

    It sums up what it bounded row by row though nobody asked for a total, counts where a list is asked for, joins a
    table that it does not read and of which the question does not speak, or does not look at a state that the question
    speaks of and its tables hold.
    """
    from service.domain.sql_guard import parse_statement

    tree = parse_statement(sql, schema.dialect)
    columns = {table.name.casefold(): [column.name for column in table.columns] for table in schema.tables}
    if not _TOTAL.search(f"{question} {rule}") and _sums_what_it_bounds(tree):
        return True
    if _counts_for_a_list(tree, question) or _joins_for_nothing(tree, question, schema):
        return True
    return _leaves_state_open(tree, question, columns)


def _counts_for_a_list(tree: exp.Expr, question: str) -> bool:
    from sqlglot import exp

    if not isinstance(tree, exp.Select) or tree.args.get("group") or not _LIST.match(question):
        return False
    return all(isinstance(item.unalias(), (exp.Count, exp.Sum, exp.Avg)) for item in tree.selects)


def _joins_for_nothing(tree: exp.Expr, question: str, schema: Schema) -> bool:
    """Whether it joins a table whose rows only drop or repeat others; one that is joined by its whole key does not."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select) or tree.find(exp.AggFunc):
        return False
    keys = {table.name.casefold(): [key.casefold() for key in table.primary_key] for table in schema.tables}
    joins: list[exp.Join] = tree.args.get("joins") or []
    asked = {stem(word) for word in words_of(question)}
    for join in joins:
        table, own = join.this, {id(column) for column in join.find_all(exp.Column)}
        if join.side or not isinstance(table, exp.Table) or table.name.casefold() not in keys:
            continue
        on = (column for column in join.find_all(exp.Column) if column.table == table.alias_or_name)
        if [column.name.casefold() for column in on] == keys[table.name.casefold()]:
            continue
        if any(
            column.table in ("", table.alias_or_name) for column in tree.find_all(exp.Column) if id(column) not in own
        ):
            continue
        if asked.isdisjoint(name_parts(table.name)):
            return True
    return False


def _leaves_state_open(tree: exp.Expr, question: str, columns: Mapping[str, Collection[str]]) -> bool:
    from sqlglot import exp

    asked = [kept for words, kept in _STATES if words.search(question)]
    if not asked:
        return False
    conditions = [part for kind in (exp.Where, exp.Having, exp.Join) for part in tree.find_all(kind)]
    read = {column.name.casefold() for part in conditions for column in part.find_all(exp.Column)}
    held = {name for table in tree.find_all(exp.Table) for name in columns.get(table.name.casefold(), ())}
    for kept in asked:
        states = {name.casefold() for name in held if kept.intersection(name_parts(name))}
        if states and not states & read:
            return True
    return False


def shows(sql: str, dialect: str, column: str) -> bool:
    """Whether a statement lists a column, by its name alone."""
    from sqlglot import exp

    from service.domain.sql_guard import parse_statement

    tree = parse_statement(sql, dialect)
    listed = (found for item in getattr(tree, "selects", ()) for found in item.find_all(exp.Column))
    return any(found.name.casefold() == column.casefold() for found in listed)


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


def _compares_with_itself(comparison: exp.Expr) -> bool:
    from sqlglot import exp

    sides = [
        {column.sql() for column in side.find_all(exp.Column)} for side in (comparison.this, comparison.expression)
    ]
    return len(sides[0]) == 1 and sides[0] == sides[1]


def _sums_what_it_bounds(tree: exp.Expr) -> bool:
    from sqlglot import exp

    where = tree.args.get("where")
    if where is None or not tree.args.get("group") or tree.args.get("having"):
        return False
    bounds = (exp.GT, exp.GTE, exp.LT, exp.LTE)
    bounded = {item.this.name for item in where.find_all(*bounds) if isinstance(item.this, exp.Column)}
    return any(isinstance(item.this, exp.Column) and item.this.name in bounded for item in tree.find_all(exp.Sum))


def _compared(tree: exp.Expr) -> Iterator[exp.Literal]:
    from sqlglot import exp

    kinds = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Like, exp.ILike)
    for comparison in tree.find_all(*kinds):
        for literal in comparison.find_all(exp.Literal):
            pattern = isinstance(literal.parent, (exp.StrToTime, exp.TimeToStr)) and literal.arg_key == "format"
            if literal.find_ancestor(*kinds) is comparison and not pattern:
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
