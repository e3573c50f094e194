"""A question in JSON that is asked again is answered as the first time, and read as carefully."""

from __future__ import annotations

import json

import httpx
import pytest

from service.transport.app import build_transport
from tests.answers.conftest import World
from tests.answers.test_answer_question import CASELOAD, RULES

pytestmark = pytest.mark.anyio


async def test_a_hit_is_the_miss_byte_for_byte_but_for_saying_so(world: World) -> None:
    await world.upload("rules.md", RULES)
    app = build_transport(world.assembly.use_cases)
    connect = "/ragsql.v1.QueryService/Query"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for path in ("/query", connect):
            client.headers["accept-encoding"] = "identity"
            await client.delete("/cache/CACHE_KIND_ANSWER")
            replies = [await client.post(path, json={"query": CASELOAD, "topK": 9}) for _ in range(4)]
            miss, *hits = [reply.raise_for_status().content for reply in replies]
            assert b'"cacheHit":false}' in miss
            assert set(hits) == {miss.replace(b'"cacheHit":false}', b'"cacheHit":true}')}
            assert json.loads(miss)["answer"]["citations"]
            headers = [{**reply.headers} for reply in replies]
            lengths = {head.pop("content-length", str(len(hits[0]))) for head in headers[1:]}
            assert lengths == {str(len(hits[0]))}
            assert headers[1] == headers[2] == headers[3]


async def test_asking_again_reads_what_differs_and_refuses_what_is_wrong(world: World) -> None:
    await world.upload("rules.md", RULES)
    app = build_transport(world.assembly.use_cases)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        body = json.dumps({"query": CASELOAD}).encode()
        kind = {"content-type": "application/json"}
        for _ in range(3):
            assert (await client.post("/query", content=body, headers=kind)).status_code == 200
        other = await client.post("/query", json={"query": CASELOAD, "noCache": True})
        assert other.json()["cacheHit"] is False
        assert (await client.post("/query", content=body, headers={"content-type": "text/plain"})).status_code == 415
        assert (await client.post("/query", content=body[:-1], headers=kind)).status_code == 400
        assert (await client.post("/query", json={"query": CASELOAD, "topK": 51})).status_code == 400
        wrong = await client.post(
            "/ragsql.v1.QueryService/Query", content=body, headers={**kind, "connect-protocol-version": "2"}
        )
        assert wrong.status_code == 400
