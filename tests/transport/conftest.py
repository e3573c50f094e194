"""An application over use cases in memory, and ways to reach it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from connectrpc.protocol import ProtocolType
from pyqwest import Client
from pyqwest.testing import ASGITransport
from starlette.applications import Starlette
from starlette.types import ASGIApp

from service.transport.app import build_transport
from tests.transport.fakes import Fakes
from tests.transport.through_lambda import ThroughLambda


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
def app(fakes: Fakes) -> Starlette:
    return build_transport(fakes.use_cases(), reflection=True)


@pytest.fixture(params=["in memory", "through the handler"])
def reached(request: pytest.FixtureRequest, app: Starlette) -> ASGIApp:
    """The application, and the application behind AWS Lambda's handler: both answer alike."""
    if request.param == "in memory":
        return app
    if mark := request.node.get_closest_marker("not_on_lambda"):
        pytest.skip(mark.args[0])
    callspec = getattr(request.node, "callspec", None)
    if callspec and callspec.params.get("protocol") is ProtocolType.GRPC:
        pytest.skip("a Function URL has no trailers, which gRPC needs")
    return ThroughLambda(app)


@pytest.fixture
def rpc(reached: ASGIApp) -> Client:
    """What a generated client sends through."""
    return Client(ASGITransport(reached))  # pyright: ignore[reportArgumentType]


@pytest.fixture
async def http(reached: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(reached, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
