"""The parser of the service: every kind of file, each in a process of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.metadata
import os
from collections.abc import Callable

from service.adapters.parsers.process import Job, Template
from service.adapters.parsers.sniff import DOCX, HTML, MARKDOWN, PICTURES, PPTX, detect_media_type
from service.adapters.parsers.worker import OFFICE_JOB, PICTURE_JOB, PLAIN_JOB, Request
from service.domain.caller import Caller
from service.domain.documents import ParsedDocument
from service.errors import RagsqlError

_LIBRARIES = ("docling-slim", "openpyxl", "pypdfium2", "rapidocr")
_KINDS = {**dict.fromkeys((DOCX, PPTX, HTML, MARKDOWN), OFFICE_JOB), **dict.fromkeys(PICTURES, PICTURE_JOB)}


class DocumentParser:
    """Implements ports.Parser. At most processes documents (default: one a core) are parsed at once.

    seconds_a_page bounds every page, and a file that has none; memory_bytes what a document may take.
    """

    def __init__(
        self,
        *,
        seconds_a_page: float = 25.0,
        seconds_in_all: float = 900.0,
        memory_bytes: int = 2 * 2**30,
        processes: int | None = None,
    ) -> None:
        self.version = " ".join(["3", *(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)])
        self._limits = (seconds_a_page, seconds_in_all, memory_bytes)
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
        loop = asyncio.get_running_loop()
        request = Request(len(content), media_type, filename, *self._limits)

        def report(done: int, count: int) -> None:
            if progress:
                loop.call_soon_threadsafe(progress, done, count)

        job = Job(self._template, _KINDS.get(media_type, PLAIN_JOB), request, content, report)
        try:
            reply = await loop.run_in_executor(self._threads, job.run)
        except asyncio.CancelledError:
            job.cancel()
            raise
        if isinstance(reply, RagsqlError):
            raise reply
        return reply

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._template.close()
