"""PDF with pdfium: no models, structure from outline, fonts and positions."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any, cast

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.pdf_blocks import Assembler
from service.adapters.parsers.pdf_headings import find_headings, read_outline
from service.adapters.parsers.pdf_lines import PageLines, read_page
from service.adapters.parsers.pdf_order import in_reading_order, without_running_lines
from service.domain.documents import Block, BlockKind, ParsedDocument
from service.errors import UnreadableDocument

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_MOST_PAGES = 5000
_FIRST_BLOCKS = 12


def parse_pdf(content: bytes, title: str) -> ParsedDocument:
    """Headings with levels, paragraphs, list items and code, each with its boxes.

    Raises UnreadableDocument for a file that is damaged, encrypted or too long.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise _unreadable(str(error)) from None
    try:
        count = len(document)
        if count > _MOST_PAGES:
            raise UnreadableDocument(f"The PDF has {count} pages, {_MOST_PAGES} are allowed. Split it.")
        pages = [_page(document, index) for index in range(count)]
        outline = read_outline(document)
        named = one_line(cast(Any, document).get_metadata_value("Title"))
    except pypdfium2.PdfiumError as error:
        raise _unreadable(str(error)) from None
    finally:
        document.close()
    cleared = without_running_lines(pages)
    lines = [line for page in cleared for line in in_reading_order(page)]
    blocks = tuple(Assembler(cleared, lines, find_headings(lines, outline)).blocks())
    parser = f"pypdfium2 {importlib.metadata.version('pypdfium2')}"
    return ParsedDocument(_title(named, blocks) or title, blocks, count, parser)


def _page(document: PdfDocument, index: int) -> PageLines:
    page = document[index]
    try:
        return read_page(page, index + 1)
    finally:
        page.close()


def _title(named: str, blocks: tuple[Block, ...]) -> str:
    """The name in the file's properties, if it stands on the first page too: many programs write nonsense there."""
    opening = [block for block in blocks[:_FIRST_BLOCKS] if any(line.box.page == 1 for line in block.lines)]
    if named and named.casefold() in " ".join(one_line(block.text) for block in opening).casefold():
        return named
    headings = [block for block in opening if block.kind is BlockKind.HEADING]
    return one_line(headings[0].text) if headings and headings[0] is blocks[0] else ""


def _unreadable(message: str) -> UnreadableDocument:
    if "password" in message.lower():
        return UnreadableDocument("The PDF is protected by a password. Remove the password and upload it again.")
    return UnreadableDocument("The PDF is damaged and cannot be read. Open and save it again, then upload that.")
