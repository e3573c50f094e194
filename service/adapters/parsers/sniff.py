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
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
CSV = "text/csv"
JSON = "application/json"

_SUPPORTED = "PDF, DOCX, HTML, Markdown, plain text, CSV and JSON"
_BY_SUFFIX = {
    ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN, ".csv": CSV, ".tsv": CSV,
    ".txt": PLAIN, ".text": PLAIN, ".log": PLAIN, ".rst": PLAIN, ".json": PLAIN,
}  # fmt: skip
_ZIP_KINDS = (("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation"), ("mimetype", "an OpenDocument file"))
_HTML_START = re.compile(r"(?:\s|<!--.*?-->|<\?xml[^>]*>)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_TAG = re.compile(r"</?(?:p|div|span|table|h[1-6]|ul|ol|li|body|section|article|br)\b[^>]*>", re.I)
_MARKDOWN_LINE = re.compile(r"^(?:#{1,6} \S|```|~~~|\|(?:\s*:?-+:?\s*\|)+\s*$)", re.M)
_SAMPLE = 64 * 1024
_CSV_LINES = 20


def detect_media_type(content: bytes, filename: str) -> str:
    """One of the media types above. Raises UnsupportedMediaType, which lists what is supported."""
    if content.startswith(b"%PDF-") or (b"%PDF-" in content[:1024] and b"%%EOF" in content):
        return PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(content, filename)
    text = None if content.startswith(b"{\\rtf") else decode(content)
    if text is None:
        raise _unsupported(filename, _binary_kind(content))
    return _kind_of_text(text, PurePosixPath(filename.lower()).suffix)


def _kind_of_text(text: str, suffix: str) -> str:
    if _is_json(text, suffix == ".json"):
        return JSON
    named = _BY_SUFFIX.get(suffix, "")
    if _HTML_START.match(text[:_SAMPLE]) or (named == HTML and _TAG.search(text)):
        return HTML
    if named:
        return PLAIN if named == HTML else named
    if len(_MARKDOWN_LINE.findall(text[:_SAMPLE])) > 1:
        return MARKDOWN
    return CSV if _is_csv(text[:_SAMPLE]) else PLAIN


def _is_json(text: str, named_json: bool) -> bool:
    stripped = text.lstrip("\ufeff \t\r\n")
    if not (stripped.startswith(("{", "[")) or named_json):
        return False
    try:
        json.loads(stripped)
    except RecursionError:
        return True
    except ValueError:
        return False
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
    if "word/document.xml" in names:
        return DOCX
    kinds = (kind for start, kind in _ZIP_KINDS if any(name.startswith(start) for name in names))
    raise _unsupported(filename, next(kinds, "a ZIP archive"))


def _binary_kind(content: bytes) -> str:
    if content.startswith(b"{\\rtf"):
        return "a rich text file"
    import filetype

    kind = cast(Any, filetype).guess_mime(content)
    return f"of type {kind}" if kind else "of an unknown kind"


def _unsupported(filename: str, kind: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f'The file "{filename}" is {kind}, which cannot be read. Upload one of these instead: {_SUPPORTED}.'
    )
