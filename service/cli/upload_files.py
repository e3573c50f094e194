"""Which files `ragsql upload` takes, and the names that they get on the server."""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragsql.v1.document_pb2 import Document

_PASSED_OVER = {"node_modules", "__pycache__"}
_NO_DOCUMENTS = ("audio/", "font/", "video/")


class Outcome(StrEnum):
    """What became of a file. PROCESSING and NOT_SENT are those of an upload that was interrupted."""

    UPLOADED = "uploaded"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    PROCESSING = "processing"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, the name that it gets, and, once outcome is known, what became of it.

    problem and advice are sentences, why it was skipped or failed and what to do; error is the same for machines.
    """

    path: Path
    filename: str
    in_folder: bool = False
    outcome: Outcome | None = None
    document: Document | None = None
    cache_hit: bool = False
    problem: str = ""
    advice: str = ""
    error: dict[str, Any] | None = None


def find(paths: list[Path]) -> list[Upload]:
    """Every file once, in order; with an outcome already if it is not to be sent."""
    found: dict[Path, Upload] = {}
    for path in paths:
        for upload in _walk(path) if path.is_dir() else [Upload(path, path.name)]:
            found.setdefault(upload.path.parent.resolve() / upload.path.name, upload)
    return list(_named_once(found.values()))


def unreadable(upload: Upload, error: OSError) -> Upload:
    """What became of a file that the operating system does not give."""
    problem = f"The file cannot be read: {error.strerror}."
    failed = {"code": "invalid_argument", "message": problem}
    advice = "Check that it is there and that you may read it."
    return replace(upload, outcome=Outcome.FAILED, problem=problem, advice=advice, error=failed)


def _walk(folder: Path) -> Iterator[Upload]:
    """The regular files under folder, sorted. Links to folders are not followed, so that loops end."""
    unlisted: list[OSError] = []
    for at, folders, files in os.walk(folder, onerror=unlisted.append):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(at) / name
            yield from _look_at(Upload(path, " - ".join(path.relative_to(folder).parts), in_folder=True))
    for error in unlisted:
        yield unreadable(Upload(Path(error.filename), Path(error.filename).name, in_folder=True), error)


def _look_at(upload: Upload) -> Iterator[Upload]:
    """Nothing for what is not a regular file, for example a broken link or a socket."""
    from ragsql_client import SMALL_BYTES

    try:
        status = upload.path.stat()
    except OSError:
        return
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_size == 0:
        yield replace(upload, outcome=Outcome.SKIPPED, problem="It is empty.")
    elif status.st_size > SMALL_BYTES and (kind := _other_kind(upload.path)):
        yield replace(upload, outcome=Outcome.SKIPPED, problem=f"It is no document, but {kind}.")
    else:
        yield upload


def _other_kind(path: Path) -> str:
    """The media type of what need not be sent to know that it is no document; .ts is TypeScript as often as video."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind if kind.startswith(_NO_DOCUMENTS) and path.suffix != ".ts" else ""


def _named_once(uploads: Iterable[Upload]) -> Iterator[Upload]:
    """The uploads, all but the first of a name failed: the later ones would replace the earlier ones."""
    first: dict[str, Path] = {}
    for upload in uploads:
        other = first.setdefault(upload.filename, upload.path) if upload.outcome is None else upload.path
        if other == upload.path:
            yield upload
            continue
        problem = f'It would replace {other}, which has the name "{upload.filename}" too.'
        error = {"code": "invalid_argument", "message": problem}
        advice = "Rename it, or upload a folder that holds both."
        yield replace(upload, outcome=Outcome.FAILED, problem=problem, advice=advice, error=error)
