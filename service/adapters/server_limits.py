"""How much the servers of passages, models and the cache still take, as they tell it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from service.adapters.caches.redis_sdk import RedisClients, as_sentence
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """Bytes in use and the most that Redis takes, 0 if it has no bound; policy says what it removes to make room."""

    used: int
    most: int
    policy: str


@dataclass(frozen=True, slots=True)
class PineconeFill:
    """How many records and namespaces an index has, and the share of it that is full (0 where it grows by itself)."""

    records: int
    namespaces: int
    fullness: float
    state: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What is left of a limit of so many requests or tokens, and when it is whole again, as OpenAI writes it."""

    of: str
    left: int
    most: int
    reset: str


async def redis_memory(url: str) -> RedisMemory | None:
    """None for a server that does not tell. Raises UpstreamUnavailable."""
    clients = RedisClients(url)
    client = clients.get()
    try:
        async with asyncio.timeout(_SECONDS):
            found: Mapping[str, Any] = await cast(Any, client).info("memory")
    except Exception as error:
        raise UpstreamUnavailable(as_sentence(error)) from error
    finally:
        await client.aclose()
    if "maxmemory" not in found:
        return None
    return RedisMemory(
        int(found.get("used_memory", 0)), int(found["maxmemory"]), str(found.get("maxmemory_policy", ""))
    )


async def pinecone_fill(api_key: str, name: str) -> PineconeFill:
    """Of the index of this name. Raises UpstreamUnavailable and NotConfigured."""
    from service.adapters.vectors.identity import Identity
    from service.adapters.vectors.pinecone_identity import Place
    from service.adapters.vectors.pinecone_sdk import PineconeIndex

    index = PineconeIndex(api_key, name, Identity("", 0), Place(name, ""))
    description = await index.call_control(name)
    client = index.client(description.host)
    try:
        async with asyncio.timeout(_SECONDS):
            stats = await client.describe_index_stats()
    except Exception as error:
        raise UpstreamUnavailable("Pinecone did not say how full the index is.") from error
    finally:
        await client.close()
    records = sum(int(one.vector_count or 0) for one in stats.namespaces.values())
    return PineconeFill(records, len(stats.namespaces), float(stats.index_fullness or 0), str(description.status.state))


async def openai_limits(base_url: str, api_key: str, model: str, *, embeddings: bool) -> list[RateLimit]:
    """What the answer to one small request says, empty if nothing. Raises UpstreamUnavailable."""
    from openai import AsyncOpenAI, OpenAIError

    async with AsyncOpenAI(
        api_key=api_key or "none", base_url=base_url or None, max_retries=0, timeout=_SECONDS
    ) as client:
        sdk = cast(Any, client)
        try:
            if embeddings:
                reply = await sdk.embeddings.with_raw_response.create(model=model, input="ok")
            else:
                said = [{"role": "user", "content": "Say ok."}]
                reply = await sdk.chat.completions.with_raw_response.create(model=model, messages=said)
        except OpenAIError as error:
            raise UpstreamUnavailable(f"The server of {model} did not say what it still takes.") from error
    return rate_limits(reply.headers)


def rate_limits(headers: Mapping[str, str]) -> list[RateLimit]:
    """Those that the headers x-ratelimit-… tell."""
    found: list[RateLimit] = []
    for of in ("requests", "tokens"):
        left, most = (headers.get(f"x-ratelimit-{word}-{of}", "") for word in ("remaining", "limit"))
        if left.isdecimal() and most.isdecimal():
            found.append(RateLimit(of, int(left), int(most), headers.get(f"x-ratelimit-reset-{of}", "")))
    return found
