"""Corpora and databases for routing, each pair put together anew, and the evidence that a question finds there."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service import samples
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.questions import Question, Route
from service.domain.routing import SourceEvidence
from service.settings import load

FOLDER = Path(__file__).parent / "data" / "routing"
SAMPLE = "musicstore"
UNSEEN = "unseen"
"""The folder of questions that have neither a corpus nor a schema."""
DOCUMENT_SUFFIXES = (".md", ".html", ".docx", ".txt")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the route that it needs. group names the domain that it belongs to."""

    group: str
    question: str
    route: Route


def read_questions(path: Path, group: str) -> list[Asked]:
    """The questions of a JSONL file with "question" and "route" or "label"."""
    items: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [Asked(group, item["question"], Route((item.get("route") or item["label"]).upper())) for item in items]


def domains() -> list[str]:
    """The names of the domains that have documents and a database."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != UNSEEN)


@asynccontextmanager
async def domain_sources(name: str) -> AsyncGenerator[Assembly]:
    """The documents and the database of a domain."""
    if name == SAMPLE:
        async with sources([(path.name, path.read_bytes()) for path in samples.DOCUMENTS], samples.DATABASE_URL) as it:
            yield it
        return
    files = sorted(path for path in (FOLDER / name).iterdir() if path.suffix in DOCUMENT_SUFFIXES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "database.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((FOLDER / name / "schema.sql").read_text())
        async with sources([(file.name, file.read_bytes()) for file in files], f"sqlite:///{path}") as it:
            yield it


@asynccontextmanager
async def sources(documents: Sequence[tuple[str, bytes]], database_url: str) -> AsyncGenerator[Assembly]:
    """A service over these documents and this database, "" for none. No chat model."""
    with tempfile.TemporaryDirectory(prefix="ragsql-routing-") as folder:
        settings: Mapping[str, str] = {
            "RAGSQL_DATA_DIR": folder,
            "RAGSQL_SAMPLE_DATA": "false",
            "RAGSQL_LOCAL_MODEL": str(Path(folder) / "none.gguf"),
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        assembly = assemble(load(settings))
        try:
            for name, content in documents:
                await assembly.use_cases.documents.upload(DEFAULT_CALLER, name, content)
            yield assembly
        finally:
            assembly.close()


async def evidence_for(assembly: Assembly, text: str) -> SourceEvidence:
    """What the router sees."""
    question = Question(text)
    found = await assembly.retrieve(DEFAULT_CALLER, question)
    return await assembly.route.weigh(DEFAULT_CALLER, question, found)
