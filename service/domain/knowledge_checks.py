"""What is taught is checked before it is kept. Nothing of it is ever run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from service.domain.sql import MAX_STATEMENT_ROWS, KnowledgeItem, Schema
from service.domain.sql_guard import guard, parse_statement
from service.domain.sql_text import SQLGLOT_DIALECTS
from service.errors import SqlRejected

if TYPE_CHECKING:
    from sqlglot import exp

_NOT_DEFINING = "Only CREATE, ALTER and COMMENT define something, and this does not: {}"


def problem_of(item: KnowledgeItem, schema: Schema | None) -> tuple[str, str] | None:
    """The field of an item that is wrong and why, or None. Without a schema, SQL is only parsed, in any dialect."""
    if bool(item.ddl) + bool(item.documentation) + (item.example is not None) != 1:
        return "", "Set exactly one of ddl, documentation and example_query."
    if item.ddl:
        problem = _all(lambda dialect: _ddl_problem(item.ddl, dialect), schema)
        return ("ddl", problem) if problem else None
    if item.example is None:
        return None
    problem = example_problem(item.example.sql, schema)
    return ("example_query.sql", problem) if problem else None


def example_problem(sql: str, schema: Schema | None) -> str:
    """Why a statement cannot be an example, empty if it can: what the guard would not let run is not taught."""
    return _all(lambda dialect: _sql_problem(sql, dialect, schema), schema)


def _all(check: Callable[[str], str], schema: Schema | None) -> str:
    """The problem in the schema's dialect, or the first one if no dialect takes it."""
    problems = [check(dialect) for dialect in ([schema.dialect] if schema else SQLGLOT_DIALECTS)]
    return problems[0] if all(problems) else ""


def _sql_problem(sql: str, dialect: str, schema: Schema | None) -> str:
    try:
        if schema is None:
            parse_statement(sql, dialect)
        else:
            guard(sql, schema, MAX_STATEMENT_ROWS)
    except SqlRejected as error:
        return error.message
    except RecursionError:
        return "The statement is nested too deeply. Write it with fewer levels."
    return ""


def _ddl_problem(ddl: str, dialect: str) -> str:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        parsed = [tree for tree in sqlglot.parse(ddl, read=SQLGLOT_DIALECTS[dialect]) if tree is not None]
    except SqlglotError as error:
        return f"The definition cannot be parsed: {_first_line(error)}"
    except RecursionError:
        return "The definition is nested too deeply."
    statements = [tree for tree in parsed if not isinstance(tree, exp.Semicolon)]
    if not statements:
        return "There is no definition in it."
    return next((_NOT_DEFINING.format(tree.sql()[:60]) for tree in statements if not _defines(tree)), "")


def _defines(tree: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(tree, exp.Command):
        return tree.name.upper() in ("CREATE", "ALTER", "COMMENT")
    return isinstance(tree, (exp.Create, exp.Alter, exp.Comment))


def _first_line(error: Exception) -> str:
    # sqlglot underlines the place with terminal escapes.
    return (str(error).splitlines() or ["unknown syntax"])[0].rstrip(".") + "."
