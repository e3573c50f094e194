"""An application as it is behind a Function URL: every request becomes an event of the handler."""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from service.serverless.urls import FunctionUrl


class ThroughLambda:
    """An ASGI application. The handler has a thread and an event loop of its own, as in its process on AWS.

    A body of JSON is sent as text and everything else as base64, which is what a Function URL does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = _event(scope, await _body(receive))
        answer = asyncio.get_running_loop().run_in_executor(self._thread, self._invoke, json.dumps(event))
        response = json.loads(await answer)
        headers = [(name.encode(), value.encode()) for name, value in response["headers"].items()]
        headers += [(b"set-cookie", cookie.encode()) for cookie in response.get("cookies", [])]
        body = response["body"].encode()
        if response["isBase64Encoded"]:
            body = base64.b64decode(body, validate=True)
        await send({"type": "http.response.start", "status": response["statusCode"], "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @cached_property
    def _handler(self) -> FunctionUrl:
        return FunctionUrl(self._app)

    def _invoke(self, event: str) -> str:
        return json.dumps(self._handler(json.loads(event), cast(Any, None)))


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _event(scope: Scope, body: bytes) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode().lower()
        headers[name] = f"{headers[name]},{value.decode()}" if name in headers else value.decode()
    cookies = headers.pop("cookie", "")
    # What the URL is asked with transfer-encoding, it hands on with a length.
    headers |= {"content-length": str(len(body))}
    is_text = headers.get("content-type", "").startswith("application/json") and _is_utf8(body)
    path = quote(scope["path"])
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": scope["query_string"].decode(),
        "cookies": cookies.split("; ") if cookies else None,
        "headers": headers,
        "requestContext": {"http": {"method": scope["method"], "path": path, "sourceIp": "192.0.2.1"}},
        "body": (body.decode() if is_text else base64.b64encode(body).decode()) if body else None,
        "isBase64Encoded": bool(body) and not is_text,
    }


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
