"""Pinecone's SDK under the retries that all vendors share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from service.adapters.retries import retry_after, retrying

if TYPE_CHECKING:
    from pinecone import AsyncIndex, RetryConfig

T = TypeVar("T")


async def repeated(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What work, which is one request, returns. See retries.retrying."""
    return await retrying(work, pause, seconds)


def once() -> RetryConfig:
    """No retries of the SDK's own."""
    from pinecone import RetryConfig

    return RetryConfig(max_retries=0)


def without_retries(index: AsyncIndex) -> AsyncIndex:
    """The index, which has sent no request yet. The SDK has no public way to say so for an index."""
    http: Any = index._http  # pyright: ignore[reportPrivateUsage]
    http._config = replace(http._config, retry_config=once())
    return index


def pause(error: Exception) -> float | None:
    """See retries.Pause. What passes: throttling, a server's failure, a connection that is not made or breaks."""
    from pinecone import errors

    if isinstance(error, errors.ApiError):
        passes = error.status_code in (408, 429) or (error.status_code >= 500 and error.status_code != 501)
        return retry_after((error.headers or {}).get("retry-after")) if passes else None
    return 0.0 if isinstance(error, errors.PineconeConnectionError) else None
