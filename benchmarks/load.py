"""Requests over kept-open connections, as fast as the server answers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import cast

CONNECTIONS = 8
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A path that is posted the same JSON again and again."""

    port: int
    path: str
    body: object

    @property
    def request(self) -> bytes:
        """The whole request as it goes over the wire."""
        content = json.dumps(self.body).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


class _Asker(asyncio.Protocol):
    """Asks again as soon as a whole response is there."""

    def __init__(self, request: bytes, until: float) -> None:
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request, self._until = request, until
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        if not self._received.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(f"unexpected: {self._received[:300]!r}"))
            return
        self._received = b""
        self.answered += 1
        if time.perf_counter() < self._until:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError("the server hung up"))


def _is_whole(received: bytes) -> bool:
    """Whether a response, of announced length or in chunks, has arrived."""
    head, found, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else bool(found) and body.endswith(b"\r\n0\r\n\r\n")


async def requests_per_second(target: Target, seconds: float) -> float:
    """Answered over all connections together."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: _Asker(target.request, start + seconds), "127.0.0.1", target.port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(asker.done for _, asker in pairs))
    return sum(asker.answered for _, asker in pairs) / (time.perf_counter() - start)
