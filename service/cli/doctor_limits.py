"""How much the servers that the settings name still take, for `ragsql doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cli.doctor_finding import Finding

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from service.settings import Settings

_MOST_FULL = 0.8
_LEAST_LEFT = 0.2
_MB = 1e6


def limits(settings: Settings) -> dict[str, Awaitable[Finding]]:
    """A look at each, by the name of its part."""
    looks: dict[str, Awaitable[Finding]] = {}
    if settings.embedder == "openai":
        looks["limits of embedder"] = _openai(settings, settings.embedding_model, embeddings=True)
    if settings.chat == "openai":
        looks["limits of chat"] = _openai(settings, settings.chat_model, embeddings=False)
    if settings.vectors == "pinecone":
        looks["limits of pinecone"] = _pinecone(settings)
    if settings.cache == "redis":
        looks["limits of redis"] = _redis(settings)
    return looks


async def _openai(settings: Settings, model: str, *, embeddings: bool) -> Finding:
    from service.adapters.server_limits import openai_limits

    found = await openai_limits(settings.openai_base_url, settings.openai_api_key, model, embeddings=embeddings)
    if not found:
        return Finding("", f"The server of {model} does not tell how much it takes.")
    told = ", ".join(f"{one.left:,} of {one.most:,} {one.of}" for one in found)
    low = [one for one in found if one.left < _LEAST_LEFT * one.most]
    advice = ""
    if low:
        when = f" {low[0].reset}" if low[0].reset else " a minute"
        advice = f"Wait{when}, have the account's limits raised, or let fewer processes share OPENAI_API_KEY."
    return Finding("", f"{model} takes {told} at the moment.", advice)


async def _pinecone(settings: Settings) -> Finding:
    from service.adapters.server_limits import pinecone_fill

    fill = await pinecone_fill(settings.pinecone_api_key, settings.pinecone_index_name)
    told = f"{fill.records:,} records in {fill.namespaces:,} namespaces"
    if fill.state != "Ready":
        return Finding("", f"The index is {fill.state}; it has {told}.", "Wait, or look at it in Pinecone's console.")
    if fill.fullness > _MOST_FULL:
        advice = "Give the index more pods, or make a serverless one and run `ragsql migrate`."
        return Finding("", f"The index is {fill.fullness:.0%} full: {told}.", advice)
    return Finding("", f"The index has {told}, and room.")


async def _redis(settings: Settings) -> Finding:
    from service.adapters.server_limits import redis_memory

    memory = await redis_memory(settings.redis_url)
    if memory is None:
        return Finding("", "Redis does not tell how much it takes.")
    if not memory.most:
        return Finding("", f"Redis uses {memory.used / _MB:.0f} MB and has no bound (maxmemory).")
    told = f"Redis uses {memory.used / _MB:.0f} of {memory.most / _MB:.0f} MB and its policy is {memory.policy}"
    if memory.policy == "noeviction":
        return Finding(
            "",
            f"{told}: when it is full, nothing more is cached.",
            "Set maxmemory-policy to volatile-lru or allkeys-lru (Upstash: turn eviction on).",
        )
    return Finding("", f"{told}.")
