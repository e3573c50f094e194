"""The two ways to stream: a container anywhere, and the Lambda Web Adapter, which is played here."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ragsql.v1.query_service_pb2 import StreamQueryResponse
from ragsql_client import Client
from service import samples
from tests.ports import free_port
from tests.scripted_model import by_script, scripted_model

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile.web-adapter").read_text().replace("\\\n", " ")
QUESTION = "How big is a typical order, on average?"
SECONDS = 120.0


def of_dockerfile(port: int) -> tuple[list[str], dict[str, str]]:
    """The command of the image and its environment, with another port."""
    command: list[str] = json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1])
    words = [word for line in re.findall(r"^ENV (.*)$", DOCKERFILE, re.MULTILINE) for word in shlex.split(line)]
    environ = dict(word.split("=", 1) for word in words)
    assert command[command.index("--port") + 1] == environ["AWS_LWA_PORT"], "the adapter and the server must agree"
    command[command.index("--port") + 1] = environ["AWS_LWA_PORT"] = str(port)
    return [sys.executable, *command[1:]], environ


@contextmanager
def served(command: list[str], environ: dict[str, str], data: Path, model: str) -> Generator[subprocess.Popen[bytes]]:
    settings = {
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python")),
        "RAGSQL_DATA_DIR": str(data),
        "DATABASE_URL": samples.DATABASE_URL,
        "OPENAI_BASE_URL": model,
    }
    process = subprocess.Popen(command, env={**os.environ, **environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(SECONDS)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """As the adapter does: an answer from 100 to 499 is a ready server."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        assert process.poll() is None, "the server has ended"
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    pytest.fail("the server is not ready")


def forward(url: str, first_read: threading.Event) -> list[StreamQueryResponse]:
    """The events of StreamQuery; the first one is read while the chat model still waits for first_read."""
    events: list[StreamQueryResponse] = []
    with Client(url, timeout=2 * SECONDS) as client:
        for event in client.stream(QUESTION, route="sql", no_cache=True):
            events.append(event)
            first_read.set()
    return events


@pytest.mark.parametrize("mode", ["web adapter", "container"])
def test_answers_are_sent_as_they_are_written(tmp_path: Path, mode: str) -> None:
    first_read = threading.Event()

    def when_read(body: str) -> str:
        assert first_read.wait(SECONDS), "the first event was kept back until the model had answered"
        return by_script(body)

    port = free_port()
    if mode == "web adapter":
        command, environ = of_dockerfile(port)
        path = environ["AWS_LWA_READINESS_CHECK_PATH"]
        assert environ["AWS_LWA_INVOKE_MODE"] == "response_stream"
        environ["AWS_LAMBDA_FUNCTION_NAME"] = "ragsql"
    else:
        command = [sys.executable, "-m", "service.cli.main", "serve", "--host", "0.0.0.0", "--port", str(port)]
        environ, path = {}, "/health"
    with scripted_model(when_read) as model, served(command, environ, tmp_path, model) as process:
        wait_until_ready(f"http://127.0.0.1:{port}{path}", process)
        events = forward(f"http://127.0.0.1:{port}", first_read)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) in (0, -signal.SIGTERM), "SIGTERM stops it"
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "routing"
    assert kinds[-1] == "final"
    assert "sql_result" in kinds
    assert events[-1].final.answer.sql_results


def test_the_adapter_is_pinned_and_nothing_of_the_base_starts_beside_it() -> None:
    assert re.search(
        r"^FROM public\.ecr\.aws/\S+:\d+\.\d+\.\d+@sha256:[0-9a-f]{64} AS adapter$", DOCKERFILE, re.MULTILINE
    )
    assert "COPY --from=adapter /lambda-adapter /opt/extensions/lambda-adapter" in DOCKERFILE
    assert "ENTRYPOINT []" in DOCKERFILE
