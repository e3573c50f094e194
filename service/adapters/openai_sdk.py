"""What the chat and the embedding adapter share about the openai SDK: clients, deadlines, retries and the circuit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from service.adapters import openai_errors
from service.adapters.circuit import Circuit
from service.adapters.openai_errors import Asked
from service.adapters.retries import retrying
from service.errors import NotConfigured, UpstreamUnavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")

MAX_REPLY_BYTES = 32 * 1024 * 1024
"""Far more than any reply or any batch of embeddings takes."""
_CONNECT_SECONDS = 5.0
_CHECK_SECONDS = 1.8
_FAILURES = 3
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. base_url is empty for OpenAI's own and ends in /v1 otherwise."""

    base_url: str = ""
    api_key: str = ""

    @property
    def host(self) -> str:
        """Its name for a person."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or "OpenAI"


class OpenAICalls:
    """Calls for one model, each with a deadline, retries and errors in words.

    An endpoint that has not answered three times in a row fails at once, but for one call in five seconds. A local
    server is not given up: it is slow before it is dead.
    """

    def __init__(self, asked: Asked, *, local: bool = False) -> None:
        self._asked = asked
        self._circuit = None if local else Circuit(_FAILURES, _RETRY_SECONDS)
        self._made: tuple[Endpoint, asyncio.AbstractEventLoop, AsyncOpenAI] | None = None

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Around a call and the reading of its reply. Raises NotConfigured, UpstreamUnavailable."""
        if self._circuit and not self._circuit.may_call():
            raise UpstreamUnavailable(
                f"{self._asked.place} did not answer the last calls for {self._asked.model} and is asked again within "
                f"{_RETRY_SECONDS:.0f} seconds. Check OPENAI_BASE_URL and the network if it goes on."
            )
        begun = self._circuit.clock() if self._circuit else 0.0
        try:
            yield
        except Exception as error:
            if self._circuit and openai_errors.is_silence(error):
                self._circuit.failed(begun)
            raise openai_errors.as_domain_error(error, self._asked) from error

    async def send(self, work: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What work returns within so many seconds, retries included. Belongs inside of guarded."""
        async with asyncio.timeout(seconds):
            result = await retrying(work, openai_errors.pause, seconds)
        if self._circuit:
            self._circuit.succeeded()
        return result

    async def problem(self, endpoint: Endpoint) -> str:
        """Why the model cannot be used, as a sentence; empty when it can, as far as the server tells. Costs nothing."""
        try:
            client = self.client(endpoint)  # loading the SDK is slow, and no fault of the server
            async with asyncio.timeout(_CHECK_SECONDS):
                await client.models.retrieve(self._asked.model)
        except Exception as error:
            if not openai_errors.tells_nothing(error):
                return openai_errors.as_domain_error(error, self._asked).message
        if self._circuit:
            self._circuit.succeeded()
        return ""

    def client(self, endpoint: Endpoint) -> AsyncOpenAI:
        """The SDK's, made anew when the endpoint or the event loop is another.

        Raises NotConfigured without a key for OpenAI's own server.
        """
        if not endpoint.api_key and not endpoint.base_url:
            raise NotConfigured(
                "There is no key for OpenAI. Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of yours."
            )
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] != endpoint or self._made[1] is not loop:
            self._made = (endpoint, loop, _connect(endpoint))
        return self._made[2]


def within(seconds: float) -> Any:
    """The SDK's timeout for a call: connecting takes no longer than five seconds of them."""
    from openai import Timeout

    return Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))


def _connect(endpoint: Endpoint) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    return AsyncOpenAI(
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url or "https://api.openai.com/v1",
        max_retries=0,
        # The SDK's own one closes itself when it is collected, on whatever event loop runs then.
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [_bound]}),
    )


async def _bound(response: Any) -> None:
    """Have a body that does not end break off."""
    import httpx2

    whole = response.stream

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncGenerator[bytes]:
            read = 0
            async for chunk in whole:
                read += len(chunk)
                if read > MAX_REPLY_BYTES:
                    raise UpstreamUnavailable("The model's reply does not end. Try again, or use another model.")
                yield chunk

        async def aclose(self) -> None:
            await whole.aclose()

    response.stream = Bounded()
