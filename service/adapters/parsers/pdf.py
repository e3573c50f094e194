"""PDF with pdfium: no models, structure from outline, fonts and positions."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.pdf_blocks import Assembler
from service.adapters.parsers.pdf_checks import check_counts, check_streams, check_whole
from service.adapters.parsers.pdf_headings import find_headings, read_outline
from service.adapters.parsers.pdf_lines import PageLines, read_page
from service.adapters.parsers.pdf_order import in_reading_order, with_code, with_joined_code, without_running_lines
from service.adapters.parsers.pdf_scans import is_picture, page_ranges, read_picture
from service.adapters.parsers.pdf_tables import with_tables
from service.domain.documents import Block, BlockKind, ParsedDocument
from service.errors import UnreadableDocument

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

    from service.adapters.parsers.pdf_scans import ReadPicture

_MOST_PAGES = 5000
_FIRST_BLOCKS = 12


def parse_pdf(
    content: bytes,
    title: str,
    *,
    ocr: ReadPicture | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ParsedDocument:
    """Headings with levels, paragraphs, list items and code, each with its lines.

    ocr reads the pages that are pictures; without it they are left out, which the parser's name then says.
    progress is told the pages read so far and their number in all.
    Raises UnreadableDocument for a file that is damaged, encrypted or too long.
    """
    import pypdfium2

    check_streams(content)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise _unreadable(str(error)) from None
    try:
        reader = _Reader(document, ocr)
        check_whole(document, content, len(document))
        pages = reader.pages(progress)
        outline = read_outline(document)
        named = one_line(cast(Any, document).get_metadata_value("Title"))
    except pypdfium2.PdfiumError as error:
        raise _unreadable(str(error)) from None
    finally:
        document.close()
    cleared = [with_joined_code(with_tables(page)) for page in with_code(without_running_lines(pages))]
    lines = [line for page in cleared for line in in_reading_order(page)]
    blocks = tuple(Assembler(cleared, lines, find_headings(lines, outline)).blocks())
    check_counts(
        "the document",
        (line.text for page in cleared for line in page.lines),
        (block.text for block in blocks),
    )
    return ParsedDocument(_title(named, blocks) or title, blocks, len(pages), reader.name())


class _Reader:
    """Reads the pages of a document and remembers which are pictures."""

    def __init__(self, document: PdfDocument, ocr: ReadPicture | None) -> None:
        self._document = document
        self._ocr = ocr
        self._pictures: list[int] = []

    def pages(self, progress: Callable[[int, int], None] | None) -> list[PageLines]:
        count = len(self._document)
        if count > _MOST_PAGES:
            raise UnreadableDocument(f"The PDF has {count} pages, {_MOST_PAGES} are allowed. Split it.")
        pages: list[PageLines] = []
        for number in range(1, count + 1):
            pages.append(self._page(number))
            if progress:
                progress(number, count)
        return pages

    def name(self) -> str:
        """What read the document, and which pages were not read as text."""
        how = "with text recognition on" if self._ocr else "without the pictures on"
        which = f" {how} {page_ranges(self._pictures)}" if self._pictures else ""
        return f"pypdfium2 {importlib.metadata.version('pypdfium2')}{which}"

    def _page(self, number: int) -> PageLines:
        page = self._document[number - 1]
        try:
            lines = read_page(page, number)
            if not is_picture(page, lines):
                return lines
            self._pictures.append(number)
            found = read_picture(page, number, self._ocr) if self._ocr else lines
            return max(lines, found, key=_amount)
        finally:
            page.close()


def _amount(page: PageLines) -> int:
    return sum(len(line.text) for line in page.lines)


def _title(named: str, blocks: tuple[Block, ...]) -> str:
    """The name in the file's properties, if it stands on the first page too: many programs write nonsense there."""
    opening = [block for block in blocks[:_FIRST_BLOCKS] if any(line.box.page == 1 for line in block.lines)]
    if named and named.casefold() in " ".join(one_line(block.text) for block in opening).casefold():
        return named
    headings = [block for block in opening if block.kind is BlockKind.HEADING]
    return one_line(headings[0].text) if headings and headings[0] is blocks[0] else ""


def _unreadable(message: str) -> UnreadableDocument:
    if "password" in message.lower():
        return UnreadableDocument("The PDF needs a password. Remove the password and upload it again.")
    return UnreadableDocument("The PDF is damaged and cannot be read. Open and save it again, then upload that.")
