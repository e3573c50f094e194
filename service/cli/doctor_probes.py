"""Tries every backend as the service uses it: a probe is written, read and deleted again."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from service.cli.doctor_finding import RETRY, Finding
from service.domain.caller import Caller
from service.domain.documents import Chunk, Document, DocumentState, Span, Upload
from service.domain.health import ComponentHealth, HealthStatus
from service.usecases.check_health import examine

if TYPE_CHECKING:
    from service.app import Ports
    from service.ports import Checkable
    from service.settings import Settings

PROBE = Caller(tenant="ragsql-doctor")
_REPEATS = 2
_LOOKUPS = 20
_SLOW_CACHE_SECONDS = 0.02
_TEXT = "The probe of ragsql doctor."


async def examined(name: str, part: Checkable, ports: Ports, settings: Settings) -> Finding:
    """One port: what Health would ask, and where that serves, whether it really works."""
    health = await _health(name, part)
    if health.status is not HealthStatus.SERVING:
        return Finding(name, health.detail, RETRY)
    probe = _PROBES.get(name)
    if probe is None or (name == "chat" and settings.chat == "local"):  # a local model takes long to start
        return Finding(name, f"The adapter {health.adapter} serves.")
    return await probe(ports, health.adapter)


async def _health(name: str, part: Checkable) -> ComponentHealth:
    """What Health would say of one that it knows. The first answer may be late while libraries are being loaded."""
    for _ in range(_REPEATS):
        health = await examine(name, part)
        if health.status is HealthStatus.SERVING:
            return health
    return await examine(name, part)


async def _blobs(ports: Ports, adapter: str) -> Finding:
    key, content = f"probe/{uuid.uuid4().hex}", uuid.uuid4().bytes
    await ports.blobs.put(PROBE, key, content)
    try:
        same = await ports.blobs.get(PROBE, key) == content
    finally:
        await ports.blobs.delete(PROBE, key)
    if not same:
        return Finding("blobs", f"{adapter} gave other bytes back than were stored.", "Look at the store.")
    return Finding("blobs", f"{adapter}: a file was written, read and deleted.")


async def _embedder(ports: Ports, adapter: str) -> Finding:
    vector = await ports.embedder.embed_query(PROBE, f"{_TEXT} {uuid.uuid4().hex}")
    model, dimension = ports.embedder.model, ports.embedder.dimension
    if vector.shape != (dimension,):
        found = f"{model} made a vector of {len(vector)} dimensions instead of {dimension}."
        return Finding("embedder", found, "Set RAGSQL_EMBEDDING_MODEL to a model of that dimension.")
    return Finding("embedder", f"{adapter}: {model} makes vectors of {dimension} dimensions.")


async def _chat(ports: Ports, adapter: str) -> Finding:
    from service.ports import ChatMessage, ChatOptions

    await ports.chat.complete(PROBE, [ChatMessage("user", "Say ok.")], ChatOptions(max_tokens=16, timeout_seconds=15))
    return Finding("chat", f"{adapter}: {ports.chat.model} answers.")


async def _vectors(ports: Ports, adapter: str) -> Finding:
    from service.ports import EmbeddedChunk

    now = dt.datetime.now(dt.UTC)
    identifier = uuid.uuid4().hex
    document = Document(identifier, "probe.txt", "text/plain", len(_TEXT), "", DocumentState.ACTIVE, now, now)
    vector = await ports.embedder.embed_query(PROBE, _TEXT)
    await ports.vectors.replace(PROBE, document, [EmbeddedChunk(Chunk(0, _TEXT, Span(0, len(_TEXT))), vector)])
    try:
        found = await ports.vectors.search(PROBE, "probe", vector, 1, [identifier])
    finally:
        await ports.vectors.forget(PROBE)
    if not found:
        return Finding("vectors", f"{adapter} does not find what was just stored.", "Look at its server and try again.")
    model = f"{ports.embedder.model}, {ports.embedder.dimension} dimensions"
    return Finding("vectors", f"{adapter}: a passage was stored, found and deleted ({model}).")


async def _records(ports: Ports, adapter: str) -> Finding:
    now = dt.datetime.now(dt.UTC)
    upload = Upload(uuid.uuid4().hex, "probe.txt", 1, "0" * 64, now, now)
    await ports.records.save_upload(PROBE, upload)
    try:
        same = await ports.records.get_upload(PROBE, upload.id) == upload
    finally:
        await ports.records.delete_upload(PROBE, upload.id)
    if not same:
        return Finding("records", f"{adapter} gave another record back than was stored.", "Look at the database.")
    return Finding("records", f"{adapter}: a record was written, read and deleted.")


async def _cache(ports: Ports, adapter: str) -> Finding:
    kind, seconds = "document", list[float]()
    await ports.cache.set(PROBE, kind, "probe", b"ok", 60)
    found = 0
    for _ in range(_LOOKUPS):
        start = time.perf_counter()
        found += await ports.cache.get(PROBE, kind, "probe") == b"ok"
        seconds.append(time.perf_counter() - start)
    await ports.cache.clear(PROBE, kind)
    median = sorted(seconds)[len(seconds) // 2]
    told = f"{adapter}: {found} of {_LOOKUPS} lookups were answered, in {median * 1e3:.1f} ms at the median."
    if found < _LOOKUPS or median > _SLOW_CACHE_SECONDS:
        return Finding("cache", told, "Use a cache nearer to this machine: a question waits 45 ms for it at most.")
    return Finding("cache", told)


_PROBES: dict[str, Callable[[Ports, str], Awaitable[Finding]]] = {
    "blobs": _blobs,
    "cache": _cache,
    "chat": _chat,
    "embedder": _embedder,
    "records": _records,
    "vectors": _vectors,
}
