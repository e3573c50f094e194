"""A file of this machine that is uploaded, and what is told about it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from connectrpc.code import Code

from ragsql.v1.document_service_pb2 import CreateUploadRequest, UploadRequest
from ragsql_client.errors import RagsqlError

SMALL_BYTES = 4 * 1024 * 1024
LARGEST_BYTES = 100 * 1024 * 1024
PIECE_BYTES = 1024 * 1024

UploadPhase = Literal["hashing", "sending", "reading", "embedding", "indexing"]


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is.

    The phases come in the order hashing, sending, reading, embedding, indexing. A file of at most 4 MiB is only
    sending, in one step; what the server has processed before goes through no phase after sending. done and total
    are bytes while hashing and sending, pages while reading, chunks while embedding, else 0. total is 0 while it
    is not known, for example while the file waits for its turn to be read, or when the format has no pages. A
    server that is restarted begins again at reading.
    """

    phase: UploadPhase
    done: int
    total: int


ProgressCallback = Callable[[UploadProgress], None]


class LocalFile:
    """An open file, size in bytes. The same bytes are read whatever happens to the name meanwhile."""

    def __init__(self, path: str | Path, filename: str | None, progress: ProgressCallback | None) -> None:
        """Open it. Raises OSError, and RagsqlError when it is larger than any server takes."""
        self.name = filename or Path(path).name
        self._progress = progress
        self._told: UploadProgress | None = None
        self._file = Path(path).open("rb")  # noqa: SIM115
        self.size = self._file.seek(0, 2) if self._file.seekable() else 0
        if self.size > LARGEST_BYTES:
            self._file.close()
            raise RagsqlError(
                Code.RESOURCE_EXHAUSTED,
                f'"{self.name}" has {self.size:,} bytes, at most {LARGEST_BYTES:,} (100 MiB) are taken. '
                "Split it and upload the parts.",
                reason="PAYLOAD_TOO_LARGE",
            )

    @property
    def is_small(self) -> bool:
        """Whether one message can hold it."""
        return self.size <= SMALL_BYTES

    def report(self, phase: UploadPhase, done: int, total: int) -> None:
        """Tell the caller, unless it was told already."""
        now = UploadProgress(phase, done, total)
        if self._progress and now != self._told:
            self._told = now
            self._progress(now)

    def upload_request(self) -> UploadRequest:
        """The whole of a small file. Raises OSError."""
        if self._file.seekable():
            self._file.seek(0)
        return UploadRequest(filename=self.name, content=self._file.read())

    def create_request(self, sha256: str) -> CreateUploadRequest:
        """The announcement of a large file."""
        return CreateUploadRequest(filename=self.name, size_bytes=self.size, sha256=sha256)

    def pieces(self) -> Iterator[bytes]:
        """All of a large file, from its start. Raises OSError, and RagsqlError when it has become shorter."""
        self._file.seek(0)
        left = self.size
        while left:
            piece = self._file.read(min(PIECE_BYTES, left))
            if not piece:
                raise self.changed()
            left -= len(piece)
            yield piece

    def changed(self) -> RagsqlError:
        """What a caller is told when other bytes were sent than announced."""
        return RagsqlError(
            Code.FAILED_PRECONDITION,
            f'"{self.name}" changed while it was being sent, so nothing of it was stored. '
            "Upload it again once nothing writes to it.",
            reason="CONTENT_MISMATCH",
        )

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
