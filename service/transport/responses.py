"""Errors as plain HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.transport.refusals import MethodNotAllowed, UnknownPath


def error_response(error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """The error as JSON, the same at every path."""
    from service.transport.errors import to_wire

    wire = to_wire(error)
    return JSONResponse(wire.to_json(), wire.http_status, headers)


async def refused(request: Request, error: Exception) -> Response:
    """The response to a request that no route takes."""
    headers = error.headers if isinstance(error, HTTPException) else None
    return error_response(_refusal(request, error), headers)


def _refusal(request: Request, error: Exception) -> Exception:
    path = request.url.path
    match getattr(error, "status_code", 500):
        case 404:
            return UnknownPath(f"There is no {path}. GET /openapi.json lists what there is.")
        case 405:
            return MethodNotAllowed(f"{path} does not take {request.method}.")
        case _:
            return error
