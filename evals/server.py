"""A server of our own for one evaluation, with a data folder that is thrown away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 120.0


def without_chat() -> dict[str, str]:
    """Settings for a server that has no chat model, whatever the environment says."""
    return {"RAGSQL_CHAT": "local", "RAGSQL_LOCAL_MODEL": "/nonexistent/no-chat-model.gguf"}


@contextmanager
def served(settings: Mapping[str, str]) -> Generator[str]:
    """The URL of a `ragsql serve` with these settings on top of the environment. Raises RuntimeError if it fails."""
    with tempfile.TemporaryDirectory(prefix="ragsql-eval-") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        environment = {**os.environ, "RAGSQL_DATA_DIR": folder, **settings}
        log = Path(folder) / "server.log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "service.cli.main", "serve", "--port", str(port)]
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
            try:
                _wait(process, f"http://127.0.0.1:{port}", log)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-3000:]}")
