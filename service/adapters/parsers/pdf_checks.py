"""What pdfium would pass over in silence: files that end early, streams that are damaged or far too large."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from service.errors import UnreadableDocument

_MOST_BYTES = 100 * 2**20
_MOST_BYTES_IN_ALL = 500 * 2**20
_DEFLATE_RATIO = 1032
_LONGEST_DICTIONARY = 4096
_END = 2048
_MARKS = "-\u2010\ufffe\x02.…|"
_FILTER = re.compile(rb"/Filter\s*(\[[^\]]*\]|/\w+)")
_NAME = re.compile(rb"/(\w+)")
_PICTURE_OR_FONT = re.compile(rb"/Subtype\s*/(?!Form)|/Length[123]\b")
_PLAIN_NAMES = frozenset(b"Length Filter FlateDecode Fl ASCII85Decode A85 DecodeParms DL".split())
_FLATE, _ASCII85 = (b"FlateDecode", b"Fl"), (b"ASCII85Decode", b"A85")
_PAGE = re.compile(rb"(\d+)\s+\d+\s+obj\s*<<(?:(?!endobj).)*?/Type\s*/Page\b", re.S)


def check_streams(content: bytes) -> None:
    """Raises UnreadableDocument where a stream that may hold text inflates beyond 100 MB or breaks off.

    This is independent of pdfium. Streams of an encrypted file are left to it.
    """
    if b"/Encrypt" in content:
        return
    total = 0
    for dictionary, data in _streams(content):
        filters = _FILTER.search(dictionary)
        if not filters or _PICTURE_OR_FONT.search(dictionary):
            continue
        names = _NAME.findall(filters[1])
        is_plain = _PLAIN_NAMES.issuperset(_NAME.findall(dictionary))
        total += _decoded_size(data, names, is_plain)
        if total > _MOST_BYTES_IN_ALL:
            raise _too_large()


def check_whole(document: Any, content: bytes, pages: int) -> None:
    """Raises UnreadableDocument for a file that pdfium had to repair and that is cut off or has lost pages."""
    import pypdfium2.raw as raw

    if raw.FPDF_DocumentHasValidCrossReferenceTable(document.raw):
        return
    if b"%%EOF" not in content[-_END:]:
        raise UnreadableDocument("The PDF is damaged: its end is missing. Upload the whole file again.")
    written = len({found[1] for found in _PAGE.finditer(content)})
    if written > pages:
        raise UnreadableDocument(
            f"The PDF is damaged: only {pages} of its {written} pages can be read. Open and save it again, then "
            "upload that."
        )


def check_counts(where: str, before: Iterable[str], after: Iterable[str]) -> None:
    """Raises UnreadableDocument where the texts before a step and after it differ in how much they hold."""
    lost = _amount(" ".join(before)) - _amount(" ".join(after))
    if lost:
        raise UnreadableDocument(
            f"The text of {where} could not be taken over whole: {abs(lost)} characters differ. Print the PDF to a new "
            "one and upload that."
        )


def _amount(text: str) -> int:
    """Characters without white space and marks that steps add or take away: hyphens, leaders, bars between cells."""
    return len("".join(text.split())) - sum(map(text.count, _MARKS))


def _streams(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The dictionary and the raw bytes of each stream."""
    end = 0
    while (at := content.find(b"stream", end)) >= 0:
        end = at + len(b"stream")
        start = end + (2 if content[end : end + 2] == b"\r\n" else 1)
        begins = content[end : end + 1] in (b"\r", b"\n") and not content.endswith(b"end", 0, at)
        opening = content.rfind(b"obj", max(0, at - _LONGEST_DICTIONARY), at)
        if begins and opening >= 0:
            closing = content.find(b"endstream", start)
            end = closing if closing >= 0 else len(content)
            yield content[opening:at], content[start:end]
            end += len(b"endstream")


def _decoded_size(data: bytes, filters: list[bytes], is_plain: bool) -> int:
    for name in filters:
        if name in _ASCII85:
            if len(data) * _DEFLATE_RATIO < _MOST_BYTES:
                return len(data)
            data = _from_ascii85(data)
        elif name in _FLATE:
            # Without the two bytes of header and the checksum at the end, which many programs write wrong.
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                data = inflater.decompress(data[2:], _MOST_BYTES + 1)
            except zlib.error:
                data = b""
            if len(data) > _MOST_BYTES:
                raise _too_large()
            if is_plain and not inflater.eof:
                raise UnreadableDocument(
                    "The PDF is damaged: a part of its text cannot be unpacked. Save it again and upload that."
                )
        else:
            return 0
    return len(data)


def _from_ascii85(data: bytes) -> bytes:
    try:
        return base64.a85decode(data.strip().removesuffix(b"~>"))
    except ValueError:
        return b""


def _too_large() -> UnreadableDocument:
    return UnreadableDocument(
        f"A part of the PDF unpacks to more than {_MOST_BYTES // 2**20} MB. Print it to a new PDF and upload that."
    )
