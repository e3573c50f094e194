"""What S3 checks and moto does not, in front of moto: keys, clock, checksums, signatures of URLs; and faults.

A request that passes is moto's to answer.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

from tests.patience import HANG_SECONDS

SECRET_TEXT = "secret detail"
_STATUS = {
    "SlowDown": 503,
    "InternalError": 500,
    "ExpiredToken": 400,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "AccessDenied": 403,
    "RequestTimeTooSkewed": 403,
    "BadDigest": 400,
    "ConditionalRequestConflict": 409,
    "PermanentRedirect": 301,
    "NotImplemented": 501,
}
_PASSED_ON = ("content-type", "etag", "last-modified", "location", "x-amz-checksum-sha256", "x-amz-checksum-type")
_SKEW = dt.timedelta(minutes=15)


class S3Front:
    """Listens on a free port until closed. key_id and secret are those that are taken, clock is what time it is.

    conditions says whether it does as If-None-Match says; older servers refuse that.

    faults are what the next requests meet: a method or "", and a code of S3, "cut" (no answer), "half" (of the body,
    then cut), "damaged" (one byte of a body that is sent or got) or "hang".
    """

    def __init__(self, backend: str) -> None:
        self.backend = urlsplit(backend).netloc
        self.key_id, self.secret = "a", "b"
        self.clock = dt.timedelta()
        self.conditions = True
        self.faults: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.released = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            front = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.clock

    def fault(self, method: str) -> str:
        with self._lock:
            self.requests.append(method)
            for fault in self.faults:
                if fault[0] in ("", method):
                    self.faults.remove(fault)
                    return fault[1]
        return ""

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    front: S3Front
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.headers.get("expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = self.front.fault(self.command)
        if fault == "hang":
            self.front.released.wait(HANG_SECONDS)
        if fault in ("hang", "cut"):
            self.close_connection = True
            return
        if fault == "damaged" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        code = fault if fault in _STATUS else self._refusal(body)
        if code:
            error = f"<Error><Code>{code}</Code><Message>{SECRET_TEXT}</Message></Error>"
            self._send(_STATUS[code], {"content-type": "application/xml"}, error.encode())
            return
        self._pass_on(body, fault)

    def _refusal(self, body: bytes) -> str:
        """S3's code, empty when it takes the request."""
        front = self.front
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        scope = query.get("X-Amz-Credential") or self.headers.get("authorization", "").partition("Credential=")[2]
        if scope.partition("/")[0] != front.key_id:
            return "InvalidAccessKeyId"
        signed_at = query.get("X-Amz-Date") or self.headers["x-amz-date"]
        begun = dt.datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        if "X-Amz-Signature" in query:
            if front.now() > begun + dt.timedelta(seconds=int(query["X-Amz-Expires"])):
                return "AccessDenied"
            if not hmac.compare_digest(self._signature(query, signed_at), query["X-Amz-Signature"]):
                return "SignatureDoesNotMatch"
        elif abs(front.now() - begun) > _SKEW:
            return "RequestTimeTooSkewed"
        if self.headers.get("if-none-match") and not front.conditions:
            return "NotImplemented"
        checksum = self.headers.get("x-amz-checksum-sha256")
        if checksum and base64.b64encode(hashlib.sha256(body).digest()).decode() != checksum:
            return "BadDigest"
        return ""

    def _signature(self, query: Mapping[str, str], signed_at: str) -> str:
        """Version 4, of a URL that was signed beforehand."""
        _, *scope = query["X-Amz-Credential"].split("/")
        names = query["X-Amz-SignedHeaders"].split(";")
        rest = sorted((name, value) for name, value in query.items() if name != "X-Amz-Signature")
        canonical = "\n".join(
            [
                self.command,
                urlsplit(self.path).path,
                "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in rest),
                *(f"{name}:{self.headers.get(name, '').strip()}" for name in names),
                "",
                ";".join(names),
                "UNSIGNED-PAYLOAD",
            ]
        )
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.front.secret}".encode()
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        signed = "\n".join(["AWS4-HMAC-SHA256", signed_at, "/".join(scope), hashed])
        return hmac.new(key, signed.encode(), "sha256").hexdigest()

    def _pass_on(self, body: bytes, fault: str) -> None:
        connection = http.client.HTTPConnection(self.front.backend)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "expect")}
        if "x-amz-checksum-sha256" in self.headers:
            headers["x-amz-sdk-checksum-algorithm"] = "SHA256"  # moto keeps a checksum only with this
        connection.request(self.command, self.path, body or None, headers)
        reply = connection.getresponse()
        content = reply.read()
        kept = {name: value for name, value in reply.getheaders() if name.lower() in _PASSED_ON}
        if self.command == "HEAD":
            kept["content-length"] = reply.headers["content-length"] or "0"
        if fault == "damaged" and self.command == "GET":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self._send(reply.status, kept, content, half=fault == "half")
        connection.close()

    def _send(self, status: int, headers: Mapping[str, str], content: bytes, half: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in headers:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection = self.close_connection or half
