"""One killable process a document, copied from a process that has the libraries loaded."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace

from service.adapters.parsers.worker import LENGTH, Blocks, Failure, Message, Progress, Request, Rows
from service.domain.documents import Block, ParsedDocument
from service.errors import UnreadableDocument

_MAIN = (
    "import json, socket, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from service.adapters.parsers.worker import serve; serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[3])"
)
_START_SECONDS = 120.0
Reply = ParsedDocument | Failure


class Template:
    """The process that is copied. It starts with the first job and starts again should it have ended.

    artifacts is the folder of docling's models for PDF, or empty.
    """

    def __init__(self, artifacts: str) -> None:
        self._artifacts = artifacts
        self._lock = threading.Lock()
        self._stop: weakref.finalize[[subprocess.Popen[bytes], socket.socket], Template] | None = None
        self._control: socket.socket | None = None

    def copy(self, kind: bytes) -> socket.socket:
        """The socket to a fresh process for one job."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._running(), [kind], [theirs.fileno()])
            except OSError:
                self._end()
                socket.send_fds(self._running(), [kind], [theirs.fileno()])
        return ours

    def close(self) -> None:
        """End the process. The next job starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._stop:
            self._stop()
        self._stop = self._control = None

    def _running(self) -> socket.socket:
        if self._control:
            return self._control
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(theirs.fileno()), json.dumps(sys.path), self._artifacts],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        self._control = ours
        self._stop = weakref.finalize(self, _end, process, ours)
        return ours


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.kill()
    process.wait()


class Job:
    """One document. run blocks its thread; cancel may be called from any other. progress is called in that thread."""

    def __init__(
        self,
        template: Template,
        kind: bytes,
        request: Request,
        content: bytes,
        progress: Callable[[int, int], None],
    ) -> None:
        self._template = template
        self._kind = kind
        self._request = request
        self._content = content
        self._progress = progress
        self._lock = threading.Lock()
        self._cancelled = False
        self._socket: socket.socket | None = None
        self._pid = 0

    def run(self) -> Reply:
        """The result, which may be an error to raise. The process is gone when this returns."""
        with self._template.copy(self._kind) as connection:
            with self._lock:
                self._socket = connection
                if self._cancelled:
                    return self._failed("was cancelled")
            try:
                return self._converse(connection)
            except TimeoutError:
                page, whole = self._request.seconds_a_page, self._request.seconds_in_all
                return self._failed(f"takes longer than {page:g} seconds for one page or {whole:g} in all; split it")
            except OSError:
                return self._failed("failed; the file may be damaged or need too much memory")
            finally:
                self._kill()

    def cancel(self) -> None:
        """Kill the process, also one that has yet to start."""
        with self._lock:
            self._cancelled = True
            if self._socket:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _converse(self, connection: socket.socket) -> Reply:
        (self._pid,) = LENGTH.unpack(_receive(connection, LENGTH.size, time.monotonic() + _START_SECONDS))
        started = time.monotonic()
        connection.settimeout(self._request.seconds_a_page)
        request = pickle.dumps(self._request)
        connection.sendall(LENGTH.pack(len(request)) + request)
        connection.sendall(self._content)
        reply = self._reply(connection, started + self._request.seconds_in_all)
        if not self._cancelled:
            self._pid = 0
        return reply

    def _reply(self, connection: socket.socket, last: float) -> Reply:
        """Put the messages together again. Each may take as long as a page."""
        blocks: list[Block] = []
        rows: list[tuple[str, ...]] = []
        while True:
            deadline = min(last, time.monotonic() + self._request.seconds_a_page)
            (length,) = LENGTH.unpack(_receive(connection, LENGTH.size, deadline))
            message: Message = pickle.loads(_receive(connection, length, deadline))
            if isinstance(message, Progress):
                self._progress(message.done, message.count)
            elif isinstance(message, Rows):
                rows += message.rows
            elif isinstance(message, Blocks):
                if rows:
                    blocks[-1] = replace(blocks[-1], rows=(*blocks[-1].rows, *rows))
                    rows.clear()
                blocks += message.blocks
            elif isinstance(message, ParsedDocument):
                return replace(message, blocks=tuple(blocks))
            else:
                return message

    def _kill(self) -> None:
        with self._lock:
            self._socket = None
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _failed(self, what: str) -> UnreadableDocument:
        return UnreadableDocument(f'Reading the file "{self._request.filename}" {what}.')


def _receive(connection: socket.socket, size: int, deadline: float) -> bytearray:
    """Exactly size bytes. Raises TimeoutError and, when the process has ended, ConnectionError."""
    content = bytearray(size)
    view = memoryview(content)
    while view:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        count = connection.recv_into(view)
        if not count:
            raise ConnectionResetError
        view = view[count:]
    return content
