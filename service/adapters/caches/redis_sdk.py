"""redis-py's clients and its errors in words."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from redis.asyncio import Redis

_CONNECTIONS = 16
_SOCKET_SECONDS = 2.0


class RedisClients:
    """One client an event loop, made on first use: connections cannot change loops."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()

    def get(self) -> Redis:
        """The client of the running loop. It fails at once rather than trying again."""
        loop = asyncio.get_running_loop()
        client = self._made.get(loop)
        if client is None:
            client = self._made[loop] = _connect(self._url)
        return client

    async def ping(self) -> None:
        """One round trip. Raises what redis-py raises."""
        await cast(Any, self.get()).ping()

    def close(self) -> None:
        """Close the connections of the loops that still run, from another thread than theirs."""
        for loop, client in list(self._made.items()):
            if loop.is_running():
                with suppress(Exception):
                    asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(_SOCKET_SECONDS)
        self._made.clear()


def _connect(url: str) -> Redis:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pools: Any = BlockingConnectionPool
    pool = pools.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_SOCKET_SECONDS,
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=_SOCKET_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return Redis.from_pool(pool)


def as_sentence(error: BaseException | None) -> str:
    """What is wrong and what to do. The server's own words are not passed on: they may hold the password."""
    from redis import exceptions

    if isinstance(error, exceptions.AuthenticationError):
        return "Redis refuses the password. Check UPSTASH_REDIS_URL."
    if isinstance(error, TimeoutError | exceptions.TimeoutError):
        return "Redis does not answer in time. Check UPSTASH_REDIS_URL and the server."
    if isinstance(error, exceptions.ConnectionError | OSError):
        return "Redis cannot be reached. Check UPSTASH_REDIS_URL, the network, and whether the server wants rediss://."
    if isinstance(error, exceptions.OutOfMemoryError):
        return "Redis is full. Give it more memory, or let it evict what expires soon (maxmemory-policy)."
    if isinstance(error, exceptions.ResponseError):
        return "Redis refuses a command. Check that UPSTASH_REDIS_URL has the rights to read, write and run scripts."
    return "Redis cannot be used. Check UPSTASH_REDIS_URL."
