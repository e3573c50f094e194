"""What kind of file it is, by its content; the name decides only between kinds of text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any, cast

from service.adapters.parsers.decoding import decode
from service.errors import UnsupportedMediaType

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
CSV = "text/csv"
JSON = "application/json"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
PICTURES = frozenset((PNG, JPEG, TIFF))

_SUPPORTED = "PDF, DOCX, PPTX, XLSX, HTML, Markdown, plain text, CSV, JSON, PNG, JPEG and TIFF"
_BY_SUFFIX = {
    ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN, ".csv": CSV, ".tsv": CSV,
    ".txt": PLAIN, ".text": PLAIN, ".log": PLAIN, ".rst": PLAIN, ".json": JSON,
}  # fmt: skip
_PACKAGES = (("word/document.xml", DOCX), ("ppt/presentation.xml", PPTX), ("xl/workbook.xml", XLSX))
_ZIP_KINDS = (("xl/workbook.bin", "a binary Excel workbook"), ("mimetype", "an OpenDocument file or an EPUB"))
_RTF = b"{\\rtf"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_HTML_START = re.compile(r"(?:\s|<!--.*?-->|<\?xml[^>]*>)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_TAG = re.compile(r"</?(?:p|div|span|table|h[1-6]|ul|ol|li|body|section|article|br)\b[^>]*>", re.I)
_MARKDOWN_LINE = re.compile(r"^(?:#{1,6} \S|```|~~~|\|(?:\s*:?-+:?\s*\|)+\s*$)", re.M)
_SAMPLE = 64 * 1024
_CSV_LINES = 20
_LONGEST_LITERAL = len("false")


def detect_media_type(content: bytes, filename: str) -> str:
    """One of the media types above, from the start of the content and the directory of a ZIP archive.

    Raises UnsupportedMediaType, which lists what is supported.
    """
    if content.startswith(b"%PDF-") or (b"%PDF-" in content[:1024] and b"%%EOF" in content):
        return PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(content, filename)
    kind = _binary_kind(content)
    if kind in PICTURES:
        return kind
    start = None if content.startswith((_RTF, _OLE)) else decode(content[:_SAMPLE])
    if start is None:
        raise _unsupported(filename, kind)
    return _kind_of_text(start, PurePosixPath(filename.lower()).suffix, whole=len(content) <= _SAMPLE)


def _kind_of_text(start: str, suffix: str, *, whole: bool) -> str:
    named = _BY_SUFFIX.get(suffix, "")
    if named == JSON or _is_json(start, whole):
        return JSON
    if _HTML_START.match(start) or (named == HTML and _TAG.search(start)):
        return HTML
    if named:
        return PLAIN if named == HTML else named
    if len(_MARKDOWN_LINE.findall(start)) > 1:
        return MARKDOWN
    return CSV if _is_csv(start) else PLAIN


def _is_json(start: str, whole: bool) -> bool:
    """Whether the text is an object or an array, as far as it is shown."""
    stripped = start.lstrip("\ufeff \t\r\n")
    if not stripped.startswith(("{", "[")):
        return False
    try:
        json.loads(stripped)
    except RecursionError:
        return True
    except json.JSONDecodeError as error:
        cut = error.pos >= len(stripped) - _LONGEST_LITERAL or error.msg.startswith("Unterminated string")
        return cut and not whole
    return True


def _is_csv(text: str) -> bool:
    lines = text.splitlines()[:_CSV_LINES]
    return len(lines) > 1 and any(
        lines[0].count(mark) > 0 and len({line.count(mark) for line in lines}) == 1 for mark in (",", ";", "\t")
    )


def _in_zip(content: bytes, filename: str) -> str:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise _unsupported(filename, "a damaged ZIP archive") from None
    for part, media_type in _PACKAGES:
        if part in names:
            return media_type
    kinds = (kind for start, kind in _ZIP_KINDS if any(name.startswith(start) for name in names))
    raise _unsupported(filename, next(kinds, "a ZIP archive"))


def _binary_kind(content: bytes) -> str:
    """A media type of PICTURES, or a kind of file in words."""
    import filetype

    if content.startswith(_RTF):
        return "a rich text file"
    if content.startswith(_OLE):
        return "an Office file with a password" if _PROTECTED in content else "an Office file of before 2007"
    kind = cast(Any, filetype).guess_mime(content[:_SAMPLE])
    return kind if kind in PICTURES else f"of type {kind}" if kind else "of an unknown kind"


def _unsupported(filename: str, kind: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f'The file "{filename}" is {kind}, which cannot be read. Upload one of these instead: {_SUPPORTED}.'
    )
