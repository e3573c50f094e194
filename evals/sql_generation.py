"""How many questions about the sample database get SQL that returns the right rows, and how sure it is of each.

The generator and its model are those of the usual settings; nothing is asked over the wire, since a server does not say
how sure the generator was.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from evals.measures import Confidence, Measure, Outcome, Report, share
from service import samples
from service.app import assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.prices import is_priced
from service.domain.questions import Usage
from service.domain.sql import ExecutionLimits
from service.errors import RagsqlError
from service.evaluation.grading import is_ordered, rows_match
from service.evaluation.hashing import hash_of
from service.evaluation.questions import EvalQuestion, load
from service.ports import CannotAnswer, Database, SqlGenerator, SqlRequest
from service.settings import load as load_settings


def run(path: Path) -> Report:
    """Every question of a file whose route is sql."""
    questions = [question for question in load(path) if question.route == "sql"]
    with tempfile.TemporaryDirectory(prefix="ragsql-eval-") as folder:
        settings = load_settings({**os.environ, "RAGSQL_DATA_DIR": folder, "DATABASE_URL": samples.DATABASE_URL})
        assembly = assemble(settings)
        database, generator = assembly.ports.database, assembly.ports.sqlgen
        assert database
        assert generator
        try:
            outcomes = asyncio.run(ask_all(generator, database, questions))
        finally:
            assembly.close()
    times = [outcome.seconds for outcome in outcomes if outcome.seconds is not None]
    measures = [
        share("right rows", [outcome.right for outcome in outcomes]),
        Measure("p50", statistics.median(times), len(times), "s"),
    ]
    return Report("SQL, musicstore", measures, outcomes=outcomes, data=hash_of(path.read_bytes()))


async def ask_all(generator: SqlGenerator, database: Database, questions: list[EvalQuestion]) -> list[Outcome]:
    """One outcome a question, asked one after the other."""
    return [await _ask(generator, database, question) for question in questions]


async def _ask(generator: SqlGenerator, database: Database, question: EvalQuestion) -> Outcome:
    schema = await database.schema(DEFAULT_CALLER)
    start = time.perf_counter()
    told: tuple[Confidence, ...] = ()
    sql, got, problem, usage = "", "", "", Usage()
    try:
        draft = await generator.generate(DEFAULT_CALLER, SqlRequest(question.question, schema))
        usage = draft.usage
    except RagsqlError as error:
        draft, problem = None, error.message
    seconds = time.perf_counter() - start
    if isinstance(draft, CannotAnswer):
        problem = f"declined: {draft.reason}"
    elif draft is not None:
        sql = draft.sql
        problem, got = await _run(database, question, sql)
        told = (Confidence("sql", draft.confidence, not problem),)
    return Outcome(
        id=question.id,
        question=question.question,
        right=not problem,
        problem=problem,
        expected=f"rows {question.gold_rows}",
        got=got,
        sql=sql,
        confidences=told,
        seconds=seconds,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        models=usage.models,
        unpriced=tuple(model for model in usage.models if not is_priced(model)),
    )


async def _run(database: Database, question: EvalQuestion, sql: str) -> tuple[str, str]:
    """What is wrong with what a statement returns, empty when nothing is, and its first rows."""
    try:
        table = await database.execute(DEFAULT_CALLER, sql, ExecutionLimits())
    except RagsqlError as error:
        return error.message, ""
    right = rows_match(question.gold_rows or (), table.rows, is_ordered(question.gold_sql))
    return "" if right else "wrong rows", str([tuple(map(str, row)) for row in table.rows[:5]])
