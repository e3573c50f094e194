"""The SQL guard on gold SQL: how long it takes, and how much of what is right it refuses."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import sqlglot

from benchmarks.figures import Figure, percentile
from evals.sql_golds import Gold, defog, music_store
from service import samples
from service.adapters.databases.open import open_database
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import MAX_STATEMENT_ROWS
from service.domain.sql_guard import guard
from service.domain.sql_text import SQLGLOT_DIALECTS
from service.errors import SqlRejected

DATA = Path(__file__).parents[2] / "shared" / "data" / "defog"
ROUNDS = 3


def run() -> list[Figure]:
    """CPU times of this process, so that a busy machine does not count; sqlglot's parsing alone stands beside."""
    schema = asyncio.run(open_database(samples.DATABASE_URL).schema(DEFAULT_CALLER))
    golds = [*music_store(schema), *(defog(DATA) if DATA.is_dir() else ())]
    for gold in golds:
        _refused(gold)
    times: list[float] = []
    parsing: list[float] = []
    refused = 0
    for _ in range(ROUNDS):
        for gold in golds:
            start = time.process_time()
            refused += _refused(gold)
            middle = time.process_time()
            sqlglot.parse(gold.sql, read=SQLGLOT_DIALECTS[gold.schema.dialect])
            parsing.append((time.process_time() - middle) * 1e3)
            times.append((middle - start) * 1e3)
    times.sort()
    beside = f"sqlglot parses in {percentile(sorted(parsing), 0.5):.2f} ms"
    return [
        Figure("guard of gold SQL, p50", percentile(times, 0.5), "ms", len(times), 5, beside),
        Figure("guard of gold SQL, p99", percentile(times, 0.99), "ms", len(times), 15),
        Figure("gold SQL that the guard refuses", 100 * refused / len(times), "%", len(golds), 2),
    ]


def _refused(gold: Gold) -> bool:
    try:
        guard(gold.sql, gold.schema, MAX_STATEMENT_ROWS)
    except SqlRejected:
        return True
    return False
