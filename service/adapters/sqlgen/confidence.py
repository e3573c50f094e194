"""How far a statement that passed the guard may be trusted to answer its question."""

from __future__ import annotations

from service.domain.schema_linking import Links, name_parts, stem, words_of
from service.domain.sql_guard import GuardedSql, parse_statement
from service.ports import SqlRequest

_UNLINKED = 0.3
_UNKNOWN_LITERAL = 0.5
_NO_TABLE = 0.0


def rate(guarded: GuardedSql, request: SqlRequest, links: Links) -> float:
    """0 to 1: what speaks against it are unlinked tables and texts that stand nowhere but in the statement."""
    from sqlglot import exp

    if not guarded.tables:
        return _NO_TABLE
    confidence = 1.0
    linked = set(links.tables) | {name.rpartition(".")[0] for name in links.columns}
    asked = {stem(word) for word in words_of(request.question)}
    if not linked.intersection(guarded.tables):
        confidence *= _UNLINKED
    tree = parse_statement(guarded.sql, request.schema.dialect)
    known = {match.value.casefold() for match in links.values}
    for table in request.schema.tables:
        for column in table.columns:
            known.update(value.casefold() for value in column.values)
    for literal in tree.find_all(exp.Literal):
        parent = literal.parent
        if not literal.is_string or not isinstance(parent, (exp.EQ, exp.NEQ, exp.In, exp.Like, exp.ILike)):
            continue
        text = literal.name.strip("%").casefold()
        parts = name_parts(text) or [text]
        if text not in known and not any(part in asked for part in parts) and not text[:1].isdigit():
            confidence *= _UNKNOWN_LITERAL
    return round(confidence, 3)
