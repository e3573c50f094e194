"""Questions that are asked at the same time wait for their models at the same time."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest

from service.adapters.parsers.parser import DocumentParser
from service.app import assemble
from service.domain.caller import DEFAULT_CALLER
from service.settings import load
from service.transport.app import build_transport
from tests.answers.conftest import WordEmbedder, WordReader, World
from tests.answers.test_answer_question import CASELOAD, RULES, TOO_MANY
from tests.scripted_model import scripted_model
from tests.serving import serving

pytestmark = pytest.mark.anyio
MODEL_SECONDS, LIMIT_SECONDS = 1.0, 1.6
MIXES = {
    "documents": ["ROUTE_DOCUMENTS"] * 5,
    "sql": ["ROUTE_SQL"] * 5,
    "mixed": ["ROUTE_DOCUMENTS", "ROUTE_SQL", "ROUTE_DOCUMENTS", "ROUTE_SQL", "ROUTE_SQL"],
}


def reply(asked: str) -> str:
    """After a second."""
    time.sleep(MODEL_SECONDS)
    last = json.loads(asked)["messages"][-1]["content"]
    return "yes" if "Does the text state the answer" in last else f"```sql\n{TOO_MANY}\n```"


@pytest.mark.parametrize("mix", MIXES)
async def test_five_take_little_longer_than_one(world: World, parser: DocumentParser, mix: str) -> None:
    await world.upload("rules.md", RULES)
    with scripted_model(reply) as model:
        values = {
            "RAGSQL_DATA_DIR": str(world.assembly.settings.data_dir),
            "DATABASE_URL": f"sqlite:///{world.database}",
            "OPENAI_BASE_URL": model,
        }
        service = assemble(load(values), embedder=WordEmbedder(), reader=WordReader(), parser=parser)
        await service.route.warm(DEFAULT_CALLER)
        with serving(build_transport(service.use_cases)) as address:
            async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client:
                # What is loaded on first use is no part of it, and a busy machine may stumble once.
                times = [await seconds(client, mix, attempt) for attempt in range(3)]
        await asyncio.to_thread(service.close)
    assert min(times[1:]) < LIMIT_SECONDS


async def seconds(client: httpx.AsyncClient, mix: str, attempt: int) -> float:
    start = time.perf_counter()
    questions = [
        {"query": f"{CASELOAD} {attempt}.{number}", "route": route, "noCache": True}
        for number, route in enumerate(MIXES[mix])
    ]
    replies = await asyncio.gather(*(client.post("/query", json=question) for question in questions))
    assert all(one.raise_for_status().json()["usage"]["inputTokens"] == "100" for one in replies)
    return time.perf_counter() - start
