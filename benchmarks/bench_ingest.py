"""Ingest: how fast chunks are embedded, what everything else adds to that, and the memory of a long file."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.bench_memory import wait_for
from benchmarks.book import book
from benchmarks.figures import Figure, ratio
from ragsql_client import Client
from service.app import Assembly, assemble
from service.domain.caller import DEFAULT_CALLER
from service.domain.chunking import chunk
from service.domain.documents import Chunk
from service.settings import load

PAGES, DOCUMENTS, TOPICS_APART = 40, 3, 20
LONG_PAGES = 300
SAMPLE_SECONDS = 0.05


def run() -> list[Figure]:
    """Times of one thread on this machine; memory of the server with every process that it starts."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_speed(folder))
    with tempfile.TemporaryDirectory() as folder:
        return [*figures, _memory(Path(folder))]


async def _speed(folder: str) -> list[Figure]:
    settings = {"RAGSQL_DATA_DIR": folder, "RAGSQL_SAMPLE_DATA": "false", "RAGSQL_THREADS": "1"}
    assembly = assemble(load(settings))
    await _upload(assembly, book(1), "warm.pdf")
    whole: list[float] = []
    alone: list[float] = []
    core_seconds = 0.0
    embedded: list[Chunk] = []
    for number in range(DOCUMENTS):
        content = book(PAGES, number * TOPICS_APART)
        chunks = await _chunks(assembly, content)
        whole.append(await _upload(assembly, content, f"{number}.pdf"))
        start, core_start = time.perf_counter(), time.process_time()
        await assembly.ports.embedder.embed_chunks(DEFAULT_CALLER, chunks)
        alone.append(time.perf_counter() - start)
        core_seconds += time.process_time() - core_start
        embedded += chunks
    tokens = statistics.mean(assembly.ports.embedder.count_tokens(chunk.text) for chunk in embedded)
    assembly.close()
    rate = len(embedded) / core_seconds
    size = f"{tokens:.0f} tokens a chunk"
    beside = f"of embedding {len(embedded)} chunks on one thread"
    return [
        Figure("embedding, a second of one core", rate, "chunks", len(embedded), 40, size, least=True),
        Figure("PDF parsed, chunked, embedded and indexed", ratio(whole, alone), "x", DOCUMENTS, 1.15, beside),
    ]


async def _chunks(assembly: Assembly, content: bytes) -> tuple[Chunk, ...]:
    parsed = await assembly.ports.parser.parse(DEFAULT_CALLER, content, "application/pdf", "x.pdf")
    embedder = assembly.ports.embedder
    return chunk(parsed, max_tokens=embedder.max_tokens, count_tokens=embedder.count_tokens)[1]


async def _upload(assembly: Assembly, content: bytes, name: str) -> float:
    start = time.perf_counter()
    uploaded = await assembly.use_cases.documents.upload(DEFAULT_CALLER, name, content)
    assert not uploaded.cache_hit
    return time.perf_counter() - start


def _memory(folder: Path) -> Figure:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = folder / "long.pdf"
    path.write_bytes(book(LONG_PAGES))
    environment = {**os.environ, "RAGSQL_DATA_DIR": str(folder / "data"), "RAGSQL_SAMPLE_DATA": "false"}
    command = [sys.executable, "-m", "service.cli.main", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = Peak(server.pid)
    try:
        wait_for(server, f"http://127.0.0.1:{port}")
        peak.start()
        with Client(f"http://127.0.0.1:{port}") as client:
            document = client.upload(path).document
    finally:
        peak.done.set()
        server.terminate()
        server.wait(30)
    peak.join()
    size = f"{document.page_count} pages, {document.chunk_count} chunks"
    return Figure("server and parsers, ingesting a long PDF, peak", peak.megabytes, "MB", 1, 1500, size)


class Peak(threading.Thread):
    """The most memory that a process and all below it had at once, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.megabytes = 0.0
        self._pid = pid

    def run(self) -> None:
        while not self.done.wait(SAMPLE_SECONDS):
            self.megabytes = max(self.megabytes, sum(map(_megabytes, _family(self._pid))))


def _family(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    parents = [(int(child), int(parent)) for child, parent in map(str.split, listed.splitlines())]
    found = [pid]
    for member in found:
        found += [child for child, parent in parents if parent == member]
    return found


def _megabytes(pid: int) -> float:
    """The proportional set size, 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
