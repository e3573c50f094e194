"""What a SQL question over 50 tables costs beside the chat model and the database."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.figures import Figure, percentile
from service.adapters.databases.sqlite import SqliteDatabase
from service.app import assemble
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.questions import Question, Route, Usage
from service.ports import ChatMessage, ChatOptions, ChatReply
from service.settings import load

TABLES, COLUMNS, ROWS = 50, 10, 20
QUESTIONS, WARM = 200, 20
T = TypeVar("T")


class _Chat:
    """Answers at once."""

    model = "instant"
    supports_grammar = False

    def __init__(self) -> None:
        self.number = 0

    async def check(self) -> ComponentHealth:
        return ComponentHealth("chat", "instant", HealthStatus.SERVING)

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        table = f"depot_{self.number % TABLES}"
        sql = f"SELECT word_1, COUNT(*) AS n FROM {table} WHERE amount_2 > {self.number} GROUP BY word_1"
        return ChatReply(f"```sql\n{sql}\n```", Usage(models=(self.model,)))

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        yield await self.complete(caller, messages, options)


class _Timed(SqliteDatabase):
    """Knows how long its work took."""

    seconds = 0.0

    async def _run(self, work: Any, seconds: float) -> Any:
        return await self._timed(super()._run(work, seconds))

    async def _timed(self, work: Awaitable[T]) -> T:
        start = time.perf_counter()
        try:
            return await work
        finally:
            self.seconds += time.perf_counter() - start


def run() -> list[Figure]:
    """Wall times on this machine, less those of the database."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    database, chat = _Timed(_make(folder / "depots.sqlite")), _Chat()
    settings = load({"RAGSQL_DATA_DIR": str(folder / "data"), "RAGSQL_SAMPLE_DATA": "false"})
    assembly = assemble(settings, database=database, chat=chat)
    own: list[float] = []
    whole: list[float] = []
    # As a server does, which adds up usage in memory first.
    async with assembly.usage.buffering():
        for number in range(WARM + QUESTIONS):
            chat.number, before, start = number, database.seconds, time.perf_counter()
            question = f"How many rows of depot {number % TABLES} have an amount 2 over {number}, by word 1?"
            await assembly.use_cases.questions.ask(DEFAULT_CALLER, Question(question, Route.SQL))
            seconds = time.perf_counter() - start
            whole.append(seconds * 1e3)
            own.append((seconds - database.seconds + before) * 1e3)
    assembly.close()
    measured = sorted(own[WARM:])
    beside = f"{percentile(sorted(whole[WARM:]), 0.5):.1f} ms with the database"
    return [
        Figure(
            f"SQL question over {TABLES} tables, overhead p50", percentile(measured, 0.5), "ms", QUESTIONS, 15, beside
        ),
        Figure(f"SQL question over {TABLES} tables, overhead p95", percentile(measured, 0.95), "ms", QUESTIONS),
    ]


def _make(path: Path) -> Path:
    connection = sqlite3.connect(path)
    with connection:
        for number in range(TABLES):
            columns = [f"word_{i} TEXT" if i % 2 else f"amount_{i} INTEGER" for i in range(1, COLUMNS)]
            connection.execute(f"CREATE TABLE depot_{number} (id INTEGER PRIMARY KEY, {', '.join(columns)})")
            values = [(None, *(f"w{i + row}" if i % 2 else i * row for i in range(1, COLUMNS))) for row in range(ROWS)]
            connection.executemany(f"INSERT INTO depot_{number} VALUES ({', '.join('?' * COLUMNS)})", values)
    connection.close()
    return path
