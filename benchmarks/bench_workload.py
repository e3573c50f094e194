"""What a request takes: seconds in the handler and tokens, which `ragsql cost --measured FILE` makes a bill of.

The handler runs in awslambdaric, with local embeddings and stores and a chat model that answers at once. The waits of
remote ones (ASSUMED_WAITS) are added. Tokens are counted as characters through four, as OpenAI's models count English.
OpenAI keeps prompts for some minutes: what a prompt begins with as an earlier one did, from 1,024 tokens on in steps of
128, is read for less.
"""

from __future__ import annotations

import base64
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from service import samples
from tests.aws_lambda.runtime_api import Function, running, url_event
from tests.scripted_model import scripted_model

ONLY_BY_NAME = True
QUESTIONS = Path(__file__).parents[1] / "evals" / "data" / "musicstore.jsonl"
RESULT = Path(__file__).parent / "results" / "workload.json"
CHARACTERS_A_TOKEN = 4
KEPT_LEAST, KEPT_STEP = 1024, 128
WORDS_OF_SQL = 200
ASSUMED_WAITS = {"first token": 0.5, "token": 0.0125, "embedding": 0.15, "store": 0.05}
"""Seconds until a remote chat model begins, for each token that it writes, for an embedding, for a call of a store."""


def run() -> list[Figure]:
    """Ask every question twice; the second time a cache answers. Writes RESULT."""
    cases: list[dict[str, Any]] = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    asked: list[dict[str, Any]] = []
    current: list[str | None] = [None]

    def answer(body: str) -> str:
        request = json.loads(body)
        text = "".join(message["content"] for message in request["messages"])
        # A question may be put in other words before SQL is written for it.
        reply = f"```sql\n{current[0]}\n```" if current[0] and "SELECT" in text[:WORDS_OF_SQL] else "yes"
        kept = max((_shared(text, each["text"]) for each in asked), default=0)
        asked.append({"text": text, "input": len(text), "output": len(reply), "cached": kept})
        return reply

    with scripted_model(answer) as model, tempfile.TemporaryDirectory() as data:
        environ = {"RAGSQL_DATA_DIR": data, "DATABASE_URL": samples.DATABASE_URL, "OPENAI_BASE_URL": model}
        with running("lambda_handler.handler", environ) as function:
            _post(function, "/query", {"query": "Is this awake?"})
            uploads = [_upload(function, path) for path in samples.DOCUMENTS]
            usage = json.loads(function.invoke(url_event("GET", "/usage"))["body"])["totals"]
            embedded = sum(int(each["embeddingTokens"]) for each in usage if each["kind"] == "USAGE_KIND_DOCUMENTS")
            asked.clear()
            first: list[tuple[float, dict[str, Any], int]] = []
            for case in cases:
                current[0] = case["gold_sql"]
                first.append(_post(function, "/query", {"query": case["question"]}))
            chats = len(asked)
            again = [_post(function, "/query", {"query": case["question"]}) for case in cases]
    hits = sum(reply["cacheHit"] for _, reply, _ in again)
    return _figures(uploads, first, again, asked[:chats], hits, embedded)


def _figures(
    uploads: Sequence[tuple[float, int]],
    first: Sequence[tuple[float, dict[str, Any], int]],
    again: Sequence[tuple[float, dict[str, Any], int]],
    asked: Sequence[dict[str, Any]],
    hits: int,
    document_tokens: float,
) -> list[Figure]:
    n, waits = len(first), ASSUMED_WAITS
    own = statistics.mean(seconds for seconds, _, _ in first)
    cached = statistics.mean(seconds for seconds, reply, _ in again if reply["cacheHit"])
    upload = statistics.mean(seconds for seconds, _ in uploads)
    chats = len(asked) / n
    parts = ("input", "output", "cached")
    tokens = {part: sum(each[part] for each in asked) / CHARACTERS_A_TOKEN / n for part in parts}
    chatting = chats * waits["first token"] + tokens["output"] * waits["token"]
    question = own + chatting + waits["embedding"] + 3 * waits["store"]
    embedded = statistics.mean(len(json.loads(line)["question"]) for line in QUESTIONS.read_text().splitlines())
    measured = {
        "question_seconds": question,
        "cached_seconds": cached + waits["store"],
        "upload_seconds": upload + waits["embedding"] + 6 * waits["store"],
        "upload_tokens": document_tokens / len(uploads),
        "upload_chunks": statistics.mean(chunks for _, chunks in uploads),
        "response_kb": statistics.mean(size for _, _, size in first) / 1024,
        "models": {"gpt-4o": tokens, "text-embedding-3-small": {"input": embedded / CHARACTERS_A_TOKEN}},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(measured, indent=2) + "\n")
    return [
        Figure("a question at the handler, without the waits of remote models and stores", own * 1e3, "ms", n),
        Figure("the same from the cache", cached * 1e3, "ms", hits),
        Figure("a document at the handler", upload * 1e3, "ms", len(uploads)),
        Figure("calls of the chat model for a question", chats, "calls", n),
        Figure("tokens read for a question", tokens["input"], "tokens", n),
        Figure("of them of a prompt before it", tokens["cached"], "tokens", n),
        Figure("tokens written for a question", tokens["output"], "tokens", n),
    ]


def _shared(text: str, other: str) -> int:
    """Characters of the beginning that two prompts share and OpenAI keeps."""
    pairs = enumerate(zip(text, other, strict=False))
    same = next((place for place, (one, two) in pairs if one != two), min(len(text), len(other)))
    tokens = same // CHARACTERS_A_TOKEN
    return tokens // KEPT_STEP * KEPT_STEP * CHARACTERS_A_TOKEN if tokens >= KEPT_LEAST else 0


def _post(function: Function, path: str, message: dict[str, Any]) -> tuple[float, dict[str, Any], int]:
    """Seconds, response and its size in bytes."""
    event = url_event("POST", path, json.dumps(message), {"content-type": "application/json"})
    start = time.perf_counter()
    reply = function.invoke(event)
    return time.perf_counter() - start, json.loads(reply["body"]), len(reply["body"])


def _upload(function: Function, path: Path) -> tuple[float, int]:
    """Seconds, and chunks of the document."""
    content = base64.b64encode(path.read_bytes()).decode()
    message = {"filename": path.name, "content": content}
    event = url_event(
        "POST", "/ragsql.v1.DocumentService/Upload", json.dumps(message), {"content-type": "application/json"}
    )
    start = time.perf_counter()
    reply = json.loads(function.invoke(event)["body"])
    return time.perf_counter() - start, reply["document"]["chunkCount"]
