"""PUT of a large file to the URL that CreateUpload returned. The URL itself says who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.transport.refusals import MalformedRequest
from service.transport.responses import error_response
from service.usecases.bundle import DocumentUseCases


def upload_route(documents: DocumentUseCases) -> Route:
    """PUT /uploads/{token}."""

    async def put(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdecimal() else None
        try:
            await documents.receive(request.path_params["token"], announced, _body(request))
        except Exception as error:
            return error_response(error)
        return JSONResponse({})

    return Route("/uploads/{token}", put, methods=["PUT"])


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises MalformedRequest when the client hangs up."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise MalformedRequest("The client hung up before the file was complete. PUT it again.") from None
