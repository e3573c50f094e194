"""What the chat and the embedding adapter share about the openai SDK: clients and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    from httpx2 import AsyncByteStream
    from openai import AsyncOpenAI

_RETRIES = 1
_MAX_BODY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. base_url is empty for OpenAI's own and ends in /v1 otherwise."""

    base_url: str = ""
    api_key: str = ""

    @property
    def host(self) -> str:
        """Its name for a person."""
        return urlsplit(self.base_url).netloc or "OpenAI"


class Clients:
    """The SDK's client, made on first use and again when the endpoint or the event loop is another."""

    def __init__(self) -> None:
        self._made: tuple[Endpoint, asyncio.AbstractEventLoop, AsyncOpenAI] | None = None

    def get(self, endpoint: Endpoint) -> AsyncOpenAI:
        """A client. Raises NotConfigured without a key for OpenAI's own server."""
        if not endpoint.api_key and not endpoint.base_url:
            raise NotConfigured(
                "There is no key for OpenAI. Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of yours."
            )
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] != endpoint or self._made[1] is not loop:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            client = AsyncOpenAI(
                api_key=endpoint.api_key or "none",
                base_url=endpoint.base_url or None,
                max_retries=_RETRIES,
                # The SDK's own one closes itself when it is collected, on whatever event loop runs then.
                http_client=DefaultAsyncHttpxClient(event_hooks={"response": [_limit]}),
            )
            self._made = (endpoint, loop, client)
        return self._made[2]


async def _limit(response: Any) -> None:
    """Have a body read only so far: a server may never stop."""
    response.stream = _limited_stream(response.stream)


def _limited_stream(stream: AsyncByteStream) -> AsyncByteStream:
    from httpx2 import AsyncByteStream

    class Limited(AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in stream:
                size += len(piece)
                if size > _MAX_BODY:
                    raise UpstreamUnavailable("The model's server did not end its reply. Check OPENAI_BASE_URL.")
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Limited()


def as_domain_error(error: Exception, endpoint: Endpoint, model: str) -> RagsqlError:
    """The domain's error for one of the SDK or the network. Texts of the server are not passed on."""
    import openai

    host = endpoint.host
    if isinstance(error, RagsqlError):
        return error
    if isinstance(error.__cause__, RagsqlError):
        return error.__cause__
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return UpstreamUnavailable(f"{model} at {host} did not answer in time. Try again.")
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, host, model)
    if isinstance(error, openai.APIConnectionError):
        return UpstreamUnavailable(f"{host} cannot be reached for {model}. Check OPENAI_BASE_URL and the network.")
    return UpstreamUnavailable(f"{model} at {host} broke off or gave a reply that cannot be read. Try again.")


def _status_error(error: Exception, host: str, model: str) -> RagsqlError:
    status = getattr(error, "status_code", 0)
    kind = f"{getattr(error, 'code', '')} {getattr(error, 'type', '')}"
    if status in (401, 403):
        return NotConfigured(f"{host} refuses the key. Check OPENAI_API_KEY.")
    if status == 404:
        return NotConfigured(f"{host} has no model {model!r}. Check OPENAI_BASE_URL and the model's setting.")
    if "context" in kind:
        return UpstreamUnavailable(f"The prompt is longer than {model} reads. Ask a shorter question.")
    if status == 429:
        return UpstreamUnavailable(f"{host} takes no more requests for {model} now. Wait a moment, or check its quota.")
    return UpstreamUnavailable(f"{model} at {host} failed with HTTP status {status}. Try again.")
