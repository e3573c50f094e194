"""`ragsql doctor` tries every backend over its real protocol, and tells what is needed from what only helps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from service.adapters.blobs.s3 import S3BlobStore
from service.cli import doctor_checks, doctor_finding, doctor_probes
from service.cli.doctor_finding import Finding, within
from service.cli.main import app
from service.domain.health import ComponentHealth, HealthStatus
from tests.contract.openai_server import OpenAIServer
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index
from tests.redis_server import RedisServer
from tests.sql.shop import make_sqlite

Found = dict[str, dict[str, Any]]


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    server = OpenAIServer()
    yield server
    server.close()


@pytest.fixture
def environ(
    tmp_path: Path,
    openai: OpenAIServer,
    pinecone_emulator: PineconeEmulator,
    redis_server: RedisServer,
    s3_bucket: str,
    patient_caches: None,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Every backend on a server, but for the records and the user's database."""
    monkeypatch.setattr(doctor_probes, "_SLOW_CACHE_SECONDS", 30.0)
    pinecone_emulator.indexes["rag-documents"] = Index(1536)
    return {
        "RAGSQL_DATA_DIR": str(tmp_path / "data"),
        "RAGSQL_SAMPLE_DATA": "false",
        "DATABASE_URL": f"sqlite:///{make_sqlite(tmp_path / 'shop.sqlite')}",
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": openai.base_url,
        "PINECONE_API_KEY": "key",
        "UPSTASH_REDIS_URL": redis_server.url,
        "STORAGE_BACKEND": "s3",
        "S3_CACHE_BUCKET": s3_bucket,
        "COLUMNS": "250",
    }


def findings(environ: dict[str, str]) -> tuple[int, Found]:
    result = CliRunner().invoke(app, ["doctor", "--json"], env=environ)
    return result.exit_code, {item["part"]: item for item in json.loads(result.stdout)}


def wrong(found: Found) -> set[str]:
    return {part for part, item in found.items() if not item["ok"]}


def test_all_is_well_when_every_server_is(environ: dict[str, str], pinecone_emulator: PineconeEmulator) -> None:
    code, found = findings(environ)
    assert wrong(found) <= {"reader", "space"}, found
    assert code == 0
    assert "1536 dimensions" in found["vectors"]["found"]
    assert "a file was written, read and deleted" in found["blobs"]["found"]
    assert "20 of 20" in found["cache"]["found"]
    assert "gpt-4o answers" in found["chat"]["found"]
    assert {"clock of openai", "clock of pinecone", "clock of s3"} <= found.keys()
    namespaces = pinecone_emulator.indexes["rag-documents"].namespaces()
    assert [name for name in namespaces if "doctor" in name] == []


def test_a_dead_cache_does_not_fail_but_is_told(environ: dict[str, str], redis_server: RedisServer) -> None:
    code, found = findings(environ | {"UPSTASH_REDIS_URL": "redis://127.0.0.1:1"})
    assert code == 0
    assert (found["cache"]["ok"], found["cache"]["required"]) == (False, False)


def test_wrong_keys_buckets_and_dimensions_are_named(
    environ: dict[str, str], openai: OpenAIServer, pinecone_emulator: PineconeEmulator
) -> None:
    pinecone_emulator.indexes["rag-documents"] = Index(384)
    openai.behaviour = "401"
    code, found = findings(environ | {"S3_CACHE_BUCKET": "absent"})
    assert code == 1
    assert wrong(found) >= {"embedder", "chat", "vectors", "blobs"}
    assert "OPENAI_API_KEY" in found["embedder"]["found"]
    assert "384 dimensions" in found["vectors"]["found"]
    assert "S3_CACHE_BUCKET" in found["blobs"]["found"] + found["blobs"]["advice"]


def test_one_that_hangs_costs_its_deadline_only(
    environ: dict[str, str], pinecone_emulator: PineconeEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(part: str, check: Awaitable[Finding], **more: Any) -> Awaitable[Finding]:
        return within(part, asyncio.wait_for(check, 3.0) if part == "vectors" else check, **more)

    monkeypatch.setattr(doctor_checks, "within", impatient)
    pinecone_emulator.faults += [("vectors/upsert", "hang")] * 20
    code, found = findings(environ)
    pinecone_emulator.released.set()
    assert code == 1
    assert wrong(found) - {"reader", "space"} == {"vectors"}
    assert "did not answer" in found["vectors"]["found"]


def test_a_check_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_finding, "DEADLINE_SECONDS", 0.01)

    async def check() -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    finding = asyncio.run(within("blobs", check()))
    assert not finding.ok
    assert "did not answer" in finding.found


def test_an_answer_that_is_late_at_first_is_asked_for_again(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [ComponentHealth("blobs", "s3", HealthStatus.NOT_SERVING, "The S3 bucket did not answer in time.")] * 2
    check = S3BlobStore.check

    async def slow(store: S3BlobStore) -> ComponentHealth:
        return late.pop() if late else await check(store)

    monkeypatch.setattr(S3BlobStore, "check", slow)
    code, found = findings(environ)
    assert (code, late) == (0, [])
    assert "a file was written, read and deleted" in found["blobs"]["found"]


def test_a_clock_that_is_wrong_is_told(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def long_ago(handler: BaseHTTPRequestHandler, timestamp: float | None = None) -> str:
        return "Mon, 01 Jan 2024 00:00:00 GMT"

    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", long_ago)
    code, found = findings(environ)
    assert code == 0
    assert "ahead of" in found["clock of openai"]["found"]
    assert "Set the clock" in found["clock of pinecone"]["advice"]


def test_a_vectors_role_that_may_not_write_is_told(environ: dict[str, str], postgres_database: str) -> None:
    settings = {name: value for name, value in environ.items() if name != "PINECONE_API_KEY"}

    def with_url(conninfo: str) -> dict[str, str]:
        return settings | {"RAGSQL_VECTORS_URL": f"postgresql:///?{urlencode(conninfo_to_dict(conninfo))}"}

    code, found = findings(with_url(postgres_database))
    assert code == 0, {name: found[name] for name in wrong(found)}
    assert "connections are open" in found["server of RAGSQL_VECTORS_URL"]["found"]
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute("CREATE ROLE only_reads LOGIN")
        owner.execute("GRANT USAGE ON SCHEMA ragsql TO only_reads")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ragsql TO only_reads")
    try:
        code, found = findings(with_url(make_conninfo(postgres_database, user="only_reads")))
        assert code == 1
        assert wrong(found) - {"reader", "space"} == {"vectors"}
        assert "RAGSQL_VECTORS_URL" in found["vectors"]["found"]
    finally:
        with psycopg.connect(postgres_database, autocommit=True) as owner:
            owner.execute("DROP OWNED BY only_reads")
            owner.execute("DROP ROLE only_reads")


def test_what_servers_still_take_is_told(
    environ: dict[str, str], openai: OpenAIServer, pinecone_emulator: PineconeEmulator
) -> None:
    code, found = findings(environ)
    assert code == 0
    assert "does not tell" in found["limits of chat"]["found"]
    assert "has no bound" in found["limits of redis"]["found"]
    assert "records in" in found["limits of pinecone"]["found"]
    openai.limits = {
        f"x-ratelimit-{name}": value
        for name, value in {
            "limit-requests": "500",
            "remaining-requests": "499",
            "limit-tokens": "30000",
            "remaining-tokens": "1200",
            "reset-tokens": "57s",
        }.items()
    }
    pinecone_emulator.indexes["rag-documents"].fullness = 0.93
    sdk: Any = redis
    with sdk.Redis.from_url(environ["UPSTASH_REDIS_URL"]) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "noeviction")
        try:
            code, found = findings(environ)
        finally:
            client.config_set("maxmemory", "0")
    assert code == 0
    assert {"limits of embedder", "limits of chat", "limits of redis", "limits of pinecone"} <= wrong(found)
    assert "499 of 500 requests, 1,200 of 30,000 tokens" in found["limits of embedder"]["found"]
    assert "57s" in found["limits of chat"]["advice"]
    assert "93% full" in found["limits of pinecone"]["found"]
    assert "maxmemory-policy" in found["limits of redis"]["advice"]


def test_a_server_with_fewer_connections_than_a_process_opens_is_told(
    environ: dict[str, str], postgres_database: str
) -> None:
    settings = {name: value for name, value in environ.items() if name != "PINECONE_API_KEY"}
    url = f"postgresql:///?{urlencode(conninfo_to_dict(postgres_database))}"
    both = settings | {"RAGSQL_VECTORS_URL": url, "RAGSQL_RECORDS_URL": url}
    code, found = findings(both)
    assert code == 0
    assert "a process may open 8" in found["server of RAGSQL_VECTORS_URL"]["found"]
    code, found = findings(both | {"RAGSQL_POSTGRES_CONNECTIONS": "90"})
    assert code == 0
    assert "a process may open 180, which are not there" in found["server of RAGSQL_RECORDS_URL"]["found"]
    assert "RAGSQL_POSTGRES_CONNECTIONS lower" in found["server of RAGSQL_RECORDS_URL"]["advice"]


def test_the_table_says_what_to_do(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["doctor"], env=environ | {"S3_CACHE_BUCKET": "absent"})
    assert result.exit_code == 1
    assert "what to do" in result.stdout
    assert "needed" in result.stdout
