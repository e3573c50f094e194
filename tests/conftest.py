"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina
from hypothesis import HealthCheck, settings

from service.adapters.retries import ATTEMPTS

# How long an example takes says nothing on a busy machine.
settings.register_profile("ragsql", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ragsql")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests run on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_retries() -> Iterator[None]:
    """Vendors are asked once. Tests of retries use the fixture retries."""
    stamina.set_testing(True)
    yield
    stamina.set_testing(False)


@pytest.fixture
def retries() -> Iterator[None]:
    """Vendors are asked as often as in production, without pauses."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


pytest_plugins = [
    "tests.patience",
    "tests.pgbouncer",
    "tests.pinecone_emulator",
    "tests.postgres",
    "tests.postgres_process",
    "tests.redis_server",
    "tests.s3",
]
