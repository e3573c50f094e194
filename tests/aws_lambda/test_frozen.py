"""Between two events Lambda freezes the environment, for seconds or for hours, and what it was connected to goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.aws_lambda.runtime_api import Function, running, url_event
from tests.redis_server import RedisServer

JSON = {"content-type": "application/json"}
FILE = {"filename": "refunds.md", "content": "UmVmdW5kcyBhcmUgcGFpZCB3aXRoaW4gZm91cnRlZW4gZGF5cy4K"}


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    return f"postgresql:///?{urlencode(conninfo_to_dict(postgres_database))}"


@pytest.fixture
def function(tmp_path: Path, redis_server: RedisServer, postgres_url: str) -> Iterator[Function]:
    environ = {
        "RAGSQL_DATA_DIR": str(tmp_path),
        "RAGSQL_LOCAL_MODEL": str(tmp_path / "none.gguf"),
        "UPSTASH_REDIS_URL": redis_server.url,
        "RAGSQL_VECTORS_URL": postgres_url,
        "RAGSQL_RECORDS_URL": postgres_url,
    }
    with running("lambda_handler.handler", environ) as function:
        yield function


def ask(function: Function, path: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
    method, body = ("POST", json.dumps(message)) if message else ("GET", None)
    response = function.invoke(url_event(method, path, body, JSON if body else {}))
    assert response["statusCode"] == 200, response
    return json.loads(response["body"])


def question(number: int) -> dict[str, Any]:
    return {"query": f"Within how many days are refunds paid, case {number}?"}


def from_cache(function: Function, number: int) -> str:
    """The answer once the cache has it: a busy machine may need more time than a question waits for Redis."""
    ends = time.monotonic() + 120
    while not (found := ask(function, "/query", question(number)))["cacheHit"]:
        assert time.monotonic() < ends, "the cache does not keep the answer"
    return found["answer"]["text"]


def drop_connections(url: str) -> int:
    """End every session of the function, as a server does that was idle for too long."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
    return len(rows)


def test_dead_connections_are_replaced(function: Function, redis_server: RedisServer, postgres_url: str) -> None:
    ask(function, "/upload", FILE)
    first = ask(function, "/query", question(1))
    assert "fourteen" in first["answer"]["text"]
    for number in (2, 3):
        function.freeze()
        assert drop_connections(postgres_url) > 0
        redis_server.kill()
        redis_server.start()
        function.thaw()
        assert ask(function, "/query", question(number))["answer"]["text"] == first["answer"]["text"]
        assert from_cache(function, number) == first["answer"]["text"]
    states = {one["component"]: one["status"] for one in ask(function, "/health")["components"]}
    assert {states[name] for name in ("cache", "vectors", "records")} == {"HEALTH_STATUS_SERVING"}


def test_time_goes_on_while_it_is_frozen(function: Function) -> None:
    """What is remembered for a second is not told after it, although the function saw no time pass."""
    ask(function, "/upload", FILE)
    before = ask(function, "/query", question(1))
    from_cache(function, 1)
    ask(function, "/health")
    function.freeze()
    time.sleep(2.5)
    function.thaw()
    assert from_cache(function, 1) == before["answer"]["text"]
    assert ask(function, "/query", question(2))["answer"]["text"] == before["answer"]["text"]


def test_nothing_is_left_to_the_next_event(function: Function, postgres_url: str) -> None:
    """What a question used is stored when it is answered: a frozen function may never wake."""
    ask(function, "/upload", FILE)
    ask(function, "/query", question(1))
    function.freeze()
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*), sum(embedding_tokens) FROM ragsql.usage").fetchone()
    assert row is not None
    assert row[0] == 2
    assert row[1] > 0
    function.thaw()
    lines = function.lines()
    assert [line["route"] for line in lines if line["message"] == "request"] == [
        "DocumentService/Upload",
        "QueryService/Query",
    ]
