"""How long Health takes while a served process ingests a large file: by plain HTTP, with every wait counted."""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from reportlab.pdfgen.canvas import Canvas

from benchmarks.corpus import words
from benchmarks.figures import Figure, percentile
from evals.server import served

TEXT_BYTES = 4_700_000
PAGES = 300
LINES_PER_PAGE = 44
WORDS_PER_LINE = 11
EVERY_SECONDS = 0.01
IDLE_SECONDS = 5.0
KEPT_SECONDS = 2.0
LIMIT_MS = 50.0
REQUEST = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"


def run() -> list[Figure]:
    """Two files, one after the other, each from its PUT to ACTIVE."""
    files = {"a 4.7 MB text": ("large.txt", text()), "a PDF of 300 pages": ("large.pdf", pdf())}
    with served({"RAGSQL_SAMPLE_DATA": "false"}) as url:
        return [figure for what, (name, content) in files.items() for figure in _figures(url, what, name, content)]


def text() -> bytes:
    """Paragraphs of sentences, the same in every run."""
    source, chosen = words(), random.Random(5)
    paragraphs: list[str] = []
    size = 0
    while size < TEXT_BYTES:
        starts = [chosen.randrange(len(source) - 20) for _ in range(6)]
        sentences = (" ".join(source[start : start + chosen.randint(8, 20)]).rstrip(".,") for start in starts)
        paragraphs.append(". ".join(sentence.capitalize() for sentence in sentences) + ".")
        size += len(paragraphs[-1].encode()) + 2
    return "\n\n".join(paragraphs).encode()[:TEXT_BYTES]


def pdf() -> bytes:
    """Pages full of lines, each with a heading."""
    source, chosen = words(), random.Random(6)
    buffer = io.BytesIO()
    canvas: Any = Canvas(buffer, (612, 792))
    for page in range(1, PAGES + 1):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(72, 730, f"Section {page}")
        canvas.setFont("Helvetica", 10)
        for line in range(LINES_PER_PAGE):
            start = chosen.randrange(len(source) - WORDS_PER_LINE)
            canvas.drawString(72, 705 - 14 * line, " ".join(source[start : start + WORDS_PER_LINE]))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _figures(url: str, what: str, name: str, content: bytes) -> list[Figure]:
    idle, _ = asyncio.run(_probed(url, lambda: asyncio.sleep(IDLE_SECONDS)))
    times, seconds = asyncio.run(_probed(url, lambda: _ingested(url, name, content)))
    beside = (
        f"idle {percentile(idle, 0.99):.1f} ms; p50 {percentile(times, 0.5):.1f}, max {times[-1]:.0f}; {seconds:.0f} s"
    )
    p99 = percentile(times, 0.99)
    return [Figure(f"Health p99 while ingesting {what}", p99, "ms", len(times), LIMIT_MS, beside)]


async def _ingested(url: str, name: str, content: bytes) -> None:
    """CreateUpload, PUT, Ingest, and poll until it is ACTIVE. Raises RuntimeError when it fails."""
    announced = {"filename": name, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        upload = (await client.post("/uploads", json=announced)).raise_for_status().json()
        (await client.put(upload["url"], content=content, headers=upload["headers"])).raise_for_status()
        reply = (await client.post("/documents:ingest", json={"upload": upload["upload"]})).raise_for_status()
        document = reply.json()["document"]
        while document["state"] != "DOCUMENT_STATE_ACTIVE":
            if document["state"] == "DOCUMENT_STATE_FAILED":
                raise RuntimeError(document["failureReason"])
            await asyncio.sleep(0.5)
            document = (await client.get(f"/{document['name']}")).raise_for_status().json()["document"]


async def _probed(url: str, work: Callable[[], Awaitable[None]]) -> tuple[list[float], float]:
    """The sorted milliseconds of Health, asked every 10 ms however long an answer takes, and the seconds of work."""
    address = urlsplit(url)
    idle: list[_Connection] = []
    times: list[float] = []

    async def probe(due: float) -> None:
        connection = idle.pop() if idle else _Connection()
        if time.perf_counter() - connection.used > KEPT_SECONDS:
            await connection.open(address.hostname, address.port)
        times.append(await connection.ask() - due)
        idle.append(connection)

    await probe(time.perf_counter())
    times.clear()
    began = due = time.perf_counter()
    working = asyncio.ensure_future(work())
    probes: list[asyncio.Task[None]] = []
    while not working.done():
        due = max(due + EVERY_SECONDS, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())
        probes.append(asyncio.create_task(probe(time.perf_counter())))
    await working
    seconds = time.perf_counter() - began
    await asyncio.gather(*probes)
    for connection in idle:
        connection.close()
    return sorted(value * 1e3 for value in times), seconds


class _Connection:
    """A connection to one server, opened again when it was idle for so long that the server may close it."""

    def __init__(self) -> None:
        self.used = -math.inf
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, host: str | None, port: int | None) -> None:
        self.close()
        self._streams = await asyncio.open_connection(host, port)

    async def ask(self) -> float:
        """When the answer to REQUEST was read whole. Raises RuntimeError unless it is 200."""
        assert self._streams
        reader, writer = self._streams
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        self.used = time.perf_counter()
        return self.used

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
