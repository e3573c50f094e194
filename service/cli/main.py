"""`ragsql`: the commands, and one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import typer

from service.cli import (
    ask,
    audit,
    cost,
    doctor,
    documents,
    eval,
    feedback,
    health,
    migrate,
    models,
    reindex,
    serve,
    sql,
    train,
    upgrade_records,
    upload,
    usage,
)
from service.cli.output import ExitCode, complain

app = typer.Typer(
    name="ragsql",
    help="Answers questions from documents, from a SQL database, or from both.",
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no answer, 4 no server reached, 5 SQL waits for approval, "
        "130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(upload.upload)
app.command()(ask.ask)
app.command()(sql.sql)
app.command()(audit.audit)
app.command()(train.train)
app.add_typer(feedback.app, name="feedback")
app.add_typer(documents.app, name="documents")
app.command(name="eval")(eval.evaluate)
app.command()(cost.cost)
app.command()(health.health)
app.command()(doctor.doctor)
app.command()(reindex.reindex)
app.command()(migrate.migrate)
app.command()(usage.usage)
app.command()(upgrade_records.upgrade_records)
app.add_typer(models.app, name="models")


def main() -> None:
    """Run a command. Every failure is a sentence on stderr; `python -X dev` shows the traceback instead."""
    try:
        app()
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        complain(_sentence(error))
        sys.exit(ExitCode.FAILED)


def run() -> None:
    """Run a command and end the process.

    Where a server was asked, it ends without the interpreter's clean-up: a thread of the HTTP library that wakes
    during it aborts the process of a command that is done (pyqwest issue 164).
    """
    try:
        main()
    except SystemExit as end:
        if "ragsql_client" not in sys.modules or not isinstance(end.code, int):
            raise
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code)


def _sentence(error: Exception) -> str:
    from service.errors import RagsqlError, SettingsError

    match error:
        case SettingsError():
            return "Some settings are wrong.\n" + "\n".join(f"  {n}: {p}" for n, p in error.problems.items())
        case RagsqlError():
            return error.message
        case OSError() if error.filename:
            return f"{error.filename}: {error.strerror}."
        case OSError():
            return f"{error.strerror or error}."
        case _:
            return f"Something failed that should not have: {type(error).__name__}: {error}"


if __name__ == "__main__":
    run()
