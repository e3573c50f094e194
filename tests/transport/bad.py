"""What bad input looks like, and the error that it must get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.transport.wire import envelope, error_info, stream_error, violated_fields

QUERY = "/ragsql.v1.QueryService/Query"
STREAM = "/ragsql.v1.QueryService/StreamQuery"
UPLOAD = "/ragsql.v1.DocumentService/Upload"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """A request in JSON form, the fields to blame, and the error."""

    request: dict[str, Any]
    fields: list[str]
    code: str = "invalid_argument"
    reason: str = "INVALID_FIELD"
    status: int = 400
    connect_status: int = 400
    only_json: bool = False


def check(error: dict[str, Any], bad: Bad, fields: list[str] | None = None) -> None:
    assert error["code"] == bad.code
    info = error_info(error)
    assert (info.reason, info.domain) == (bad.reason, "ragsql")
    assert violated_fields(error) == (bad.fields if fields is None else fields)
    assert len(error["message"]) > 10


async def post_stream(http: httpx.AsyncClient, codec: str, message: bytes) -> dict[str, Any]:
    headers = kind(f"application/connect+{codec}")
    return stream_error((await http.post(STREAM, content=envelope(message), headers=headers)).content)


def kind(content_type: str) -> dict[str, str]:
    return {"content-type": content_type}


def json_bytes(value: Any) -> bytes:
    return httpx.Request("POST", "http://test", json=value).content
