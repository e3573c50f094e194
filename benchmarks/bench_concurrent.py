"""How long questions take that are asked at the same time, when each call of the chat model takes a second."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.figures import Figure, percentile
from benchmarks.served import served
from tests.scripted_model import scripted_model

MODEL_SECONDS, LIMIT_SECONDS = 1.0, 1.6
ROUNDS = 4
DOCUMENTS = [
    {"query": question, "route": "ROUTE_DOCUMENTS"}
    for question in (
        "How fast must an urgent ticket be answered?",
        "How many customers may a support agent look after?",
        "When is a ticket escalated to a manager?",
        "What happens to a ticket without a reply?",
        "Who may close a ticket?",
    )
]
SQL = [
    {"query": f"How many customers live in {country}?", "route": "ROUTE_SQL"}
    for country in ("Brazil", "Canada", "France", "Germany", "Portugal")
]
MIXES = {
    "documents": DOCUMENTS,
    "SQL": SQL,
    "documents and SQL": [*DOCUMENTS[:3], *SQL[:2]],
    "hybrid": [{**question, "route": "ROUTE_HYBRID"} for question in SQL],
}
"""A hybrid question whose statement should apply a rule of a document takes a call more for each rule it tries."""


def run() -> list[Figure]:
    """Wall time until the last of five answers is there, nothing from the caches."""
    with tempfile.TemporaryDirectory() as folder, scripted_model(_reply) as model:
        settings = {"OPENAI_BASE_URL": model, "RAGSQL_CACHE_EMBEDDING_TTL_SECONDS": "0"}
        with served(Path(folder), settings) as port:
            return asyncio.run(_measure(port))


async def _measure(port: int) -> list[Figure]:
    figures: list[Figure] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for name, questions in MIXES.items():
            times = sorted([await _seconds(client, questions) for _ in range(ROUNDS + 1)][1:])
            limit = None if name == "hybrid" else LIMIT_SECONDS
            what = f"{len(questions)} concurrent questions ({name}), model {MODEL_SECONDS:g} s"
            figures.append(Figure(what, percentile(times, 0.5), "s", ROUNDS, limit, f"worst {times[-1]:.2f} s"))
    return figures


async def _seconds(client: httpx.AsyncClient, questions: list[dict[str, str]]) -> float:
    start = time.perf_counter()
    responses = await asyncio.gather(*(client.post("/query", json={**one, "noCache": True}) for one in questions))
    for response in responses:
        response.raise_for_status()
    return time.perf_counter() - start


def _reply(asked: str) -> str:
    time.sleep(MODEL_SECONDS)
    country = re.findall(r"customers live in (\w+)", asked)
    if "Does the text state the answer" in asked or not country:
        return "yes"
    return f"```sql\nSELECT COUNT(*) AS customers FROM Customer WHERE Country = '{country[-1]}'\n```"
