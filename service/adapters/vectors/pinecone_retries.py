"""Which failures of Pinecone pass by themselves."""

from __future__ import annotations

from service.adapters.retries import retry_after


def pause(error: Exception) -> float | None:
    """See retries.Pause. What passes: throttling, a server's failure, a connection that is not made or breaks."""
    from pinecone import errors

    if isinstance(error, errors.ApiError):
        passes = error.status_code in (408, 429) or (error.status_code >= 500 and error.status_code != 501)
        return retry_after((error.headers or {}).get("retry-after")) if passes else None
    return 0.0 if isinstance(error, errors.PineconeConnectionError) else None
