"""PowerPoint and Excel files, made here, through the parser of the service."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from service.adapters.parsers.parser import DocumentParser
from service.domain.documents import BlockKind, PageBox, ParsedDocument
from tests.contract.parsed import outline, parse, texts
from tests.documents.files import word_file

pytestmark = pytest.mark.anyio
AT = (Inches(1), Inches(1), Inches(4), Inches(1))


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pages(parsed: ParsedDocument) -> list[tuple[str, int]]:
    return [(block.text, block.lines[0].box.page) for block in parsed.blocks]


def slides() -> bytes:
    deck: Any = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Quarterly review"
    first.placeholders[1].text = "Sales went up\nCosts went down"
    first.notes_slide.notes_text_frame.text = "Thank the team."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    table = second.shapes.add_table(2, 2, *AT).table
    for row, texts_of_row in enumerate((("Region", "Sales"), ("East", "12"))):
        for column, text in enumerate(texts_of_row):
            table.cell(row, column).text = text
    chart: Any = CategoryChartData()
    chart.categories = ["East", "West"]
    chart.add_series("Forecast", (13, 8.5))
    second.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *AT, chart)
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(*AT).text_frame.text = "Inside of a group"
    return saved(deck)


async def test_slides_are_pages_with_boxes_and_lose_neither_notes_nor_charts(parser: DocumentParser) -> None:
    parsed = await parse(parser, slides(), "deck.pptx")
    assert parsed.title == "Quarterly review"
    assert parsed.page_count == 2
    assert outline(parsed) == [(1, "Quarterly review"), (1, "Slide 2")]
    assert pages(parsed)[:4] == [
        ("Quarterly review", 1), ("Sales went up", 1), ("Costs went down", 1), ("Thank the team.", 1)
    ]  # fmt: skip
    assert all(page == 2 for _, page in pages(parsed)[4:])
    assert texts(parsed, BlockKind.TABLE) == ["Region | Sales\nEast | 12"]
    assert {"Inside of a group", "Forecast: East 13, West 8.5"} <= set(texts(parsed, BlockKind.TEXT))
    (table,) = [block for block in parsed.blocks if block.kind is BlockKind.TABLE]
    assert [line.box for line in table.lines] == [PageBox(2, 0.1, 0.1333, 0.5, 0.2667)] * 2


def workbook() -> bytes:
    book: Any = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet.append(["All figures are provisional"])
    sheet.append(["Region", "From", "Share", "Growth", "Open"])
    sheet.append(["East", dt.date(2024, 5, 1), 0.153, "=C3*2", True])
    sheet.append(["West", dt.datetime(2024, 5, 1, 10, 30), 12, 0.1 + 0.2, None])
    sheet["C3"].number_format = "0.0%"
    sheet["A3"].comment = Comment("Audited in June", "Ann")
    sheet["H9"] = "set apart"
    book.create_sheet("Empty")
    book.create_sheet("Third")["B2"] = "only one cell"
    return saved(book)


async def test_sheets_are_pages_and_empty_rows_set_tables_apart(parser: DocumentParser) -> None:
    parsed = await parse(parser, workbook(), "book.xlsx")
    assert parsed.page_count == 3
    assert pages(parsed) == [
        ("Sales", 1),
        ("All figures are provisional", 1),
        (
            "Region | From | Share | Growth | Open\nEast | 2024-05-01 | 15.3% | =C3*2 | TRUE\n"
            "West | 2024-05-01 10:30:00 | 12 | 0.3 | ",
            1,
        ),
        ("set apart", 1),
        ("Audited in June", 1),
        ("Third", 3),
        ("only one cell", 3),
    ]
    assert outline(parsed) == [(1, "Sales"), (1, "Third")]


async def test_cells_in_the_corners_of_a_sheet_make_no_grid(parser: DocumentParser) -> None:
    book: Any = openpyxl.Workbook()
    book.active["A1"] = "first corner"
    book.active["XFD1048576"] = "last corner"
    assert texts(await parse(parser, saved(book), "a.xlsx"), BlockKind.TEXT) == ["first corner", "last corner"]


async def test_cells_far_apart_in_rows_that_touch_are_listed_by_name(parser: DocumentParser) -> None:
    book: Any = openpyxl.Workbook()
    for number in range(1, 201):
        book.active.cell(number, number, f"a{number}")
        book.active.cell(number, number + 200, f"b{number}")
    items = texts(await parse(parser, saved(book), "a.xlsx"), BlockKind.LIST_ITEM)
    assert len(items) == 200
    assert items[1] == "B2: a2; GT2: b2"


async def test_a_table_of_many_rows_arrives_whole(parser: DocumentParser) -> None:
    rows = [[f"r{row}c{column}" for column in range(3)] for row in range(3500)]
    source = "\n".join(",".join(row) for row in rows)
    (table,) = (await parse(parser, source, "a.csv")).blocks
    assert table.rows == tuple(map(tuple, rows))


def long_word_file() -> bytes:
    """The file of tests/documents with 3,000 more paragraphs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word_file())) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "word/document.xml":
                part = part.replace(b"<w:sectPr", b"<w:p><w:r><w:t>More.</w:t></w:r></w:p>" * 3000 + b"<w:sectPr", 1)
            new.writestr(name, part)
    return buffer.getvalue()


async def test_long_word_files_are_read_like_short_ones(parser: DocumentParser) -> None:
    short, long = await parse(parser, word_file(), "a.docx"), await parse(parser, long_word_file(), "a.docx")
    assert short.parser != long.parser
    assert outline(short) == outline(long)
    for kind in (BlockKind.LIST_ITEM, BlockKind.TABLE):
        assert texts(short, kind) == texts(long, kind)
    assert sorted(texts(short, BlockKind.TEXT) + ["More."] * 3000) == sorted(texts(long, BlockKind.TEXT))


PAGE = """<html><head><title>Window</title><style>p{}</style></head><body><h1>Top</h1><p>A <b>bold</b>er word.</p>
<ul><li>one</li><li>two <i>and</i> more</li></ul><table><tr><th>Kind</th><th>Days</th></tr><tr><td>Audio</td><td>14
</td></tr></table><pre>a  b
  c</pre><h3>Low</h3>loose<script>hidden</script>"""


async def test_long_pages_are_read_like_short_ones(parser: DocumentParser) -> None:
    short = await parse(parser, PAGE, "a.html")
    long = await parse(parser, PAGE + "<p>More.</p>" * 6000, "a.html")
    assert short.parser != long.parser
    assert short.title == long.title
    assert long.blocks[: len(short.blocks)] == short.blocks
    assert texts(long, BlockKind.TEXT)[-6000:] == ["More."] * 6000
