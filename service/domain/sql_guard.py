"""The guard: a statement is hostile until this allow-list has proven otherwise.

What passes is one SELECT or set operation over known tables and columns, with known functions, with a row limit,
and what runs is the text written anew from its syntax tree, never the text that came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.domain.sql import Schema
from service.domain.sql_guard_growth import check_growth
from service.domain.sql_guard_joins import check_joins
from service.domain.sql_guard_names import canonicalise, check_tables, qualify
from service.domain.sql_guard_place import refusal
from service.domain.sql_guard_rules import check_nodes
from service.domain.sql_text import SQLGLOT_DIALECTS, sql_text
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

MAX_BYTES = 10 * 1024
MAX_TABLES = 12
MAX_TOKENS = 2500
MAX_BRACKETS = 50
"""How deep brackets may nest."""
MAX_COLUMNS = 300
"""How often columns may be named: resolving them takes time that grows with the square."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class GuardedSql:
    """A statement that passed. sql is what may run; tables are the stored tables it reads, sorted."""

    sql: str
    tables: tuple[str, ...]


def guard(sql: str, schema: Schema, max_rows: int) -> GuardedSql:
    """Check a statement against the allow-lists and the schema, and bound its rows to max_rows.

    Guarding a result again changes nothing. Raises SqlRejected, whose rule names what was broken.
    """
    try:
        return _guard(sql, schema, max_rows)
    except RecursionError:
        raise SqlRejected("size", "The statement is nested too deeply. Write it with fewer levels.") from None


def parse_statement(sql: str, dialect: str) -> exp.Expr:
    """The syntax tree of exactly one query, the caller's own. Raises SqlRejected."""
    return read_statement(sql, dialect).copy()


@lru_cache(maxsize=256)
def read_statement(sql: str, dialect: str) -> exp.Expr:
    """The same tree to read only: it is shared. Raises SqlRejected."""
    # One question parses the same few texts ten times; a copy takes a quarter of the time.
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

    if "\x00" in sql:
        raise SqlRejected("characters", "The statement contains a NUL character.")
    if len(sql.encode("utf-8", "replace")) > MAX_BYTES:
        raise SqlRejected("size", f"The statement is longer than {MAX_BYTES} bytes.")
    reader = Dialect.get_or_raise(SQLGLOT_DIALECTS[dialect])
    try:
        tokens = reader.tokenize(sql)
        _check_size([token.text for token in tokens])
        _check_start(["''" if token.token_type is TokenType.STRING else token.text.upper() for token in tokens])
        parsed = [tree for tree in reader.parser().parse(tokens, sql) if tree is not None]
    except SqlglotError as error:
        raise _syntax(error) from None
    statements = [tree for tree in parsed if not isinstance(tree, exp.Semicolon)]
    if len(statements) != 1:
        raise SqlRejected("one statement", f"Exactly one statement is allowed, and there are {len(statements)}.")
    tree: exp.Expr = statements[0]
    while isinstance(tree, exp.Subquery) and not any(v for k, v in tree.args.items() if k != "this"):
        tree = tree.this
    if not isinstance(tree, (exp.Select, exp.SetOperation)):
        raise refusal("read only", f"Only SELECT is allowed, and this is {type(tree).__name__.upper()}.", tree)
    return tree


def _check_size(tokens: list[str]) -> None:
    depth = deepest = 0
    for token in tokens:
        depth += (token in _OPENING) - (token in _CLOSING)
        deepest = max(deepest, depth)
    if len(tokens) > MAX_TOKENS or deepest > MAX_BRACKETS:
        raise SqlRejected("size", f"The statement has over {MAX_TOKENS} words or {MAX_BRACKETS} levels of brackets.")


def _check_start(tokens: list[str]) -> None:
    """Refuse by its words what a parser need not see."""
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if not tokens:
        raise SqlRejected("one statement", "The statement is empty.")
    if ";" in tokens:
        after = tokens[tokens.index(";") + 1][:40]
        raise SqlRejected(
            "one statement", "Exactly one statement is allowed, without a semicolon inside.", f"; {after}"
        )
    first = next((token for token in tokens if token != "("), "")[:40]
    if first not in ("SELECT", "WITH"):
        raise SqlRejected("read only", f"Only SELECT is allowed, and this begins with {first}.", first)


def _guard(sql: str, schema: Schema, max_rows: int) -> GuardedSql:
    from sqlglot import exp

    tree = parse_statement(sql, schema.dialect)
    if sum(1 for _ in tree.find_all(exp.Column)) > MAX_COLUMNS:
        raise SqlRejected("size", f"The statement names columns more than {MAX_COLUMNS} times.")
    check_nodes(tree, schema.dialect)
    check_growth(tree)
    canonicalise(tree, schema)
    tree = _limited(tree, max_rows)
    tables = check_tables(tree, schema)
    if sum(1 for _ in tree.find_all(exp.Table)) > MAX_TABLES:
        raise SqlRejected("size", f"The statement reads more than {MAX_TABLES} tables.")
    qualified = qualify(tree, schema)
    check_joins(qualified)
    has_star = any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))
    return GuardedSql(_written(qualified if has_star else tree, schema.dialect), tables)


def _written(tree: exp.Expr, dialect: str) -> str:
    from sqlglot.errors import ErrorLevel, UnsupportedError

    try:
        return sql_text(tree, dialect, copy=False, comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise SqlRejected("element", f"The database has no such thing: {_first_line(error)}") from None


def _limited(tree: exp.Expr, max_rows: int) -> exp.Expr:
    """Bound the outermost rows: a smaller literal stays, a larger one is lowered, anything else is wrapped."""
    from sqlglot import exp

    cap = exp.Limit(expression=exp.Literal.number(max_rows))
    limit = tree.args.get("limit")
    if limit is None:
        tree.set("limit", cap)
        return tree
    count = limit.expression if isinstance(limit, exp.Limit) else limit.args.get("count")
    plain = not (isinstance(limit, exp.Fetch) and limit.args.get("limit_options"))
    if plain and isinstance(count, exp.Literal) and not count.is_string and count.name.isdigit():
        if int(count.name) > max_rows:
            tree.set("limit", cap)
        return tree
    wrapped = exp.select("*").from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=exp.to_identifier("limited"))))
    wrapped.set("limit", cap)
    return wrapped


def _syntax(error: SqlglotError) -> SqlRejected:
    from sqlglot.errors import ParseError

    found = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    fragment, line = str(found.get("highlight") or "")[:60], int(found.get("line") or 0)
    column = max(1, int(found.get("col") or 0) - max(0, len(fragment) - 1)) if line else 0
    problem = str(found.get("description") or _first_line(error)).partition(" but got <Token")[0]
    return SqlRejected("syntax", f"The statement cannot be parsed: {problem.rstrip('.')}.", fragment, line, column)


def _first_line(error: Exception) -> str:
    # sqlglot underlines the place with terminal escapes.
    text = str(error).splitlines()[0] if str(error) else "unknown syntax."
    return text.replace("\x1b[4m", "").replace("\x1b[0m", "")[:200].rstrip(".") + "."
