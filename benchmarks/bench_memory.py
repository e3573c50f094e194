"""Resident memory of a serving process that has embedded documents and answered from them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from benchmarks.figures import Figure

LIMIT_MEGABYTES = 600
START_SECONDS = 120
QUESTIONS = 5


def run() -> list[Figure]:
    """The server alone: the language model and the parsers are processes of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RAGSQL_DATA_DIR": folder, "RAGSQL_SAMPLE_DATA": "true"}
        command = [sys.executable, "-m", "service.cli.main", "serve", "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(server, url)
            for i in range(QUESTIONS):
                _ask(url, f"What is the return policy for order {i}?")
            megabytes = _resident_megabytes(server.pid)
        finally:
            server.terminate()
            server.wait(30)
    return [Figure("serving process with the embedding model", megabytes, "MB", 1, LIMIT_MEGABYTES)]


def wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    """Until the server answers. Raises RuntimeError when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError("The server did not start.")


def _ask(url: str, question: str) -> None:
    body = json.dumps({"query": question, "route": "ROUTE_DOCUMENTS"}).encode()
    request = urllib.request.Request(f"{url}/query", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


def _resident_megabytes(pid: int) -> float:
    kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True).stdout
    return int(kilobytes) * 1024 / 1e6
