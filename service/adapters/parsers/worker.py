"""The process that every parsing process is copied from.

It reads one byte a job from its control socket, with the job's own socket attached, and forks. It ends when the
other side of the control socket is closed.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import resource
import signal
import socket
import struct
from dataclasses import dataclass

from service.adapters.parsers.dispatch import parse_document
from service.domain.documents import ParsedDocument
from service.errors import UnreadableDocument, UnsupportedMediaType

PLAIN_JOB = b"p"
OFFICE_JOB = b"o"
LENGTH = struct.Struct("!Q")
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Request:
    """A file and the limits for reading it."""

    content: bytes
    media_type: str
    filename: str
    timeout_seconds: float
    memory_bytes: int


Reply = ParsedDocument | UnreadableDocument | UnsupportedMediaType


def serve(control: socket.socket) -> None:
    """Fork once a job until the control socket ends."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    warm = False
    while True:
        kind, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not kind:
            return
        if kind == OFFICE_JOB and not warm:
            _warm_up()
            warm = True
        if os.fork() == 0:
            control.close()
            _run(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def _warm_up() -> None:
    from service.adapters.parsers.office import warm_up

    with contextlib.suppress(Exception):
        warm_up()
    gc.collect()
    gc.freeze()


def _run(job: socket.socket) -> None:
    """Do one job and end this process, whatever happens."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job.sendall(LENGTH.pack(os.getpid()))
        request = _receive(job)
        _limit(request)
        job.sendall(pickle.dumps(_reply(request)))
        job.close()
    finally:
        os._exit(0)


def _receive(job: socket.socket) -> Request:
    with job.makefile("rb") as stream:
        (length,) = LENGTH.unpack(stream.read(LENGTH.size))
        return pickle.loads(stream.read(length))


def _limit(request: Request) -> None:
    """CPU seconds, memory, core dumps, and a clock for the case that the service is gone."""
    seconds = int(request.timeout_seconds) + _GRACE_SECONDS
    signal.alarm(seconds)
    limits = ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, request.memory_bytes), (resource.RLIMIT_CORE, 0))
    for kind, limit in limits:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def _reply(request: Request) -> Reply:
    try:
        return parse_document(request.content, request.media_type, request.filename)
    except (UnreadableDocument, UnsupportedMediaType) as error:
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
