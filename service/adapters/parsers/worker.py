"""The process that every parsing process is copied from.

It reads one byte a job from its control socket, with the job's own socket attached, and forks. It ends when the
other side of the control socket is closed. On a job's socket come the request and the file; back go the process's
id, then messages, the last of which is the document without its blocks, or an error.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import pickle
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from service.adapters.parsers.dispatch import parse_document
from service.domain.documents import Block, ParsedDocument
from service.errors import NotConfigured, UnreadableDocument, UnsupportedMediaType

PLAIN_JOB = b"p"
OFFICE_JOB = b"o"
PICTURE_JOB = b"i"
MODELS_JOB = b"m"
LENGTH = struct.Struct("!Q")
_GRACE_SECONDS = 5
_MOST_BLOCKS = 200
_MOST_ROWS = 1000
_PROGRESS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """A file's size and kind, and the limits for reading it: for a page or a file without pages, and in all.

    artifacts is the folder of docling's models for PDF, empty for the built-in parser. With fallback, that parser
    reads what docling cannot.
    """

    size: int
    media_type: str
    filename: str
    seconds_a_page: float
    seconds_in_all: float
    memory_bytes: int
    artifacts: str = ""
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Pages read and pages in all."""

    done: int
    count: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The next blocks; few, since unpickling stops everything else in the receiving process."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """More rows of the last table. Blocks follow, if only none."""

    rows: tuple[tuple[str, ...], ...]


Failure = NotConfigured | UnreadableDocument | UnsupportedMediaType
Message = Progress | Blocks | Rows | ParsedDocument | Failure


def serve(control: socket.socket, artifacts: str) -> None:
    """Fork once a job until the control socket ends. artifacts is the folder of docling's models, or empty."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    warm: set[bytes] = set()
    while True:
        kind, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not kind:
            return
        if kind not in warm:
            _warm_up(kind, artifacts)
            warm.add(kind)
        if os.fork() == 0:
            control.close()
            _run(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def _warm_up(kind: bytes, artifacts: str) -> None:
    """Load what takes long. What has threads of its own is made in the copies: threads would not be copied.

    What fails here fails again in a copy, which can say so.
    """
    with contextlib.suppress(Exception):
        if kind == OFFICE_JOB:
            from service.adapters.parsers.office import warm_up

            warm_up()
        elif kind == PICTURE_JOB:
            importlib.import_module("service.adapters.parsers.images")
        elif kind == MODELS_JOB:
            from service.adapters.parsers.docling_pdf import load

            load(artifacts)
    gc.collect()
    gc.freeze()


def _run(job: socket.socket) -> None:
    """Do one job and end this process, whatever happens."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job.sendall(LENGTH.pack(os.getpid()))
        with job.makefile("rb") as stream:
            (length,) = LENGTH.unpack(stream.read(LENGTH.size))
            request: Request = pickle.loads(stream.read(length))
            content = stream.read(request.size)
        _limit(request)
        for message in _messages(request, content, _reporter(job)):
            _send(job, message)
        job.close()
    finally:
        os._exit(0)


def _send(job: socket.socket, message: Message) -> None:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    job.sendall(LENGTH.pack(len(content)) + content)


def _reporter(job: socket.socket) -> Callable[[int, int], None]:
    sent = 0.0

    def report(done: int, count: int) -> None:
        nonlocal sent
        if done == count or time.monotonic() > sent + _PROGRESS_SECONDS:
            sent = time.monotonic()
            _send(job, Progress(done, count))

    return report


def _limit(request: Request) -> None:
    """CPU seconds, memory beyond what is used now, core dumps, and a clock for the case that the service is gone."""
    seconds = int(request.seconds_in_all) + _GRACE_SECONDS
    signal.alarm(seconds)
    memory = _address_space() + request.memory_bytes
    limits = ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0))
    for kind, limit in limits:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def _address_space() -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def _messages(request: Request, content: bytes, report: Callable[[int, int], None]) -> Iterator[Message]:
    parsed = _parse(request, content, report)
    if not isinstance(parsed, ParsedDocument):
        yield parsed
        return
    plain: list[Block] = []
    for block in parsed.blocks:
        plain.append(replace(block, rows=block.rows[:_MOST_ROWS]))
        if len(block.rows) > _MOST_ROWS or len(plain) >= _MOST_BLOCKS:
            yield Blocks(tuple(plain))
            plain.clear()
        for start in range(_MOST_ROWS, len(block.rows), _MOST_ROWS):
            yield Rows(block.rows[start : start + _MOST_ROWS])
    yield Blocks(tuple(plain))
    yield replace(parsed, blocks=())


def _parse(request: Request, content: bytes, report: Callable[[int, int], None]) -> ParsedDocument | Failure:
    try:
        return parse_document(
            content,
            request.media_type,
            request.filename,
            artifacts=request.artifacts,
            fallback=request.fallback,
            progress=report,
        )
    except (NotConfigured, UnreadableDocument, UnsupportedMediaType) as error:
        return error
    except MemoryError:
        megabytes = request.memory_bytes // 2**20
        return UnreadableDocument(
            f'Reading the file "{request.filename}" takes more than {megabytes} MB of memory. Split it.'
        )
    except Exception:
        return UnreadableDocument(
            f'The file "{request.filename}" is damaged and cannot be read. Open and save it again, then upload that.'
        )
