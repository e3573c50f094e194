"""The parser of the service: every kind of file, each in a process of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.metadata
import logging
import os
from dataclasses import replace
from pathlib import Path

from service.adapters.parsers.dispatch import INSTEAD
from service.adapters.parsers.process import Job, Template
from service.adapters.parsers.sniff import DOCX, HTML, MARKDOWN, PDF, PICTURES, PPTX, detect_media_type
from service.adapters.parsers.worker import MODELS_JOB, OFFICE_JOB, PICTURE_JOB, PLAIN_JOB, Request
from service.domain.caller import Caller
from service.domain.documents import ParsedDocument
from service.errors import NotConfigured, RagsqlError
from service.ports.documents import ReportPages

_LIBRARIES = ("docling-slim", "openpyxl", "pypdfium2", "rapidocr")
_MODELS_TAKE = 4
_SHORT_BYTES = 256 * 1024
_ONE_PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 46>>stream\nBT /F 12 Tf 72 700 Td (The first page.) Tj ET \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
_log = logging.getLogger("ragsql")
_KINDS = {**dict.fromkeys((DOCX, PPTX, HTML, MARKDOWN), OFFICE_JOB), **dict.fromkeys(PICTURES, PICTURE_JOB)}


def _no_report(done: int, count: int) -> None:
    pass


class DocumentParser:
    """Implements ports.Parser. At most processes documents (default: one a core) are parsed at once.

    When all of these are busy, one more takes files of at most 256 KiB, so that they do not wait for long scans.
    seconds_a_page bounds every page, and a file that has none; memory_bytes what a document may take. artifacts is
    the folder of docling's models, which then read PDF; what they cannot read is an error, or with fallback read by
    the built-in parser.
    """

    def __init__(
        self,
        *,
        seconds_a_page: float = 25.0,
        seconds_in_all: float = 900.0,
        memory_bytes: int = 2 * 2**30,
        processes: int | None = None,
        artifacts: Path | None = None,
        fallback: bool = False,
    ) -> None:
        self._artifacts = str(artifacts or "")
        self._fallback = fallback
        self._instead = ""
        self._limits = (seconds_a_page, seconds_in_all, memory_bytes)
        self._template = Template(self._artifacts)
        self._processes = processes or os.cpu_count() or 1
        self._threads = concurrent.futures.ThreadPoolExecutor(self._processes, "parse")
        self._spare = concurrent.futures.ThreadPoolExecutor(1, "parse-short")
        self._under_way = 0

    @property
    def version(self) -> str:
        """Changes whenever the same file could give other blocks."""
        libraries = (f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
        return " ".join(["4", *libraries, *(["docling for PDF"] if self._artifacts else [])])

    def warm(self) -> None:
        """Load docling's models, if they are to be used, and read a page with them.

        Raises NotConfigured; with fallback, the built-in parser reads PDF from now on, and one line of the log says so.
        """
        if not self._artifacts:
            return
        reply = self._job(_ONE_PAGE, PDF, "a page.pdf", fallback=False).run()
        if isinstance(reply, RagsqlError):
            if not self._fallback:
                raise NotConfigured(reply.message)
            _log.warning("PDF is read by the built-in parser. %s", reply.message)
            self._artifacts, self._instead = "", INSTEAD

    def detect(self, content: bytes, filename: str) -> str:
        """The media type of a file. Raises UnsupportedMediaType."""
        return detect_media_type(content, filename)

    async def parse(
        self,
        caller: Caller,
        content: bytes,
        media_type: str,
        filename: str,
        progress: ReportPages | None = None,
    ) -> ParsedDocument:
        """Raises UnsupportedMediaType and UnreadableDocument. Cancelling kills the process."""
        loop = asyncio.get_running_loop()

        def report(done: int, count: int) -> None:
            if progress:
                loop.call_soon_threadsafe(progress, done, count)

        job = self._job(content, media_type, filename, report=report, fallback=self._fallback)
        passes = len(content) <= _SHORT_BYTES and self._under_way >= self._processes
        self._under_way += not passes
        try:
            reply = await loop.run_in_executor(self._spare if passes else self._threads, job.run)
        except asyncio.CancelledError:
            job.cancel()
            raise
        finally:
            self._under_way -= not passes
        if isinstance(reply, RagsqlError):
            raise reply
        return replace(reply, parser=reply.parser + self._instead) if media_type == PDF else reply

    def _job(
        self, content: bytes, media_type: str, filename: str, *, report: ReportPages = _no_report, fallback: bool
    ) -> Job:
        seconds, seconds_in_all, memory = self._limits
        with_models = bool(self._artifacts) and media_type == PDF
        if with_models:
            seconds, memory = seconds * _MODELS_TAKE, memory * _MODELS_TAKE
        kind = MODELS_JOB if with_models else _KINDS.get(media_type, PLAIN_JOB)
        request = Request(
            len(content), media_type, filename, seconds, seconds_in_all, memory, self._artifacts, fallback
        )
        return Job(self._template, kind, request, content, report)

    def close(self) -> None:
        """End the processes."""
        for threads in (self._threads, self._spare):
            threads.shutdown(wait=False, cancel_futures=True)
        self._template.close()
