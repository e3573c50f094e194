"""`ragsql migrate` moves everything between backends, goes on after a kill, and never undoes what its target did."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner, Result

from service.adapters.parsers.parser import DocumentParser
from service.app import Assembly, assemble
from service.cli.main import app
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.settings import load
from tests.contract.openai_server import OpenAIServer
from tests.e2e.server import PATHS
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

pytestmark = pytest.mark.anyio
ME = DEFAULT_CALLER
NAMES = [f"file{number}.md" for number in range(8)]
Environ = dict[str, str]


@pytest.fixture
def environ(tmp_path: Path, openai: OpenAIServer) -> Environ:
    return {
        "RAGSQL_DATA_DIR": str(tmp_path / "data"),
        "RAGSQL_SAMPLE_DATA": "false",
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": openai.base_url,
        "COLUMNS": "200",
    }


@pytest.fixture
async def filled(environ: Environ, parser: DocumentParser) -> AsyncIterator[Assembly]:
    """A service with documents, knowledge and a log, all of it local."""
    service = assemble(load(environ), parser=parser)
    async with service.documents.working(recover=True):
        for name in NAMES:
            await service.use_cases.documents.upload(ME, name, f"# {name}\n\nIt tells of locker {name}.".encode())
        item = KnowledgeItem("", dt.datetime.now(dt.UTC), example=ExampleQuery("How many?", "SELECT 1"))
        await service.use_cases.knowledge.create(ME, item)
        await service.ports.records.save_answer(ME, "answer", "What?")
        await service.ports.records.save_feedback(ME, "answer", "up", "", "")
        yield service
    service.close()


def pgvector(database: str) -> str:
    return f"RAGSQL_VECTORS_URL=postgresql:///?{urlencode(conninfo_to_dict(database))}"


def migrate(environ: Environ, *to: str) -> Result:
    words = [word for one in to for word in ("--to", one)]
    return CliRunner().invoke(app, ["migrate", "--json", *words], env=environ)


async def migrated(environ: Environ, *to: str) -> dict[str, Any]:
    result = await migrate_in_thread(environ, *to)
    assert result.exit_code == 0, (result.output, result.exception)
    return {part["part"]: part for part in json.loads(result.stdout)}


def moved_to(environ: Environ, *to: str) -> Environ:
    return environ | dict(one.split("=", 1) for one in to)


async def names_found(service: Assembly) -> set[str]:
    vector = await service.ports.embedder.embed_query(ME, "locker")
    return {one.filename for one in await service.ports.vectors.search(ME, "locker", vector, 50)}


async def test_sqlite_to_pgvector_to_pinecone_and_back(
    environ: Environ, filled: Assembly, postgres_database: str, pinecone_emulator: PineconeEmulator, tmp_path: Path
) -> None:
    pinecone_emulator.indexes["rag-documents"] = Index(1536)
    before = await names_found(filled)
    assert before == set(NAMES)
    first = await migrated(environ, pgvector(postgres_database))
    assert {part: found["moved"] for part, found in first.items()} == {"vectors": len(NAMES)}
    at_postgres = moved_to(environ, pgvector(postgres_database))
    file = tmp_path / "new settings.env"
    file.write_text("# The new place\nexport PINECONE_API_KEY='key'\nRAGSQL_VECTORS=pinecone\n\n")
    second = await migrated(at_postgres, str(file))
    at_pinecone = at_postgres | {"PINECONE_API_KEY": "key", "RAGSQL_VECTORS": "pinecone"}
    third = await migrated(at_pinecone, "RAGSQL_VECTORS=sqlite", f"RAGSQL_DATA_DIR={tmp_path / 'back'}")
    assert first["vectors"]["checksum"] == second["vectors"]["checksum"] == third["vectors"]["checksum"]
    assert third.keys() == {"vectors", "blobs", "records"}
    back = assemble(load(environ | {"RAGSQL_DATA_DIR": str(tmp_path / "back")}))
    assert await names_found(back) == before
    document = (await back.use_cases.documents.list(ME, 1, "", ())).items[0]
    assert await back.ports.blobs.get(ME, f"files/{document.id}")
    assert (await back.use_cases.knowledge.list(ME, 10, "")).items
    assert (await back.use_cases.feedback.list(ME, 10, "", False)).items
    assert await names_found(filled) == before  # the source is as it was
    back.close()


async def test_files_to_s3_and_back(environ: Environ, filled: Assembly, s3_bucket: str, tmp_path: Path) -> None:
    there = ("STORAGE_BACKEND=s3", f"S3_CACHE_BUCKET={s3_bucket}")
    first = await migrated(environ, *there)
    assert first["blobs"]["items"] == first["blobs"]["moved"] == 2 * len(NAMES)
    again = await migrated(environ, *there)
    assert (again["blobs"]["moved"], again["blobs"]["checksum"]) == (0, first["blobs"]["checksum"])
    back = await migrated(moved_to(environ, *there), "STORAGE_BACKEND=local", f"RAGSQL_DATA_DIR={tmp_path / 'back'}")
    assert back["blobs"]["checksum"] == first["blobs"]["checksum"]


async def test_what_changes_between_two_runs_follows(
    environ: Environ, filled: Assembly, tmp_path: Path, s3_bucket: str
) -> None:
    to = (f"RAGSQL_DATA_DIR={tmp_path / 'new'}",)
    first = await migrated(environ, *to)
    documents = filled.use_cases.documents
    gone, kept = (await documents.list(ME, 2, "", ())).items
    await documents.delete(ME, gone.id)
    await documents.upload(ME, "newer.md", b"# Newer\n\nAnother locker.")
    item = (await filled.use_cases.knowledge.list(ME, 10, "")).items[0]
    await filled.use_cases.knowledge.delete(ME, item.id)
    second = await migrated(environ, *to)
    assert (second["vectors"]["moved"], second["vectors"]["removed"]) == (1, 1)
    assert (second["blobs"]["moved"], second["blobs"]["removed"]) == (2, 2)
    assert second["records"]["moved"] < first["records"]["moved"]
    new = assemble(load(moved_to(environ, *to)))
    assert await names_found(new) == ({*NAMES, "newer.md"} - {gone.filename})
    assert (await new.use_cases.documents.get(ME, kept.id)).filename == kept.filename
    assert (await new.use_cases.knowledge.list(ME, 10, "")).items == ()
    new.close()


async def test_a_target_that_holds_something_or_was_used_is_left_alone(
    environ: Environ, filled: Assembly, parser: DocumentParser, tmp_path: Path
) -> None:
    to = (f"RAGSQL_DATA_DIR={tmp_path / 'new'}",)
    await migrated(environ, *to)
    new = assemble(load(moved_to(environ, *to)), parser=parser)
    async with new.documents.working(recover=True):
        await new.use_cases.documents.upload(ME, "own.md", b"# Own\n\nA locker of its own.")
    again = await migrate_in_thread(environ, *to)
    assert again.exit_code == 1
    assert "in use" in str(again.exception)
    assert "own.md" in await names_found(new)
    new.close()
    fresh = environ | {"RAGSQL_DATA_DIR": str(tmp_path / "third")}
    refused = await migrate_in_thread(fresh, *to)
    assert refused.exit_code == 1
    assert "not empty" in str(refused.exception)


async def test_another_embedding_model_is_refused(environ: Environ, filled: Assembly, tmp_path: Path) -> None:
    refused = await migrate_in_thread(
        environ, f"RAGSQL_DATA_DIR={tmp_path / 'new'}", "RAGSQL_EMBEDDING_MODEL=text-embedding-3-large"
    )
    assert refused.exit_code == 1
    assert "ragsql reindex" in str(refused.exception)
    refused = await migrate_in_thread(
        environ | {"RAGSQL_EMBEDDING_MODEL": "text-embedding-3-large"}, f"RAGSQL_DATA_DIR={tmp_path / 'new'}"
    )
    assert refused.exit_code == 1
    assert "ragsql reindex" in str(refused.exception)


async def test_a_killed_run_goes_on_where_it_was(environ: Environ, filled: Assembly, postgres_database: str) -> None:
    to = pgvector(postgres_database)
    command = [sys.executable, "-m", "service.cli.main", "migrate", "--to", to]
    env = {**os.environ, **environ, "PYTHONPATH": PATHS}
    target = assemble(load(moved_to(environ, to)))
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 240
    while not await target.ports.vectors.document_ids(ME):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
    process.kill()
    await asyncio.to_thread(process.communicate)
    there = len(await target.ports.vectors.document_ids(ME))
    assert 0 < there <= len(NAMES)
    done = await migrated(environ, to)
    assert done["vectors"]["moved"] == len(NAMES) - there
    assert await names_found(target) == set(NAMES)
    await asyncio.to_thread(target.close)


def test_what_leads_nowhere_else_is_said(environ: Environ, tmp_path: Path) -> None:
    same = migrate(environ, "RAGSQL_THREADS=1")
    assert same.exit_code == 2
    broken = tmp_path / "broken.env"
    broken.write_text("RAGSQL_VECTORS\n")
    result = migrate(environ, str(broken))
    assert result.exit_code == 2
    assert "line 1" in result.output


async def migrate_in_thread(environ: Environ, *to: str) -> Result:
    return await asyncio.to_thread(migrate, environ, *to)
