"""One call of an AWS service that speaks JSON, without the SDK, whose import takes longer than the rest of a start."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIMEOUT_SECONDS = 5
_ATTEMPTS = 3
_SIGNED = "content-type;host;x-amz-date;x-amz-target"


class AwsError(Exception):
    """AWS refused, or was not reached. str() is its word for it, such as ResourceNotFoundException."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls; token is empty for keys that do not expire."""

    key: str
    secret: str
    token: str = ""

    @classmethod
    def found(cls) -> Credentials:
        """Those of the environment, as every Lambda function has them, or what the SDK finds. Raises AwsError."""
        key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if key and secret:
            return cls(key, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
        import boto3

        sdk: Any = boto3
        found = sdk.session.Session().get_credentials()
        if found is None:
            raise AwsError("there are no credentials")
        frozen = found.get_frozen_credentials()
        return cls(frozen.access_key, frozen.secret_key, frozen.token or "")


def call(service: str, region: str, target: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """The response of an operation, such as secretsmanager.GetSecretValue; again if that may help. Raises AwsError."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = os.environ.get("AWS_ENDPOINT_URL") or f"https://{service}.{region}.{domain}"
    body, credentials = json.dumps(message).encode(), Credentials.found()
    for attempt in range(1, _ATTEMPTS + 1):
        headers = sign(service, region, url, target, body, credentials, dt.datetime.now(dt.UTC))
        try:
            return _post(url, headers, body)
        except AwsError:
            raise
        except OSError as error:
            if attempt == _ATTEMPTS:
                raise AwsError(f"it was not reached: {getattr(error, 'reason', error)}") from error
            time.sleep(0.1 * attempt)
    raise AssertionError("unreachable")


def sign(
    service: str, region: str, url: str, target: str, body: bytes, credentials: Credentials, now: dt.datetime
) -> dict[str, str]:
    """The headers of a POST to the root of a server, signed by AWS's Signature Version 4."""
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": url.split("://", 1)[1].rstrip("/"),
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-target": target,
    }
    signed = _SIGNED
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
        signed = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in signed.split(";"))
    request = f"POST\n/\n\n{listed}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{headers['x-amz-date'][:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}".encode(), "sha256")
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, SignedHeaders={signed}, Signature={signature.hex()}"
    )
    return headers


def _post(url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Raises AwsError for what asking again does not mend, OSError for what it may."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url.rstrip("/") + "/", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        kind = _kind(error.read())
        if error.code >= 500 or "Throttl" in kind:
            raise OSError(f"{error.code} {kind}") from None
        raise AwsError(kind or str(error.code)) from None


def _kind(body: bytes) -> str:
    try:
        return str(json.loads(body)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return ""
