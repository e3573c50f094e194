"""What both clients share: how to talk, and how requests are made from plain arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.protocol import ProtocolType

from ragsql.v1.query_service_pb2 import QueryRequest

Transport = Literal["connect", "json", "grpc", "grpc-web"]
"""How bytes travel: Connect with binary messages, Connect with JSON, gRPC (needs HTTP/2), gRPC-Web."""

RouteName = Literal["documents", "sql", "hybrid"]
SqlPolicyName = Literal["require_approval", "auto_read_only"]

_PROTOCOLS: dict[Transport, ProtocolType] = {
    "connect": ProtocolType.CONNECT,
    "json": ProtocolType.CONNECT,
    "grpc": ProtocolType.GRPC,
    "grpc-web": ProtocolType.GRPC_WEB,
}


@dataclass(frozen=True, slots=True)
class Wire:
    """How every generated client is built."""

    url: str
    protocol: ProtocolType
    codec: Codec[Any, Any]
    timeout_ms: int
    needs_http2: bool

    @classmethod
    def of(cls, url: str, transport: Transport, timeout: float) -> Wire:
        """Check and normalise the arguments of a client. Raises ValueError with a sentence."""
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"The server's URL must begin with http:// or https://, not {url!r}.")
        if transport not in _PROTOCOLS:
            raise ValueError(f"transport must be one of {', '.join(_PROTOCOLS)}, not {transport!r}.")
        if timeout <= 0:
            raise ValueError(f"timeout is in seconds and must be positive, not {timeout!r}.")
        codec = google_protobuf_json_codec() if transport == "json" else google_protobuf_binary_codec()
        return cls(url.rstrip("/"), _PROTOCOLS[transport], codec, round(timeout * 1000), transport == "grpc")


def query_request(
    text: str,
    route: RouteName | None,
    sql_policy: SqlPolicyName | None,
    documents: Sequence[str],
    top_k: int | None,
    no_cache: bool,
) -> QueryRequest:
    """The request for a question. Raises ValueError for a word that is not in the contract."""
    return QueryRequest(
        query=text,
        route=f"ROUTE_{(route or 'unspecified').upper()}",
        sql_policy=f"SQL_POLICY_{(sql_policy or 'unspecified').upper()}",
        documents=documents,
        top_k=top_k,
        no_cache=no_cache,
    )
