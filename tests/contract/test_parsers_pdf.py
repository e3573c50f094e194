"""PDF to blocks: structure, reading order, and where every line stands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.adapters.parsers.parser import DocumentParser
from service.adapters.parsers.pdf import parse_pdf
from service.adapters.parsers.pdf_lines import Line, PageLines
from service.domain.documents import BlockKind
from tests.contract.parsed import outline, parse, texts
from tests.documents.files import scanned_pdf, simple_pdf, two_column_pdf

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser(seconds_a_page=20)
    yield parser
    parser.close()


async def test_pdf_gives_headings_paragraphs_items_and_boxes(parser: DocumentParser) -> None:
    page = [
        ("Guide", 20), ("", 10), ("The first line of a para-", 10), ("graph goes on here.", 10), ("", 20),
        ("1. Rates", 15), ("", 10), ("• one item", 10), ("• another item", 10),
    ]  # fmt: skip
    parsed = await parse(parser, simple_pdf(page, [("2. Time", 15), ("", 10), ("Late.", 10)]), "a.pdf")
    assert outline(parsed) == [(1, "Guide"), (1, "1. Rates"), (1, "2. Time")]
    assert texts(parsed, BlockKind.TEXT) == ["The first line of a paragraph goes on here.", "Late."]
    assert texts(parsed, BlockKind.LIST_ITEM) == ["• one item", "• another item"]
    assert (parsed.title, parsed.page_count) == ("Guide", 2)
    first, last = parsed.blocks[0].lines[0].box, parsed.blocks[-1].lines[0].box
    assert (first.page, last.page) == (1, 2)
    assert first.left == pytest.approx(72 / 612, abs=0.01)
    assert first.top == pytest.approx((792 - 720 - 15) / 792, abs=0.02)
    assert all(0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1 for box in (first, last))


async def test_pdf_levels_come_from_the_outline(parser: DocumentParser) -> None:
    pages = [("Top", 20), ("", 9), ("words", 10), ("Below", 14), ("", 9), ("words", 10)]
    assert outline(await parse(parser, simple_pdf(pages, bookmarks=True), "a.pdf")) == [(1, "Top"), (2, "Below")]


async def test_pdf_running_headers_and_page_numbers_are_left_out(parser: DocumentParser) -> None:
    pages = [
        [(f"Chapter {n // 3} of the handbook {n + 40}", 8), ("", 30), (f"Body of page number {n}.", 10)]
        + [("", 10)] * 40 + [(str(n), 9)] for n in range(1, 7)
    ]  # fmt: skip
    parsed = await parse(parser, simple_pdf(*pages), "a.pdf")
    assert [block.text for block in parsed.blocks] == [f"Body of page number {n}." for n in range(1, 7)]


async def test_pdf_columns_are_read_one_after_the_other(parser: DocumentParser) -> None:
    left = [f"left column line {n} goes on" for n in range(8)]
    right = [f"right column line {n} goes on" for n in range(8)]
    parsed = await parse(parser, two_column_pdf(left, right, "A title over both of the columns here"), "a.pdf")
    assert " ".join(texts(parsed, BlockKind.TEXT)) == " ".join(left + right)


PROSE = "A page with a text layer needs no recognition."


def test_pages_that_are_pictures_are_read_by_recognition_and_others_are_not() -> None:
    seen: list[tuple[int, tuple[int, ...]]] = []

    def read_blue(image: npt.NDArray[np.uint8], number: int) -> PageLines:
        seen.append((number, image.shape))
        rows, columns = np.nonzero((image[..., 2] > 200) & (image[..., 0] < 50))
        box = (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))
        line = Line(number, *box, "Blue words", box[3] - box[1], False, False)
        return PageLines(image.shape[1], image.shape[0], (line,))

    parsed = parse_pdf(scanned_pdf(PROSE, "", PROSE, ""), "a", ocr=read_blue)
    assert seen == [(2, (2200, 1700, 3)), (4, (2200, 1700, 3))]
    assert [(block.text, block.lines[0].box.page) for block in parsed.blocks] == [
        (PROSE, 1), ("Blue words", 2), (PROSE, 3), ("Blue words", 4)
    ]  # fmt: skip
    box = parsed.blocks[1].lines[0].box
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0, 0, 0.5, 0.5), abs=0.02)
    assert parsed.parser.endswith(" with text recognition on pages 2 and 4")


def test_pictures_that_nothing_reads_are_named() -> None:
    parsed = parse_pdf(scanned_pdf(PROSE, "", "", "", PROSE, ""), "a")
    assert len(parsed.blocks) == 2
    assert parsed.parser.endswith(" without the pictures on pages 2-4 and 6")


def test_progress_is_told_page_by_page() -> None:
    told: list[tuple[int, int]] = []
    parse_pdf(simple_pdf([("a", 9)], [], [("b", 9)]), "a", progress=lambda done, count: told.append((done, count)))
    assert told == [(1, 3), (2, 3), (3, 3)]


WORDS = st.text(st.sampled_from("abcdefghij"), min_size=1, max_size=8)
WRITTEN = st.lists(WORDS, min_size=3, max_size=8).map(" ".join)
MARKED = st.tuples(st.sampled_from(["", "", "", "• ", "2. "]), WRITTEN, st.sampled_from(["", "", ".", "-", " -"]))
PAGES = st.lists(st.lists(MARKED.map("".join), min_size=1, max_size=12), min_size=1, max_size=3)
BELOW_EDGE = ("", 20)


@settings(deadline=None)
@given(PAGES)
def test_every_line_covers_its_text_as_it_stands_in_the_block(pages: list[list[str]]) -> None:
    """In order, without overlap, nothing but white space between; a hyphen is lost only before a small letter."""
    written = [(page, row, text) for page, lines in enumerate(pages, 1) for row, text in enumerate(lines)]
    parsed = parse_pdf(simple_pdf(*([BELOW_EDGE, *((text, 10) for text in lines)] for lines in pages)), "a")
    found = [(block.text, line) for block in parsed.blocks for line in block.lines]
    assert len(found) == len(written)
    for (text, line), (page, row, drawn) in zip(found, written, strict=True):
        shown = text[line.span.start : line.span.end]
        mended = drawn.endswith("-") and text[line.span.end : line.span.end + 1].isalpha()
        assert shown == (drawn[:-1] if mended and not shown.endswith("-") else drawn)
        assert line.box.page == page
        assert line.box.bottom == pytest.approx((792 - 690 + 12 * row) / 792, abs=0.005)
    for block in parsed.blocks:
        ends = [0, *(line.span.end for line in block.lines)]
        starts = [*(line.span.start for line in block.lines), len(block.text)]
        assert all(not block.text[end:start].strip() for end, start in zip(ends, starts, strict=True))
