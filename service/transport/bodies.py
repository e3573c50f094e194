"""Request bodies of plain HTTP: JSON and multipart, never larger than allowed."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from service.errors import FieldViolation, InvalidRequest, PayloadTooLarge
from service.transport.refusals import MalformedRequest, UnsupportedContentType

JSON = "application/json"
MULTIPART = "multipart/form-data"


async def read_json_body(request: Request, max_bytes: int) -> bytes:
    """The body, empty when there is none. Raises UnsupportedContentType, PayloadTooLarge."""
    kind = content_type(request)
    if kind not in ("", JSON):
        raise _unsupported(kind, JSON)
    body = b"".join([chunk async for chunk in limited(request, max_bytes)])
    if body and not kind:
        raise _unsupported("none", JSON)
    return body


async def read_file(request: Request, max_bytes: int) -> tuple[str, bytes]:
    """The name and the bytes of the one part "file". Raises InvalidRequest, MalformedRequest, PayloadTooLarge."""
    from starlette.formparsers import MultiPartException, MultiPartParser

    parser = MultiPartParser(request.headers, limited(request, max_bytes, field="content"), max_files=1, max_fields=1)
    # Bounded by max_bytes, so the file stays in memory: a spooled one would block the event loop on the disk.
    parser.spool_max_size = max_bytes
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedRequest(f"The multipart body cannot be read. {error.message}") from None
    if unknown := [name for name in form if name != "file"]:
        raise InvalidRequest(FieldViolation(unknown[0], "There is no such part. The only part is file."))
    part = form.get("file")
    if not isinstance(part, UploadFile):
        raise InvalidRequest(FieldViolation("content", 'Send the file as the part "file".'))
    return part.filename or "", await part.read()


def content_type(request: Request) -> str:
    """The media type of the body in lower case, without parameters; empty when it is not given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def limited(request: Request, max_bytes: int, **metadata: str) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Raises PayloadTooLarge, before reading anything when the length is announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(max_bytes, metadata)
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes, metadata)
            yield chunk
    except ClientDisconnect:
        raise MalformedRequest("The client hung up before the body was complete.") from None


def _too_large(max_bytes: int, metadata: dict[str, str]) -> PayloadTooLarge:
    message = f"The request has more than the {max_bytes} bytes that are accepted. Send less at once."
    return PayloadTooLarge(message, limit_bytes=str(max_bytes), **metadata)


def _unsupported(kind: str, *wanted: str) -> UnsupportedContentType:
    return UnsupportedContentType(f"The content type is {kind}; this path takes {' or '.join(wanted)}.")
