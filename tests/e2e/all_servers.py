"""Every backend in its server form, and `ragsql serve` processes that share all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from ragsql.v1.health_service_pb2 import HealthResponse, HealthStatus
from ragsql_client import Client, RagsqlError
from tests.contract.openai_server import OpenAIServer
from tests.e2e.server import LISTENS, PATHS
from tests.otlp_collector import OtlpCollector
from tests.pgbouncer import Pooler
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index
from tests.ports import free_port
from tests.postgres_process import PostgresProcess
from tests.redis_server import RedisServer, find_program
from tests.s3_front import S3Front

SECONDS = 180.0
DIMENSION = 1536
STATEMENTS = {
    "has the most customers": "SELECT name, customers FROM agent ORDER BY customers DESC LIMIT 1",
    "many agents": "SELECT COUNT(*) AS agents FROM agent",
}
TABLES = (
    "CREATE TABLE agent (id INT PRIMARY KEY, name TEXT NOT NULL, customers INT NOT NULL)",
    "INSERT INTO agent VALUES (3, 'Jane', 21), (4, 'Margaret', 20), (5, 'Steve', 18)",
    "CREATE ROLE reader LOGIN PASSWORD 'reader'",
    "GRANT SELECT ON agent TO reader",
)
_INTERNAL = re.compile(r"^.*\berror (?:id )?[0-9a-f]{16}\b.*$", re.MULTILINE)


def until(reached: Callable[[], object], what: str = "", seconds: float = SECONDS) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} seconds: {what or reached}"
        time.sleep(0.1)


class Node:
    """A process that listens on its port again after it was killed."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        folder.mkdir()
        self._settings = {**settings, "RAGSQL_DATA_DIR": str(folder / "data"), "PYTHONPATH": PATHS}
        self._log = folder / "log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None
        self._client = Client(self.url, retries=0, timeout=SECONDS)

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.e2e.impatient", "serve", "--port", str(self.port)]
        environment = {**os.environ, **self._settings}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)

    def wait(self) -> None:
        """Until it listens."""
        assert self._process
        assert self._process.stdout
        assert LISTENS.search(self._process.stdout.readline()), self._log.read_text()

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, closed or said."""
        if self._process:
            self._process.kill()
            self._process.communicate()

    def health(self) -> HealthResponse | None:
        """None while it does not answer."""
        try:
            return self._client.health()
        except RagsqlError:
            return None

    def answers(self) -> bool:
        """Whether it answers a question that was not asked before, which tells of an outage sooner than Health."""
        try:
            self._client.ask(f"Where is {uuid.uuid4().hex}?", route="documents")
        except RagsqlError:
            return False
        return True

    def tells(self, *statuses: HealthStatus) -> bool:
        """Whether it is in one of these states."""
        found = self.health()
        return found is not None and found.status in statuses

    def internal_errors(self) -> list[str]:
        """The lines of its log that a person is sent to by an error id."""
        return _INTERNAL.findall(self._log.read_text())


@dataclass(frozen=True)
class Vectors:
    """A server of vectors, and what leads to it."""

    settings: dict[str, str]
    stop: Callable[[], None]
    start: Callable[[], None]


@dataclass(frozen=True)
class AllServers:
    """Everything that is running. kind says where vectors are: pgvector or pinecone."""

    kind: str
    nodes: tuple[Node, ...]
    openai: OpenAIServer
    postgres: PostgresProcess
    pooler: Pooler
    vectors: Vectors
    redis: RedisServer
    collector: OtlpCollector
    s3: S3Front
    bucket: str


def reply(body: dict[str, Any]) -> str:
    """The statement whose words the last message holds."""
    asked = body["messages"][-1]["content"]
    known = [sql for words, sql in STATEMENTS.items() if words in asked]
    return f"```sql\n{known[0]}\n```" if known else "CANNOT: the script has no statement for this question."


@contextmanager
def all_servers(kind: str, folder: Path, s3_url: str) -> Generator[AllServers]:
    """Kind says where vectors are: pgvector or pinecone."""
    program = find_program()
    if program is None:
        pytest.skip("there is no redis-server: install it, or run on Python 3.11, for which a wheel has one")
    with ExitStack() as closing:
        openai, collector, s3 = OpenAIServer(), OtlpCollector(), S3Front(s3_url)
        openai.reply, openai.key = reply, "sk-key"
        redis = RedisServer(program)
        postgres = _postgres(folder / "records", closing)
        _make_tables(postgres)
        (folder / "pooler").mkdir()
        pooler = Pooler(postgres.own_url, folder / "pooler", "session", wait=5)
        pooler.start()
        vectors = _pinecone(closing) if kind == "pinecone" else _pgvector(folder / "vectors", closing)
        bucket = _bucket(s3)
        settings = {
            "RAGSQL_SAMPLE_DATA": "false",
            "OPENAI_API_KEY": openai.key,
            "OPENAI_BASE_URL": openai.base_url,
            "RAGSQL_RECORDS_URL": f"{pooler.url}app",
            "DATABASE_URL": postgres.url("reader:reader"),
            "STORAGE_BACKEND": "s3",
            "S3_CACHE_BUCKET": bucket,
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": s3.key_id,
            "AWS_SECRET_ACCESS_KEY": s3.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "UPSTASH_REDIS_URL": redis.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            **vectors.settings,
        }
        nodes = tuple(Node(folder / name, settings) for name in ("first", "second"))
        for stop in (openai.close, collector.close, s3.close, redis.kill, pooler.stop, *(one.kill for one in nodes)):
            closing.callback(stop)
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait()
        yield AllServers(kind, nodes, openai, postgres, pooler, vectors, redis, collector, s3, bucket)
    assert (openai.unexpected, collector.unexpected) == ([], [])


def _postgres(folder: Path, closing: ExitStack) -> PostgresProcess:
    folder.mkdir()
    server = PostgresProcess(folder, ["127.0.0.1"])
    closing.callback(server.stop)
    return server


def _make_tables(postgres: PostgresProcess) -> None:
    import psycopg

    with psycopg.connect(postgres.own_url, autocommit=True) as connection:
        for statement in TABLES:
            connection.execute(statement.encode())


def _pgvector(folder: Path, closing: ExitStack) -> Vectors:
    server = _postgres(folder, closing)
    return Vectors({"RAGSQL_VECTORS_URL": server.own_url}, server.stop, server.start)


def _pinecone(closing: ExitStack) -> Vectors:
    """An outage of it cuts every request: what was written stays, as with Pinecone."""
    emulator = PineconeEmulator()
    emulator.indexes["rag-documents"] = Index(DIMENSION)
    emulator.indexes["rag-documents"].delay = 0.05
    closing.callback(emulator.close)

    def down(is_down: bool) -> None:
        emulator.down = is_down

    settings = {"PINECONE_API_KEY": emulator.key, "PINECONE_CONTROLLER_HOST": emulator.url}
    return Vectors(settings, lambda: down(True), lambda: down(False))


def _bucket(s3: S3Front) -> str:
    sdk: Any = boto3
    access = {"aws_access_key_id": s3.key_id, "aws_secret_access_key": s3.secret, "region_name": "us-east-1"}
    bucket = uuid.uuid4().hex
    sdk.session.Session(**access).client("s3", endpoint_url=s3.url).create_bucket(Bucket=bucket)
    return bucket
