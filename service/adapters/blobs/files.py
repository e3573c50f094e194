"""Files that are whole or not there. Everything here blocks and raises OSError."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service import ports

if TYPE_CHECKING:
    from service.ports import BlobInfo

_BLOCK = 1024 * 1024


class Draft:
    """A file that is being written in the folder temporary, which must be on the same disk as where it goes."""

    def __init__(self, temporary: Path) -> None:
        temporary.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=temporary)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, content: bytes) -> None:
        """Append, a block at a time so that other threads get their turn."""
        for start in range(0, len(content), _BLOCK):
            block = memoryview(content)[start : start + _BLOCK]
            self._file.write(block)
            self._hash.update(block)
        self._size += len(content)

    def described(self) -> BlobInfo:
        """What was written so far."""
        return ports.BlobInfo(self._size, self._hash.hexdigest())

    def publish(self, path: Path) -> None:
        """Make it appear at path, durably, in place of what is there."""
        self._settle(path)
        self._path.replace(path)
        _sync_folder(path.parent)

    def publish_new(self, path: Path) -> bool:
        """Make it appear at path, durably. False when something is there."""
        self._settle(path)
        try:
            path.hardlink_to(self._path)
        except FileExistsError:
            return False
        _sync_folder(path.parent)
        return True

    def _settle(self, path: Path) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        path.parent.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Remove it unless it was published."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def describe(path: Path) -> BlobInfo | None:
    """Size and SHA-256 of a file, None when there is none."""
    with _opened(path) as file:
        if file is None:
            return None
        digest = hashlib.sha256()
        size = 0
        while block := os.read(file, _BLOCK):
            digest.update(block)
            size += len(block)
        return ports.BlobInfo(size, digest.hexdigest())


def keys(folder: Path) -> Iterator[str]:
    """The paths of all files below folder, relative to it, with / between segments."""
    for parent, _, names in os.walk(folder):
        for name in names:
            yield (Path(parent) / name).relative_to(folder).as_posix()


@contextmanager
def _opened(path: Path) -> Generator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
