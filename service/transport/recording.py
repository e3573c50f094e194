"""A record of every request, written when it is over."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from service.usecases.request_record import RequestRecord, recording

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FIRST_ERROR = 400
Write = Callable[[RequestRecord], None]


class Invocation(NamedTuple):
    """What the platform says of the request that is under way."""

    request_id: str
    cold_start: bool


invocation: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


class RecordRequests:
    """Middleware. The interceptor of outcomes says which method it was and how it ended."""

    def __init__(self, app: ASGIApp, write: Write, keeps_questions: bool) -> None:
        self._app = app
        self._write = write
        self._keeps_questions = keeps_questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = invocation.get()
        record = RequestRecord(said.request_id if said else uuid.uuid4().hex, said.cold_start if said else None)
        record.keeps_question = self._keeps_questions

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        try:
            with recording(record):
                await self._app(scope, receive, note)
        finally:
            if record.status >= _FIRST_ERROR and not record.reason:
                record.reason = f"HTTP_{record.status}"
            self._write(record)
