"""A Query from the cache over HTTP, beside a bare FastAPI endpoint that returns the same JSON from memory.

Both are processes with one worker of the same server; what asks them is the same.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import uvloop

from benchmarks.figures import Figure, ratio
from benchmarks.load import Target, requests_per_second
from benchmarks.served import listening, served

QUESTION = {"query": "How fast must an urgent ticket be answered?"}
CONNECT = "/ragsql.v1.QueryService/Query"
ROUNDS, SECONDS = 80, 0.1


def run() -> list[Figure]:
    """Requests a second, the endpoints in turn, medians of pairs. No chat model: what it says is not measured."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ours = stack.enter_context(served(folder))
        answer = _cached_answer(ours)
        (folder / "answer.json").write_text(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
        peer = stack.enter_context(listening("benchmarks.peer", (str(folder / "answer.json"),), {}))
        return uvloop.run(_measure(ours, peer, len(answer["answer"]["citations"])))


async def _measure(ours: int, peer: int, citations: int) -> list[Figure]:
    paths = [(peer, "/query"), (peer, "/bytes"), (ours, "/query"), (ours, CONNECT)]
    targets = [Target(port, path, QUESTION) for port, path in paths]
    rates: dict[str, list[float]] = {f"{target.port}{target.path}": [] for target in targets}
    # Short turns that begin with another one each time: on a busy machine all get the same of it.
    for number in range(ROUNDS):
        for turn in range(len(targets)):
            target = targets[(number + turn) % len(targets)]
            rates[f"{target.port}{target.path}"].append(await requests_per_second(target, SECONDS))
    json_peer, bytes_peer, plain, connect = rates.values()
    beside = f"FastAPI {sorted(json_peer)[ROUNDS // 2]:,.0f}/s"
    encoded = f"FastAPI returning bytes {sorted(bytes_peer)[ROUNDS // 2]:,.0f}/s"
    what = f"cached Query, {citations} citations"
    return [
        Figure(f"{what}, throughput, plain HTTP", ratio(plain, json_peer), "x", ROUNDS, 1.0, beside, least=True),
        Figure(f"{what}, throughput, Connect", ratio(connect, json_peer), "x", ROUNDS, 1.0, beside, least=True),
        Figure(f"{what}, throughput, plain HTTP", ratio(plain, bytes_peer), "x", ROUNDS, peer=encoded),
        Figure(f"{what}, throughput, Connect", ratio(connect, bytes_peer), "x", ROUNDS, peer=encoded),
    ]


def _cached_answer(port: int) -> dict[str, Any]:
    """The answer of the second time, with citations. The sample document is searchable once the server listens."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        answers = [client.post("/query", json=QUESTION).raise_for_status().json() for _ in range(2)]
    if not answers[1]["cacheHit"] or not answers[1]["answer"]["citations"]:
        raise RuntimeError(f"not a cached answer: {answers[1]}")
    return answers[1]
