"""An application over use cases in memory, and ways to reach it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from pyqwest import Client
from pyqwest.testing import ASGITransport
from starlette.applications import Starlette

from service.transport.app import build_transport
from tests.transport.fakes import Fakes


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
def app(fakes: Fakes) -> Starlette:
    return build_transport(fakes.use_cases(), reflection=True)


@pytest.fixture
def rpc(app: Starlette) -> Client:
    """What a generated client sends through."""
    return Client(ASGITransport(app))  # pyright: ignore[reportArgumentType]


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
