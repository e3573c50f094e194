"""How long after the route was chosen the client of StreamQuery hears of it, while the chat model takes its time."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from benchmarks.figures import Figure, percentile
from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.query_service_pb2 import QueryRequest, StreamQueryRequest
from service import startup
from service.app import Assembly, assemble
from service.settings import load
from service.transport.app import build_transport
from service.usecases.route_question import RouteQuestion
from tests.scripted_model import scripted_model
from tests.serving import serving

MODEL_SECONDS = 0.3
WARM, QUESTIONS = 4, 60
ASKED = ("How fast must an urgent ticket be answered?", "How many customers live in Brazil?")


def run() -> list[Figure]:
    """Wall time over a real socket, one question at a time, nothing from the caches."""
    with tempfile.TemporaryDirectory() as folder, scripted_model(_reply) as model:
        assembly = assemble(load({"RAGSQL_DATA_DIR": folder, "OPENAI_BASE_URL": model}))
        try:
            delays = sorted(asyncio.run(_measure(assembly)))
        finally:
            assembly.close()
    name = "StreamQuery, routing decided to event received"
    return [
        Figure(f"{name}, p50", percentile(delays, 0.5), "ms", QUESTIONS, 50),
        Figure(f"{name}, p95", percentile(delays, 0.95), "ms", QUESTIONS, 50),
    ]


async def _measure(assembly: Assembly) -> list[float]:
    async with assembly.documents.working(recover=False):
        await startup.load_samples(assembly.use_cases.documents, assembly.settings.data_dir)
    app = build_transport(assembly.use_cases)
    with serving(app, http="httptools", loop="uvloop") as address, _decisions() as decided:
        client = QueryServiceClient(f"http://{address}")
        heard = [await _heard(client, ASKED[number % len(ASKED)]) for number in range(WARM + QUESTIONS)]
    return [(event - decision) * 1e3 for decision, event in zip(decided, heard, strict=True)][WARM:]


async def _heard(client: QueryServiceClient, text: str) -> float:
    """When the routing event was there. It must not wait for the model."""
    request = StreamQueryRequest(request=QueryRequest(query=text, no_cache=True))
    heard = 0.0
    async for event in client.stream_query(request):
        if event.HasField("routing"):
            heard = time.perf_counter()
    if time.perf_counter() - heard < MODEL_SECONDS / 2:
        raise RuntimeError("the routing event came after the model's reply")
    return heard


@contextmanager
def _decisions() -> Generator[list[float]]:
    """When each route was chosen."""
    times: list[float] = []
    choose: Any = RouteQuestion.__call__

    async def timed(*arguments: Any) -> Any:
        routing = await choose(*arguments)
        times.append(time.perf_counter())
        return routing

    with patch.object(RouteQuestion, "__call__", timed):
        yield times


def _reply(asked: str) -> str:
    time.sleep(MODEL_SECONDS)
    if "Does the text state the answer" in asked:
        return "yes"
    return "```sql\nSELECT COUNT(*) AS customers FROM Customer WHERE Country = 'Brazil'\n```"
