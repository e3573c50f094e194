"""Fixtures for every test."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests run on asyncio alone."""
    return "asyncio"


pytest_plugins = [
    "tests.pgbouncer",
    "tests.pinecone_emulator",
    "tests.postgres",
    "tests.postgres_process",
    "tests.redis_server",
    "tests.s3",
]
