"""From a file to blocks, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from service.adapters.parsers import sniff
from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.decoding import decode
from service.domain.documents import ParsedDocument
from service.errors import NotConfigured, UnreadableDocument, UnsupportedMediaType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from service.adapters.parsers.pdf_lines import PageLines

INSTEAD = " in place of docling"
"""What a document says when the built-in parser read what docling should have read."""

_MOST_CHARACTERS = 32 * 1024 * 1024
Progress = Callable[[int, int], None]


def parse_document(
    content: bytes,
    media_type: str,
    filename: str,
    *,
    artifacts: str = "",
    fallback: bool = False,
    progress: Progress | None = None,
) -> ParsedDocument:
    """The blocks of a file.

    artifacts is the folder of docling's models for PDF, empty for the built-in parser. With fallback, that parser
    reads what docling cannot, and the parser's name says so. progress is told the pages read so far and their number
    in all, where there are pages.
    Raises UnsupportedMediaType, UnreadableDocument when there is no text in the file, and NotConfigured when
    docling's models cannot be loaded.
    """
    title = one_line(PurePosixPath(filename).stem.replace("_", " "))
    try:
        if media_type == sniff.PDF:
            parsed = _parse_pdf(content, title, artifacts, fallback, progress)
        else:
            parsed = _parse(content, media_type, title, progress)
    except RecursionError:
        raise UnreadableDocument(f'The file "{filename}" is nested too deeply to be read. Simplify it.') from None
    if not parsed.blocks:
        raise UnreadableDocument(f'No text could be found in the file "{filename}".')
    if sum(len(block.text) for block in parsed.blocks) > _MOST_CHARACTERS:
        raise UnreadableDocument(f'The file "{filename}" holds too much text. Split it and upload the parts.')
    return parsed


def _parse(content: bytes, media_type: str, title: str, progress: Progress | None) -> ParsedDocument:
    if media_type in sniff.PICTURES:
        from service.adapters.parsers.images import parse_image

        return parse_image(content, title, progress=progress)
    if media_type == sniff.DOCX:
        from service.adapters.parsers.office import parse_docx

        return parse_docx(content, title)
    if media_type == sniff.PPTX:
        from service.adapters.parsers.slides import parse_pptx

        return parse_pptx(content, title)
    if media_type == sniff.XLSX:
        from service.adapters.parsers.spreadsheets import parse_xlsx

        return parse_xlsx(content, title)
    return _parse_text(content, media_type, title)


def _parse_pdf(content: bytes, title: str, artifacts: str, fallback: bool, progress: Progress | None) -> ParsedDocument:
    from service.adapters.parsers.pdf import parse_pdf

    instead = ""
    if artifacts:
        from service.adapters.parsers.docling_pdf import parse_pdf_with_docling

        try:
            return parse_pdf_with_docling(content, title, artifacts, progress)
        except (NotConfigured, UnreadableDocument):
            if not fallback:
                raise
            instead = INSTEAD
    parsed = parse_pdf(content, title, ocr=_read_picture, progress=progress)
    return replace(parsed, parser=parsed.parser + instead)


def _read_picture(image: npt.NDArray[np.uint8], page: int) -> PageLines:
    from service.adapters.parsers.ocr import read_lines

    return read_lines(image, page)


def _parse_text(content: bytes, media_type: str, title: str) -> ParsedDocument:
    text = decode(content)
    if text is None:
        raise UnreadableDocument("The file is not text in a known encoding. Save it as UTF-8 and upload that.")
    if media_type in (sniff.HTML, sniff.MARKDOWN):
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
