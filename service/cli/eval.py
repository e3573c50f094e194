"""`ragsql eval`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, complain
from service.cli.remote import connected

if TYPE_CHECKING:
    from service.evaluation.compare import SuiteChange
    from service.evaluation.questions import EvalQuestion, Rows
    from service.evaluation.reports import Report
    from service.evaluation.runs import Run


def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Questions, one JSON object a line.", exists=True, dir_okay=False)
    ],
    url: Url = DEFAULT_URL,
    at_least: Annotated[
        float | None, typer.Option(help="The least share of right answers, 0 to 1.", min=0, max=1, show_default="none")
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("ragsql-results"),
    database: Annotated[
        str, typer.Option(help="Where gold_sql without gold_rows is run, read only.", show_default="none")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Ask a server questions whose answers are known, and say how many are right and what got worse.

    A line has the question and what is expected, at least one of: route
    (documents, sql, hybrid, or none where nothing answers), answer_regexes,
    gold_rows, gold_sql, docs [{"file", "pages"}]. The run is kept as JSON and
    as a page of HTML, and compared with the last one of a file of this name,
    by the same models, on the same machine.

    Exits with 1 when fewer questions are right than in the last run or than
    --at-least, with 2 when the file is wrong, with 4 when no server answers.
    """
    from service.cli.eval_view import View
    from service.evaluation.asking import ask_all
    from service.evaluation.hashing import hash_of
    from service.evaluation.runs import run_of

    questions = _load(file, database)
    try:
        with connected(url, as_json) as client, View(len(questions), as_json) as view:
            report = ask_all(client, file.stem, questions, hash_of(file.read_bytes()), done=view.follow)
    except KeyboardInterrupt:
        complain("Interrupted. Nothing was kept.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    run = run_of(file.stem, url, [report])
    page, changes = _keep(run, results)
    view.show(run, changes, page)
    if not _reaches(report, at_least) or any(change.worse for change in changes):
        raise typer.Exit(ExitCode.FAILED)


def _load(file: Path, database: str) -> list[EvalQuestion]:
    """The questions of a file, each with its rows. Raises Exit when any is wrong."""
    from service.evaluation.questions import BadQuestions, load

    try:
        questions = load(file)
        alone = [question for question in questions if question.gold_sql and question.gold_rows is None]
        if alone and not database:
            raise BadQuestions(
                [f"{file}: {alone[0].id}: gold_sql: Add gold_rows, or name the database it is for with --database."]
            )
        found = asyncio.run(_rows(file, database, alone)) if alone else {}
    except BadQuestions as error:
        complain(str(error))
        raise typer.Exit(ExitCode.USAGE) from None
    return [replace(question, gold_rows=found.get(question.id, question.gold_rows)) for question in questions]


async def _rows(file: Path, database: str, questions: Sequence[EvalQuestion]) -> dict[str, Rows]:
    """What the gold SQL returns, by the id of its question. Raises BadQuestions."""
    from service.adapters.databases.open import open_database
    from service.domain.caller import DEFAULT_CALLER
    from service.domain.sql import MAX_RESULT_ROWS, ExecutionLimits
    from service.errors import RagsqlError
    from service.evaluation.questions import BadQuestions

    found: dict[str, Rows] = {}
    problems: list[str] = []
    for question in questions:
        try:
            opened = open_database(database)
            table = await opened.execute(DEFAULT_CALLER, question.gold_sql, ExecutionLimits(max_rows=MAX_RESULT_ROWS))
            found[question.id] = table.rows
        except RagsqlError as error:
            problems.append(f"{file}: {question.id}: gold_sql: {error.message}")
    if problems:
        raise BadQuestions(problems)
    return found


def _keep(run: Run, results: Path) -> tuple[Path, list[SuiteChange]]:
    """The page that was written, and what changed since the last run that was kept."""
    from service.evaluation.page import render
    from service.evaluation.runs import changes, save

    found = changes(run, results)
    page = save(run, results).with_suffix(".html")
    page.write_text(render(run, found))
    return page, found


def _reaches(report: Report, at_least: float | None) -> bool:
    right = sum(outcome.right for outcome in report.outcomes)
    if at_least is None or right >= at_least * len(report.outcomes):
        return True
    complain(f"{right} of {len(report.outcomes)} are right, and at least {at_least:.0%} should be.")
    return False
