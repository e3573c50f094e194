"""What OpenAI replies: bodies of success and of each kind of error."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from typing import Any

Json = dict[str, Any]
REPLY = "The sky is blue."
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
SECRET = "secret detail of sk-key"

KNOWN = {
    "/v1/chat/completions": {
        *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "logprobs"),
        *("top_logprobs", "stream", "stream_options", "reasoning_effort"),
    },
    "/v1/embeddings": {"model", "input", "dimensions", "encoding_format"},
}
"""What a request may hold."""
REASONS = re.compile(r"o\d|gpt-[5-9](?!-chat)")
REFUSED_BY_REASONING = ("max_tokens", "temperature", "seed", "logprobs", "top_logprobs")

ERRORS: dict[str, tuple[int, str, str | None]] = {
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "throttled": (429, "requests", "rate_limit_exceeded"),
    "context": (400, "invalid_request_error", "context_length_exceeded"),
    "filter": (400, "invalid_request_error", "content_filter"),
    "unknown model": (404, "invalid_request_error", "model_not_found"),
    "wrong key": (401, "invalid_request_error", "invalid_api_key"),
    "no right": (403, "invalid_request_error", "model_not_allowed"),
}
"""HTTP status, type and code; a number alone is a status with neither."""


def error_of(name: str) -> tuple[int, Json]:
    """The status and the body of an error. Its text holds what must not be passed on."""
    status, kind, code = ERRORS.get(name) or (int(name), "server_error", None)
    return status, {"error": {"message": SECRET, "type": kind, "param": None, "code": code}}


def refused_parameter(path: str, body: Json) -> Json | None:
    """The error for what a reasoning model does not take, None when it takes all."""
    if path != "/v1/chat/completions" or not REASONS.match(body["model"]):
        return None
    wrong = next((name for name in REFUSED_BY_REASONING if name in body), None)
    error = {"message": SECRET, "type": "invalid_request_error", "param": wrong, "code": "unsupported_parameter"}
    return {"error": error} if wrong else None


def completion(body: Json, finish_reason: str, refusal: str | None, reply: str = REPLY) -> Json:
    """A whole reply to a chat request."""
    message = {"role": "assistant", "content": None if refusal else reply, "refusal": refusal}
    choice: Json = {"index": 0, "message": message, "finish_reason": finish_reason}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [_first_token(body["top_logprobs"])], "refusal": None}
    return {**head(body, "chat.completion"), "choices": [choice], "usage": USAGE}


def head(body: Json, kind: str) -> Json:
    """What every reply to a chat request begins with."""
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"]}


def piece(body: Json, delta: Json, finish_reason: str | None = None) -> Json:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**head(body, "chat.completion.chunk"), "choices": [choice]}


def embeddings(body: Json, behaviour: str) -> Json:
    """Vectors for a request, of another dimension, fewer than asked for or without usage when behaviour says so."""
    dimension = body.get("dimensions", 1536) // (2 if behaviour == "dimension" else 1)
    data = [
        {"object": "embedding", "index": index, "embedding": _embedding(text, dimension)}
        for index, text in enumerate(body["input"])
    ]
    if behaviour == "count":
        data.pop(0)
    tokens = sum(len(text.split()) for text in body["input"])
    usage: Json = {} if behaviour == "uncounted" else {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    # In reverse, as the index alone says which is which.
    return {"object": "list", "model": body["model"], "data": data[::-1], **usage}


def _first_token(alternatives: int) -> Json:
    tokens = ("Yes", "No", "It", "The", "Blue", "Sky", "A", "On", "Is", "So")[:alternatives]
    top = [{"token": token, "logprob": -1.0 - n, "bytes": None} for n, token in enumerate(tokens)]
    return {**top[0], "top_logprobs": top}


def _embedding(text: str, dimension: int) -> str:
    """Hashed bag of words, longer than 1 on purpose."""
    vector = [0.01] * dimension
    for word in re.findall(r"\w+", text.lower()):
        number = int(hashlib.sha256(word.encode()).hexdigest(), 16)
        vector[number % dimension] += 2.0 + math.sin(number % 7)
    return base64.b64encode(struct.pack(f"<{dimension}f", *vector)).decode()
