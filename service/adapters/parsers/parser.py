"""The parser of the service: every kind of file, each in a process of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.metadata
import os
from collections.abc import Callable

from service.adapters.parsers.dispatch import OFFICE
from service.adapters.parsers.process import Job, Template
from service.adapters.parsers.sniff import detect_media_type
from service.adapters.parsers.worker import OFFICE_JOB, PLAIN_JOB, Request
from service.domain.caller import Caller
from service.domain.documents import ParsedDocument
from service.errors import RagsqlError

_LIBRARIES = ("docling-slim", "pypdfium2")


class DocumentParser:
    """Implements ports.Parser. At most processes documents (default: one a core) are parsed at once."""

    def __init__(
        self, *, timeout_seconds: float = 60.0, memory_bytes: int = 2 * 2**30, processes: int | None = None
    ) -> None:
        self.version = " ".join(["2", *(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)])
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_bytes
        self._template = Template()
        self._threads = concurrent.futures.ThreadPoolExecutor(processes or os.cpu_count() or 1, "parse")

    def detect(self, content: bytes, filename: str) -> str:
        """The media type of a file. Raises UnsupportedMediaType."""
        return detect_media_type(content, filename)

    async def parse(
        self,
        caller: Caller,
        content: bytes,
        media_type: str,
        filename: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> ParsedDocument:
        """Raises UnsupportedMediaType and UnreadableDocument. Cancelling kills the process."""
        request = Request(content, media_type, filename, self._timeout_seconds, self._memory_bytes)
        job = Job(self._template, OFFICE_JOB if media_type in OFFICE else PLAIN_JOB, request)
        try:
            reply = await asyncio.get_running_loop().run_in_executor(self._threads, job.run)
        except asyncio.CancelledError:
            job.cancel()
            raise
        if isinstance(reply, RagsqlError):
            raise reply
        if progress and reply.page_count:
            progress(reply.page_count, reply.page_count)
        return reply

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._template.close()
