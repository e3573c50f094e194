"""HTTP requests that reach one version of a function, as the events that its Function URL would make of them."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pyqwest import Headers, HTTPVersion, SyncRequest, SyncResponse

from releasing.functions import ReleaseFailed

HOST = "release-check.lambda-url.invalid"


def invoke(aws: Any, function: str, qualifier: str, event: dict[str, Any]) -> Any:
    """What the version answers to the event. Raises ReleaseFailed when it crashes, and the errors of botocore."""
    reply = aws.invoke(FunctionName=function, Qualifier=qualifier, Payload=json.dumps(event).encode())
    payload = reply["Payload"].read()
    if "FunctionError" in reply:
        raise ReleaseFailed(f"{function}:{qualifier} crashed: {payload.decode(errors='replace')[:500]}")
    return json.loads(payload or b"null")


@dataclass(frozen=True, slots=True)
class InvokingTransport:
    """Implements pyqwest.SyncTransport."""

    aws: Any
    function: str
    qualifier: str

    def execute_sync(self, request: SyncRequest) -> SyncResponse:
        """The response of the version. Raises ReleaseFailed, and the errors of botocore."""
        reply = invoke(self.aws, self.function, self.qualifier, _event(request))
        if not isinstance(reply, dict) or "statusCode" not in reply:
            raise ReleaseFailed(
                f"{self.function}:{self.qualifier} answers an HTTP request with {json.dumps(reply)[:200]}"
            )
        return _response(reply)  # pyright: ignore[reportUnknownArgumentType]


def _event(request: SyncRequest) -> dict[str, Any]:
    parts = urlsplit(request.url)
    # What is packed would have to be unpacked here.
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
    body = request.content if isinstance(request.content, bytes) else b"".join(request.content)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(parts.path) or "/",
        "rawQueryString": parts.query,
        "headers": {**headers, "host": HOST},
        "requestContext": {
            "accountId": "anonymous",
            "domainName": HOST,
            "http": {
                "method": request.method,
                "path": unquote(parts.path) or "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "ragsql-release",
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _response(reply: dict[str, Any]) -> SyncResponse:
    text: str = reply.get("body") or ""
    content = base64.b64decode(text) if reply.get("isBase64Encoded") else text.encode()
    headers: dict[str, str] = reply.get("headers") or {}
    kept = Headers([(name, value) for name, value in headers.items() if name.lower() != "content-length"])
    return SyncResponse(status=reply["statusCode"], http_version=HTTPVersion.HTTP1, headers=kept, content=content)
