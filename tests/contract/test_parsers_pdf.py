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
from tests.documents.files import drawn, raw_pdf, scanned_pdf, simple_pdf, two_column_pdf

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


def test_lines_that_stand_wide_apart_are_still_one_paragraph() -> None:
    texts = [f"line {number} of a text that is set with much space and" for number in range(14)]
    content = raw_pdf(drawn(*((72, 740 - 24 * at, text) for at, text in enumerate(texts))))
    assert [block.text for block in parse_pdf(content, "a").blocks] == [" ".join(texts)]
    apart = raw_pdf(drawn(*((72, 740 - 24 * at, f"Entry {at}.") for at in range(14))))
    assert len(parse_pdf(apart, "a").blocks) == 14


HEBREW = "אבגדהוזח"


def test_text_that_runs_from_the_right_is_kept_as_it_is_read() -> None:
    whole_line = drawn((300, 700, "cba fed 12 hg"))
    words = drawn((360, 660, "cba"), (330, 660, "fed"))
    within = drawn((72, 620, "ABC cba fed XYZ"))
    parsed = parse_pdf(raw_pdf(b"\n".join((whole_line, words, within)), letters=HEBREW), "a")
    abc, of, gh = HEBREW[:3], HEBREW[3:6], HEBREW[6:]
    assert [block.text for block in parsed.blocks] == [f"{gh} 12 {of} {abc}", f"{abc} {of}", f"ABC {of} {abc} XYZ"]


@pytest.mark.parametrize(
    ("page", "box"),
    [
        (b"", (0.5, 0.2125, 0.6, 0.2275)),
        (b"/CropBox [300 400 600 800]", (0.0, 0.425, 0.18, 0.455)),
        (b"/Rotate 180", (0.4, 0.7725, 0.5, 0.7875)),
    ],
)
def test_boxes_are_of_the_page_as_it_is_shown(page: bytes, box: tuple[float, ...]) -> None:
    parsed = parse_pdf(raw_pdf(drawn((300, 620, "abcdefghij")), page=page), "a")
    found = parsed.blocks[0].lines[0].box
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx(box, abs=0.012)


@pytest.mark.parametrize(("turn", "matrix", "top"), [(90, b"0 1 -1 0 200 100", 190), (270, b"0 -1 1 0 200 700", 390)])
def test_a_page_that_is_shown_turned_has_lines(turn: int, matrix: bytes, top: int) -> None:
    drawing = b"q %s cm %s Q" % (matrix, drawn((0, 0, "One line of words"), (0, -14, "and another one")))
    parsed = parse_pdf(raw_pdf(drawing, page=b"/Rotate %d" % turn), "a")
    assert [block.text for block in parsed.blocks] == ["One line of words and another one"]
    first, second = (line.box for line in parsed.blocks[0].lines)
    assert (first.left, first.top) == pytest.approx((100 / 800, top / 600), abs=0.01)
    assert (second.left, second.top) == pytest.approx((100 / 800, (top + 14) / 600), abs=0.01)


def test_text_that_runs_up_the_margin_is_one_line() -> None:
    drawing = b"q 0 1 -1 0 40 300 cm %s Q %s" % (drawn((0, 0, "Up the margin of it")), drawn((90, 600, "Body.")))
    parsed = parse_pdf(raw_pdf(drawing), "a")
    assert [block.text for block in parsed.blocks] == ["Up the margin of it", "Body."]


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
    for (text, line), (page, row, line_drawn) in zip(found, written, strict=True):
        shown = text[line.span.start : line.span.end]
        mended = line_drawn.endswith("-") and text[line.span.end : line.span.end + 1].isalpha()
        assert shown == (line_drawn[:-1] if mended and not shown.endswith("-") else line_drawn)
        assert line.box.page == page
        assert line.box.bottom == pytest.approx((792 - 690 + 12 * row) / 792, abs=0.005)
    for block in parsed.blocks:
        ends = [0, *(line.span.end for line in block.lines)]
        starts = [*(line.span.start for line in block.lines), len(block.text)]
        assert all(not block.text[end:start].strip() for end, start in zip(ends, starts, strict=True))
