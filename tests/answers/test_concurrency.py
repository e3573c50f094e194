"""Questions that are asked at the same time wait for their models at the same time."""

from __future__ import annotations

import asyncio
import json
import threading

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
AT_ONCE, LIMIT_SECONDS = 5, 60.0
MIXES = {
    "documents": ["ROUTE_DOCUMENTS"] * 5,
    "sql": ["ROUTE_SQL"] * 5,
    "mixed": ["ROUTE_DOCUMENTS", "ROUTE_SQL", "ROUTE_DOCUMENTS", "ROUTE_SQL", "ROUTE_SQL"],
}


@pytest.mark.parametrize("mix", MIXES)
async def test_the_model_is_asked_for_all_of_them_at_the_same_time(
    world: World, parser: DocumentParser, mix: str
) -> None:
    """It answers none of five before it was asked for all."""
    asked_for_all = threading.Barrier(AT_ONCE, timeout=LIMIT_SECONDS)

    def reply(asked: str) -> str:
        asked_for_all.wait()
        last = json.loads(asked)["messages"][-1]["content"]
        return "yes" if "Does the text state the answer" in last else f"```sql\n{TOO_MANY}\n```"

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
            async with httpx.AsyncClient(base_url=f"http://{address}", timeout=2 * LIMIT_SECONDS) as client:
                questions = [
                    {"query": f"{CASELOAD} {number}", "route": route, "noCache": True}
                    for number, route in enumerate(MIXES[mix])
                ]
                replies = await asyncio.gather(*(client.post("/query", json=question) for question in questions))
        await asyncio.to_thread(service.close)
    assert all(one.raise_for_status().json()["usage"]["inputTokens"] == "100" for one in replies)
