"""The one handler of both functions: it looks at an event, and hands it to who knows its kind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any, cast

from service import request_log
from service.app import application, assemble
from service.serverless.urls import FunctionUrl
from service.transport.recording import Invocation, invocation

if TYPE_CHECKING:
    from mangum.types import LambdaContext

    from service.serverless.ingest import IngestFiles
    from service.settings import Settings

Event = dict[str, Any]

_OF_REQUESTS = ("requestContext", "rawPath", "httpMethod")
_DRAIN_SECONDS = 0.5
_FLUSH_SECONDS = 1.0


class Entry:
    """Built once for an environment. overrides replace adapters by the name of their port, for tests."""

    def __init__(self, settings: Settings, **overrides: Any) -> None:
        self._settings = settings
        self._assembly = assemble(settings, **overrides)
        self._write = request_log.writer(metrics=settings.log_metrics)
        self._url = FunctionUrl(application(self._assembly), self._write if settings.log_format == "json" else None)
        self._files: IngestFiles | None = None
        self._cold = True
        self._outlasted: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    def __call__(self, event: Any, context: LambdaContext) -> Event:
        """The response to a request, or what became of files. Raises UnknownEvent, and IngestFailed to come again."""
        said = Invocation(str(getattr(context, "aws_request_id", "")), self._cold)
        self._cold = False
        token = invocation.set(said)
        try:
            if _is_request(event):
                return self._url(cast(Event, event), context)
            return self._run(self._ingest(event, said))
        finally:
            self._run(self._drain())
            if said.cold_start:
                gc.freeze()
                gc.enable()
            if self._assembly.tracer:
                self._assembly.tracer.flush(_FLUSH_SECONDS)
            invocation.reset(token)

    async def _ingest(self, event: Any, said: Invocation) -> Event:
        if self._files is None:
            from service.serverless.ingest import IngestFiles

            self._files = IngestFiles(self._assembly.documents, self._settings, self._write)
        return await self._files(event, said)

    async def _drain(self) -> None:
        """Finish what a request left behind: once the response is out, the environment may freeze for hours."""
        left = asyncio.all_tasks() - {asyncio.current_task()} - set(self._outlasted)
        if left:
            _, pending = await asyncio.wait(left, timeout=_DRAIN_SECONDS)
            self._outlasted |= pending

    def _run(self, work: Any) -> Any:
        """In the loop that the clients of the assembly live in, which is Mangum's."""
        return asyncio.get_event_loop().run_until_complete(work)


def _is_request(event: Any) -> bool:
    """Whether it is answered with HTTP. A dead letter has a context, too."""
    return isinstance(event, dict) and not event.keys().isdisjoint(_OF_REQUESTS) and "requestPayload" not in event
