"""Requests that are refused before any use case: errors of the transport's own. They load no RPC library."""

from __future__ import annotations

from service import errors


class MalformedRequest(errors.RagsqlError):
    """The body cannot be read as the expected message."""

    reason = "MALFORMED_REQUEST"


class UnknownPath(errors.RagsqlError):
    """There is no such path."""

    reason = "UNKNOWN_PATH"


class UnknownMethod(UnknownPath):
    """There is no such RPC."""


class MethodNotAllowed(errors.RagsqlError):
    """The path does not take this HTTP method."""

    reason = "METHOD_NOT_ALLOWED"


class UnsupportedContentType(errors.RagsqlError):
    """The path does not take this content type."""

    reason = "UNSUPPORTED_CONTENT_TYPE"
