"""What routing adds to a question whose passages are retrieved: over the sample data, and over a large schema."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, milliseconds, percentile
from service import samples
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question
from service.settings import load
from service.usecases.retrieve_passages import Retrieved

QUESTIONS = Path(__file__).parents[1] / "evals" / "data" / "routing" / "musicstore" / "questions.jsonl"
ROUNDS = 5
TABLES, COLUMNS = 120, 15
LIMIT = 10
LONG = 4_000


def run() -> list[Figure]:
    """Wall times on this machine. Names are embedded before, as they are when the service starts."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    asked = [json.loads(line)["question"] for line in QUESTIONS.read_text().splitlines()]
    sample = await _assembled(folder / "sample", samples.DATABASE_URL)
    found = {text: await sample.retrieve(DEFAULT_CALLER, Question(text)) for text in asked}
    large = await _assembled(folder / "large", _large_database(folder))
    long = (asked[0] + " ") * (LONG // len(asked[0]))
    over = {long: replace(await sample.retrieve(DEFAULT_CALLER, Question(asked[0])))}
    figures = [
        *await _figures("routing over the sample data", sample, found, asked * ROUNDS),
        *await _figures(f"routing over {TABLES * COLUMNS:,} columns", large, found, asked * ROUNDS),
        *await _figures(f"routing of {LONG:,} characters", sample, over, [long] * 30),
    ]
    sample.close()
    large.close()
    return figures


async def _assembled(folder: Path, url: str) -> Assembly:
    settings = {"RAGSQL_DATA_DIR": str(folder), "DATABASE_URL": url, "RAGSQL_LOCAL_MODEL": str(folder / "none.gguf")}
    assembly = assemble(load(settings))
    for path in samples.DOCUMENTS:
        await assembly.use_cases.documents.upload(DEFAULT_CALLER, path.name, path.read_bytes())
    await assembly.route.warm(DEFAULT_CALLER)
    return assembly


async def _figures(
    name: str, assembly: Assembly, found: dict[str, Retrieved], asked: Sequence[str]
) -> tuple[Figure, Figure]:
    async def route(text: str) -> None:
        await assembly.route(DEFAULT_CALLER, Question(text), found[text])

    await milliseconds(route, asked[:10])
    times = await milliseconds(route, asked)
    return (
        Figure(f"{name}, p50", percentile(times, 0.5), "ms", len(times), LIMIT),
        Figure(f"{name}, p95", percentile(times, 0.95), "ms", len(times)),
    )


def _large_database(folder: Path) -> str:
    path = folder / "large.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in range(TABLES):
            columns = ", ".join(f"field_{column}_of_{table} TEXT" for column in range(COLUMNS))
            connection.execute(f"CREATE TABLE thing_{table} ({columns})")
    return f"sqlite:///{path}"
