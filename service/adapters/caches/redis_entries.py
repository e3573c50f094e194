"""Cache entries as Redis keys: each value under a key of its own, and their names in a sorted set by expiry."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from redis.asyncio import Redis

_BATCH = 1000
_MARK_MILLISECONDS = 3_600_000
"""Longer than anything that is kept takes to work out."""

# An entry counts only while its name is in the set, so that one DEL forgets all of them at once. The server's clock
# alone decides; the set lives as long as its last entry.
_SET = """
if ARGV[4] and (redis.call('GET', KEYS[3]) or '') ~= ARGV[4] then
    return
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local milliseconds = tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], 'PX', milliseconds)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + milliseconds, ARGV[1])
if redis.call('PTTL', KEYS[2]) < milliseconds then
    redis.call('PEXPIRE', KEYS[2], milliseconds)
end
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""


class RedisEntries:
    """The entries of all tenants and kinds. Raises what redis-py raises."""

    def __init__(self, client: Redis) -> None:
        # redis-py types a result for its synchronous and its asynchronous client at once.
        self._client = cast(Any, client)

    async def get(self, tenant: str, kind: str, key: str) -> bytes | None:
        """None when it is absent or has expired. One round trip."""
        names = _names(tenant, kind)
        name = _encoded(key)
        async with self._client.pipeline(transaction=False) as pipeline:
            # In this order what was cleared and set anew in between is never taken for what was there before.
            pipeline.zscore(names, name)
            pipeline.get(_entry(names, name))
            expiry, value = await pipeline.execute()
        return value if expiry is not None else None

    async def set(
        self, tenant: str, kind: str, key: str, value: bytes, ttl_seconds: float, mark: str | None = None
    ) -> None:
        """Store or overwrite, with a mark only if it still is the mark. One round trip."""
        names = _names(tenant, kind)
        name = _encoded(key)
        milliseconds = int(ttl_seconds * 1000)
        if milliseconds > 0:
            marked = [] if mark is None else [mark]
            await self._client.register_script(_SET)(
                keys=[_entry(names, name), names, _mark(names)], args=[name, value, milliseconds, *marked]
            )
            return
        async with self._client.pipeline() as pipeline:
            pipeline.unlink(_entry(names, name))
            pipeline.zrem(names, name)
            await pipeline.execute()

    async def mark(self, tenant: str, kind: str) -> str:
        """Another one after every clearing; empty when that was long ago. One round trip."""
        return (await self._client.get(_mark(_names(tenant, kind))) or b"").decode()

    async def clear(self, tenant: str, kind: str) -> int:
        """Forget all entries in one step, free their memory after it, and say how many were still good."""
        names = _names(tenant, kind)
        async with self._client.pipeline() as pipeline:
            pipeline.zrange(names, 0, -1)
            pipeline.unlink(names)
            pipeline.set(_mark(names), uuid.uuid4().hex, px=_MARK_MILLISECONDS)
            members, *_ = await pipeline.execute()
        removed = 0
        for start in range(0, len(members), _BATCH):
            removed += await self._client.unlink(*(_entry(names, name) for name in members[start : start + _BATCH]))
        return removed

    async def claim(self, tenant: str, kind: str, key: str, token: str, seconds: float) -> bool:
        """Whether nobody held it. One round trip."""
        name = _claim(tenant, kind, key)
        return bool(await self._client.set(name, token, nx=True, px=int(seconds * 1000)))

    async def is_claimed(self, tenant: str, kind: str, key: str) -> bool:
        """Whether somebody holds it. One round trip."""
        return bool(await self._client.exists(_claim(tenant, kind, key)))

    async def release(self, tenant: str, kind: str, key: str, token: str) -> None:
        """Only if token holds it. One round trip."""
        await self._client.register_script(_RELEASE)(keys=[_claim(tenant, kind, key)], args=[token])


def _claim(tenant: str, kind: str, key: str) -> bytes:
    """The key of a claim: no entry, so that clearing leaves it."""
    return _names(tenant, kind) + b"!" + _encoded(key)


def _mark(names: bytes) -> bytes:
    """The key of the mark: no entry, so that clearing leaves it."""
    return names + b"?"


def _names(tenant: str, kind: str) -> bytes:
    """The key of the sorted set. In braces: a cluster keeps its entries with it."""
    return f"ragsql:{{{_quoted(tenant)}:{_quoted(kind)}}}".encode()


def _entry(names: bytes, name: bytes) -> bytes:
    return names + b":" + name


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
