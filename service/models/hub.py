"""Fetching a model file from the hub of its makers over HTTP, with resume."""

from __future__ import annotations

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from service.errors import UpstreamUnavailable
from service.models.catalog import ModelFile

_BLOCK = 1 << 20
_RETRIES = 3


class Hub:
    """The makers' own server. A host that cannot be reached once is not tried again by this instance.

    connect_seconds bounds name lookup, connection and first answer together; stall_seconds a silence after that.
    """

    name = "the makers' hub"

    def __init__(self, connect_seconds: float = 4.0, stall_seconds: float = 30.0) -> None:
        self._connect_seconds = connect_seconds
        self._stall_seconds = stall_seconds
        self._reached: set[str] = set()
        self._unreachable: set[str] = set()

    def fetch(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> None:
        """Continue target until it has file.size bytes. Raises UpstreamUnavailable; what arrived stays."""
        host = urlsplit(file.url).netloc
        if host in self._unreachable:
            raise UpstreamUnavailable(f"{host} cannot be reached.")
        failures = 0
        while (before := _size(target)) < file.size:
            try:
                self._continue(file, target, progress)
            except (OSError, http.client.HTTPException) as error:
                arrived = _size(target) > before
                failures = 0 if arrived else failures + 1
                refused = isinstance(error, urllib.error.HTTPError)
                if refused or host not in self._reached or failures > _RETRIES:
                    self._unreachable.add(host)
                    raise UpstreamUnavailable(f"{host} cannot be reached or does not give {file.name}.") from error
                time.sleep(failures)

    def close(self) -> None:
        """Nothing is held between files."""

    def _continue(self, file: ModelFile, target: Path, progress: Callable[[int], None]) -> None:
        offset = _size(target)
        with self._open(file.url, offset) as response, target.open("ab") as out:
            if response.status != http.client.PARTIAL_CONTENT:
                out.truncate(0)
                offset = 0
            while offset < file.size and (block := response.read(min(_BLOCK, file.size - offset))):
                out.write(block)
                offset += len(block)
                progress(offset)
        if offset < file.size:
            raise http.client.IncompleteRead(b"", file.size - offset)

    def _open(self, url: str, offset: int) -> http.client.HTTPResponse:
        request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"} if offset else {})
        answers: queue.Queue[http.client.HTTPResponse | Exception] = queue.Queue()

        def ask() -> None:
            try:
                answers.put(urllib.request.urlopen(request, timeout=self._stall_seconds))
            except Exception as error:
                answers.put(error)

        # A name lookup has no timeout of its own, so it is waited for from outside.
        threading.Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=self._connect_seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer within {self._connect_seconds} seconds") from None
        if isinstance(answer, Exception):
            raise answer
        self._reached.add(urlsplit(url).netloc)
        return answer


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
