"""From a file to blocks, in this process."""

from __future__ import annotations

from pathlib import PurePosixPath

from service.adapters.parsers import sniff
from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.decoding import decode
from service.domain.documents import ParsedDocument
from service.errors import UnreadableDocument, UnsupportedMediaType

OFFICE = frozenset((sniff.DOCX, sniff.HTML, sniff.MARKDOWN))
_MOST_CHARACTERS = 32 * 1024 * 1024


def parse_document(content: bytes, media_type: str, filename: str) -> ParsedDocument:
    """Raises UnsupportedMediaType, and UnreadableDocument when there is no text in the file."""
    title = one_line(PurePosixPath(filename).stem.replace("_", " "))
    try:
        parsed = _parse(content, media_type, title)
    except RecursionError:
        raise UnreadableDocument(f'The file "{filename}" is nested too deeply to be read. Simplify it.') from None
    if not parsed.blocks:
        hint = " It may be a scan: run text recognition on it first." if media_type == sniff.PDF else ""
        raise UnreadableDocument(f'No text could be found in the file "{filename}".{hint}')
    if sum(len(block.text) for block in parsed.blocks) > _MOST_CHARACTERS:
        raise UnreadableDocument(f'The file "{filename}" holds too much text. Split it and upload the parts.')
    return parsed


def _parse(content: bytes, media_type: str, title: str) -> ParsedDocument:
    if media_type == sniff.PDF:
        from service.adapters.parsers.pdf import parse_pdf

        return parse_pdf(content, title)
    if media_type == sniff.DOCX:
        from service.adapters.parsers.office import parse_docx

        return parse_docx(content, title)
    text = decode(content)
    if text is None:
        raise UnreadableDocument("The file is not text in a known encoding. Save it as UTF-8 and upload that.")
    return _parse_text(text, media_type, title)


def _parse_text(text: str, media_type: str, title: str) -> ParsedDocument:
    if media_type in OFFICE:
        from service.adapters.parsers import office

        return (office.parse_html if media_type == sniff.HTML else office.parse_markdown)(text, title)
    if media_type == sniff.JSON:
        from service.adapters.parsers.json_text import parse_json

        return parse_json(text, title)
    if media_type == sniff.CSV:
        from service.adapters.parsers.csv_table import parse_csv

        return parse_csv(text, title)
    if media_type == sniff.PLAIN:
        from service.adapters.parsers.text import parse_text

        return parse_text(text, title)
    raise UnsupportedMediaType(f"Files of the type {media_type} cannot be read.")
