"""One question's spans as a collector receives them, and a service that does not mind when none does."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.adapters.parsers.parser import DocumentParser
from service.app import build_app
from service.settings import load
from tests.answers.conftest import ScriptedChat, ScriptedGenerator, WordEmbedder, WordReader, draft
from tests.otlp_collector import OtlpCollector, Seen
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.anyio
TEXT = b"# Lockers\n\nThe red locker is opened with the code 4711.\n"
ASKED = "What is the code of the red locker?"
COUNTED = "How many agents are there?"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUERY = "ragsql.v1.QueryService/Query"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpCollector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    collector = OtlpCollector()
    yield collector
    collector.close()
    assert collector.unexpected == []


@dataclass
class Service:
    """A whole service behind its ASGI application."""

    http: httpx.AsyncClient
    app: Any
    chat: ScriptedChat
    generator: ScriptedGenerator

    async def ask(self, question: str = ASKED, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        return await self.http.post("/query", json={"query": question, **more}, headers=headers)

    async def stream(self, question: str) -> AsyncIterator[bytes]:
        body = json.dumps({"request": {"query": question}}).encode()
        envelope = b"\0" + len(body).to_bytes(4, "big") + body
        headers = {"content-type": "application/connect+json"}
        path = "/ragsql.v1.QueryService/StreamQuery"
        async with self.http.stream("POST", path, content=envelope, headers=headers) as response:
            async for piece in response.aiter_bytes():
                yield piece


@asynccontextmanager
async def serving(folder: Path, parser: DocumentParser, settings: Mapping[str, str]) -> AsyncGenerator[Service]:
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.executescript(
            "CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO agent VALUES (1, 'Jane');"
        )
    given = {"RAGSQL_DATA_DIR": str(folder / "data"), "DATABASE_URL": f"sqlite:///{folder / 'shop.db'}", **settings}
    chat, generator = ScriptedChat([("yes", -0.1)]), ScriptedGenerator(draft("SELECT COUNT(*) AS n FROM agent"))
    app = build_app(
        load(given), embedder=WordEmbedder(), reader=WordReader(), parser=parser, chat=chat, sqlgen=generator
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        uploaded = await http.post("/upload", files={"file": ("lockers.md", TEXT)})
        assert uploaded.status_code == 200
        yield Service(http, app, chat, generator)


def of_trace(spans: list[Seen], root: Seen) -> dict[str, Seen]:
    return {span.name: span for span in spans if span.trace == root.trace}


def roots(spans: list[Seen], name: str = QUERY) -> list[Seen]:
    return [span for span in spans if span.name == name]


async def test_a_question_from_documents(tmp_path: Path, parser: DocumentParser, collector: OtlpCollector) -> None:
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        assert "4711" in (await service.ask(headers={"traceparent": PARENT}, route="ROUTE_DOCUMENTS")).text
    (root,) = roots(collector.wait(lambda spans: bool(roots(spans))))
    assert (root.trace, root.parent) == (PARENT.split("-")[1], PARENT.split("-")[2])
    spans = of_trace(collector.spans, root)
    assert {"cache", "retrieve", "embed", "search", "read", "route", "choose_evidence", "chat", "compose"} <= set(spans)
    parents = {name: spans[name].parent for name in spans}
    assert parents["retrieve"] == parents["route"] == parents["compose"] == root.id
    assert parents["embed"] == parents["search"] == parents["read"] == spans["retrieve"].id
    assert parents["chat"] == spans["choose_evidence"].id
    assert root.attributes["ragsql.route"] == "DOCUMENTS"
    assert root.attributes["ragsql.outcome"] == "Answer"
    assert spans["chat"].attributes["gen_ai.request.model"] == "scripted"
    assert spans["chat"].attributes["gen_ai.usage.input_tokens"] == 100
    assert spans["chat"].attributes["gen_ai.operation.name"] == "chat"
    assert spans["embed"].attributes["gen_ai.usage.input_tokens"] == len(ASKED.split())
    assert spans["search"].attributes["ragsql.passages"] > 0
    assert spans["cache"].attributes == {"ragsql.kind": "answer", "ragsql.cache_hit": False}
    assert all(0 <= span.seconds <= root.seconds for span in spans.values())
    assert collector.resources[0]["service.name"] == "ragsql"


async def test_a_question_from_the_database(tmp_path: Path, parser: DocumentParser, collector: OtlpCollector) -> None:
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        assert (await service.ask(COUNTED, route="ROUTE_SQL")).status_code == 200
    (root,) = roots(collector.wait(lambda spans: bool(roots(spans))))
    spans = of_trace(collector.spans, root)
    assert spans["guard"].parent == spans["generate_sql"].id
    assert spans["execute"].attributes["ragsql.rows"] == 1
    assert root.attributes["ragsql.route"] == "SQL"


@pytest.mark.parametrize("shown", [False, True])
async def test_nothing_that_was_asked_or_found_is_told(
    tmp_path: Path, parser: DocumentParser, collector: OtlpCollector, shown: bool
) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "RAGSQL_TRACE_QUESTIONS": str(shown)}
    async with serving(tmp_path, parser, settings) as service:
        await service.ask()
        await service.ask(COUNTED, route="ROUTE_SQL")
        service.generator.reply = draft("SELECT secret FROM vault")
        await service.ask("Who is Jane in the vault?", route="ROUTE_SQL", noCache=True)
    collector.wait(lambda spans: len(roots(spans)) == 3)
    told = repr([(span.name, span.error, span.attributes) for span in collector.spans])
    for word in ("4711", "Lockers", "lockers.md", "Jane", "SELECT", "agent", "vault"):
        assert (word in told) == (shown and word in f"{COUNTED} Who is Jane in the vault?")
    assert (ASKED in told) == shown
    assert collector.headers[0]["user-agent"].startswith("OTel")


async def test_what_fails_says_why_by_its_reason(
    tmp_path: Path, parser: DocumentParser, collector: OtlpCollector
) -> None:
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        service.generator.reply = draft("DELETE FROM agent")
        assert (await service.ask(COUNTED, route="ROUTE_SQL")).status_code == 400
        assert (await service.ask("")).status_code == 400
        await service.http.get("/health")
    collector.wait(lambda spans: len(roots(spans)) == 2)
    rejected, invalid = roots(collector.spans)
    spans = of_trace(collector.spans, rejected)
    assert {rejected.error, spans["guard"].error, spans["generate_sql"].error} == {"SQL_NOT_READ_ONLY"}
    assert (invalid.error, invalid.attributes["error.type"]) == ("INVALID_FIELD", "INVALID_FIELD")
    assert not [span for span in collector.spans if "Health" in span.name]


async def test_a_stream_ends_its_spans_also_when_it_is_cancelled(
    tmp_path: Path, parser: DocumentParser, collector: OtlpCollector
) -> None:
    name = "ragsql.v1.QueryService/StreamQuery"
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        assert b"4711" in await _collect(service.stream(ASKED))
        (whole,) = roots(collector.wait(lambda spans: bool(roots(spans, name))), name)
        assert (whole.error, whole.attributes["ragsql.outcome"]) == ("", "Answer")
        assert {"retrieve", "chat", "compose"} <= set(of_trace(collector.spans, whole))

        async def slow(*_: object) -> object:
            reached.set()
            await asyncio.sleep(60)
            return None

        reached = asyncio.Event()
        service.chat.complete = slow  # pyright: ignore[reportAttributeAccessIssue]
        asking = asyncio.create_task(_collect(service.stream("What is the red code?")))
        await asyncio.wait_for(reached.wait(), 120)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        collector.wait(lambda spans: len(roots(spans, name)) == 2)
    cancelled = of_trace(collector.spans, roots(collector.spans, name)[1])
    assert {cancelled[step].error for step in (name, "choose_evidence", "chat")} == {"CANCELED"}


async def _collect(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_an_upload(tmp_path: Path, parser: DocumentParser, collector: OtlpCollector) -> None:
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}):
        pass
    (root,) = roots(collector.spans, "ragsql.v1.DocumentService/Upload")
    spans = of_trace(collector.spans, root)
    assert {"parse", "embed", "index"} <= set(spans)
    assert spans["index"].attributes["ragsql.chunks"] == 1


@pytest.mark.parametrize("state", ["gone", "hangs", "refuses"])
async def test_a_collector_that_is_down_costs_nothing(
    tmp_path: Path,
    parser: DocumentParser,
    collector: OtlpCollector,
    state: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr("service.adapters.traces.otlp._CLOSE_SECONDS", 1.0)
    collector.hangs, collector.status = state == "hangs", 503 if state == "refuses" else 200
    if state == "gone":
        collector.close()
    begun = time.monotonic()
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        for _ in range(5):
            assert "4711" in (await service.ask(noCache=True)).text
    assert time.monotonic() - begun < HANG_SECONDS, "all of it takes less than one call to it"
    collector.released.set()


async def test_opik_is_sent_its_headers(tmp_path: Path, parser: DocumentParser, collector: OtlpCollector) -> None:
    collector.path = "/api/v1/private/otel/v1/traces"
    settings = {"OPIK_URL": collector.url, "OPIK_API_KEY": "secret", "OPIK_WORKSPACE": "team"}
    async with serving(tmp_path, parser, settings) as service:
        await service.ask()
        assert roots(collector.wait(lambda spans: bool(roots(spans))))
    sent = collector.headers[0]
    assert (sent["authorization"], sent["comet-workspace"], sent["projectname"]) == ("secret", "team", "ragsql")


async def test_what_has_ended_is_sent_before_a_function_sleeps(
    tmp_path: Path, parser: DocumentParser, collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    async with serving(tmp_path, parser, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as service:
        await service.ask()
        assert not roots(collector.spans)
        await asyncio.to_thread(service.app.state.flush_traces, 5)
        assert roots(collector.spans)
