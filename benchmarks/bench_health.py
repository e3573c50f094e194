"""CPU time of one Health request, beside the same use case behind FastAPI. In process, so no server counts."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message

from benchmarks.figures import Figure, ratio
from service.app import assemble
from service.domain.caller import Caller
from service.domain.health import HealthStatus
from service.settings import load
from service.transport.app import build_transport
from service.usecases.bundle import HealthUseCases

REQUESTS = 400
ROUNDS = 15
METHOD = "/ragsql.v1.HealthService/Health"


class HealthRequest(BaseModel):
    """Refuses unknown fields, as the service does."""

    model_config = ConfigDict(extra="forbid")


class Component(BaseModel):
    """One component."""

    component: str
    adapter: str
    status: HealthStatus
    detail: str


class HealthResponse(BaseModel):
    """The same content as the service's."""

    model_config = ConfigDict(from_attributes=True)
    status: HealthStatus
    components: list[Component]
    version: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send which request."""

    app: ASGIApp
    path: str
    content_type: bytes
    body: bytes


def run() -> list[Figure]:
    """Process CPU time, endpoints in turn, medians of pairs."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(folder))


async def _measure(folder: str) -> list[Figure]:
    assembly = assemble(load({"RAGSQL_DATA_DIR": folder, "RAGSQL_SAMPLE_DATA": "false"}))
    app = build_transport(assembly.use_cases)
    endpoints = (
        Endpoint(_fastapi(assembly.use_cases.health), "/health", b"application/json", b"{}"),
        Endpoint(app, METHOD, b"application/proto", b""),
        Endpoint(app, METHOD, b"application/json", b"{}"),
    )
    rounds: list[Sequence[float]] = []
    for _ in range(ROUNDS + 1):
        rounds.append([await _cpu_seconds(endpoint) for endpoint in endpoints])
    assembly.close()
    peer, proto, json = zip(*rounds[1:], strict=True)
    beside = f"FastAPI {statistics.median(peer) * 1e6:.0f} µs"
    count = REQUESTS * ROUNDS
    return [
        Figure("CPU of Health, Connect proto", ratio(proto, peer), "x", count, 0.8, beside),
        Figure("CPU of Health, Connect JSON", ratio(json, peer), "x", count, 1.3, beside),
    ]


def _fastapi(health: HealthUseCases) -> FastAPI:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"])

    @app.post("/health")
    async def check(request: HealthRequest) -> HealthResponse:  # pyright: ignore[reportUnusedFunction]
        return HealthResponse.model_validate(await health.check(Caller()), from_attributes=True)

    return app


async def _cpu_seconds(endpoint: Endpoint) -> float:
    """Of one request, over many."""
    start = time.process_time()
    for _ in range(REQUESTS):
        await _request(endpoint)
    return (time.process_time() - start) / REQUESTS


async def _request(endpoint: Endpoint) -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": endpoint.path,
        "raw_path": endpoint.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", endpoint.content_type),
            (b"content-length", str(len(endpoint.body)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    messages: list[Message] = [{"type": "http.request", "body": endpoint.body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()  # a client that stays connected
        return messages.pop()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"{endpoint.path} answered {message['status']}")

    await endpoint.app(scope, receive, send)
