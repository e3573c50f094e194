"""`ragsql sql`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, as_dict, complain, console, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from ragsql.v1.sql_statement_pb2 import SqlStatement

MOST_ROWS = 1000


def sql(
    question: Annotated[str, typer.Argument(help="In natural language.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run it without asking.")] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only show it; it stays waiting for approval.")] = False,
    max_rows: Annotated[int, typer.Option(help="Rows at most.", min=1, max=MOST_ROWS)] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV, and the rest on stderr.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Have SQL written for a question, read it, and run exactly what was read.

    Nothing runs before the answer is y. Without a terminal to ask on, --yes
    runs it; otherwise it is left waiting for approval, and the exit code is 5.
    """
    if yes and no_run:
        raise typer.BadParameter("It contradicts --yes.", param_hint="--no-run")
    if as_json and as_csv:
        raise typer.BadParameter("It contradicts --json.", param_hint="--csv")
    with connected(url, as_json) as client:
        statement = client.generate_sql(question)
        if not as_json:
            _show(statement, on_stderr=as_csv)
        if no_run or not (yes or _agreed(as_json)):
            _leave(statement, as_json)
            raise typer.Exit(ExitCode.OK if no_run else ExitCode.SQL_PENDING)
        result = client.execute_sql(statement, max_rows=max_rows)
    if as_json:
        print_json({"sqlResult": as_dict(result)})
        return
    from service.cli.table_view import print_csv, show_table

    if as_csv:
        print_csv(result.table)
        if result.table.truncated:
            complain("There are more rows than are printed: raise --max-rows.")
    else:
        show_table(result.table)


def _show(statement: SqlStatement, on_stderr: bool) -> None:
    """The statement in lines, what it does, and the tables that it reads."""
    from rich.syntax import Syntax

    from service.cli.output import error_console

    out = error_console() if on_stderr else console()
    out.print(Syntax(_pretty(statement), "sql", theme="ansi_dark", background_color="default", word_wrap=True))
    if statement.explanation:
        out.print(statement.explanation, markup=False)
    if statement.tables:
        out.print(f"Reads {', '.join(statement.tables)}.", style="dim", markup=False)


def _pretty(statement: SqlStatement) -> str:
    """The statement with line breaks, or as it is when they cannot be set."""
    from service.domain.sql_guard import read_statement
    from service.domain.sql_text import SQLGLOT_DIALECTS, sql_text
    from service.errors import SqlRejected

    if statement.dialect not in SQLGLOT_DIALECTS:
        return statement.sql
    try:
        return sql_text(read_statement(statement.sql, statement.dialect), statement.dialect, pretty=True)
    except SqlRejected:
        return statement.sql


def _agreed(as_json: bool) -> bool:
    return not as_json and _is_asked() and typer.confirm("Run it?", default=False, err=True)


def _is_asked() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def _leave(statement: SqlStatement, as_json: bool) -> None:
    if as_json:
        print_json({"sqlStatement": as_dict(statement)})
    else:
        complain(f"It has not run, and waits for approval: {statement.name}")
