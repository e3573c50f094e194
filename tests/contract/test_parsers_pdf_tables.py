"""Tables in PDFs: found where they are, and only there."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from reportlab.lib.colors import black, grey
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from service.adapters.parsers.pdf import parse_pdf
from service.domain.chunking import chunk
from service.domain.documents import Block, BlockKind
from tests.documents.files import drawn, raw_pdf

BODY = getSampleStyleSheet()["BodyText"]
SENTENCE = "Goods go back within the time that is stated here, in the box that they came in, with the invoice."
RATES = [["Kind", "Days", "Fee"], ["Audio", "14", "2.50"], ["Video tapes", "5", "10.00"], ["Books", "30", "0"]]
CAPITALS = [["Country", "Capital"], ["France", "Paris"], ["Spain", "Madrid"], ["Malta", "Valletta"]]
WRAPPED = [["Kind", "Rule"], ["Audio", Paragraph(f"First. {SENTENCE}" * 2, BODY)], ["Video", Paragraph("No.", BODY)]]
GRID = [("GRID", (0, 0), (-1, -1), 0.5, black)]
THREE_RULES = [("LINEABOVE", (0, 0), (-1, 0), 1, black), ("LINEBELOW", (0, 0), (-1, 0), 1, black),
               ("LINEBELOW", (0, -1), (-1, -1), 1, black)]  # fmt: skip
FILLED = [("BACKGROUND", (0, 0), (-1, 0), grey)]


def table_pdf(rows: list[list[Any]], style: list[Any], **options: Any) -> bytes:
    """The table between two paragraphs."""
    buffer = io.BytesIO()
    around = f"{SENTENCE} " * 3
    made: Any = Table(rows, style=TableStyle(style), **options)
    SimpleDocTemplate(buffer).build([Paragraph(around, BODY), made, Paragraph(around, BODY)])
    return buffer.getvalue()


def tables(content: bytes) -> list[Block]:
    return [block for block in parse_pdf(content, "a").blocks if block.kind is BlockKind.TABLE]


@pytest.mark.parametrize(
    ("rows", "style"), [(RATES, []), (RATES, GRID), (RATES, FILLED), (CAPITALS, GRID), (CAPITALS, THREE_RULES)]
)
def test_a_table_has_its_rows_with_their_places(rows: list[list[str]], style: list[Any]) -> None:
    content = table_pdf(rows, style)
    (found,) = tables(content)
    assert found.rows == tuple(map(tuple, rows))
    assert found.text == "\n".join(" | ".join(row) for row in rows)
    assert [found.text[line.span.start : line.span.end] for line in found.lines] == found.text.split("\n")
    tops = [line.box.top for line in found.lines]
    assert tops == sorted(set(tops))
    kinds = [block.kind for block in parse_pdf(content, "a").blocks]
    assert kinds == [BlockKind.TEXT, BlockKind.TABLE, BlockKind.TEXT]


def test_cells_of_several_lines_stay_whole_within_their_frame() -> None:
    (found,) = tables(table_pdf(WRAPPED, GRID, colWidths=[80, 280]))
    assert found.rows == (("Kind", "Rule"), ("Audio", f"First. {SENTENCE}" * 2), ("Video", "No."))


def test_a_long_table_repeats_its_header_in_every_chunk() -> None:
    rows = [["Kind", "Days", "Fee"], *([f"Kind {number}", str(number), f"{number}.50"] for number in range(30))]
    parsed = parse_pdf(table_pdf(rows, GRID), "a")
    _, chunks = chunk(parsed, max_tokens=60, count_tokens=lambda text: len(text.split()))
    of_table = [found for found in chunks if " | " in found.text]
    assert len(of_table) > 2
    assert all("Kind | Days | Fee\n" in found.text for found in of_table)


def places(rows: list[list[str]], lefts: list[float], font: str = "F1") -> bytes:
    texts = [(left, 700 - 13 * at, text) for at, row in enumerate(rows) for left, text in zip(lefts, row, strict=True)]
    return drawn(*texts, size=10).replace(b"/F1", b"/" + font.encode())


CHANCE = random.Random(3)
WORDS = SENTENCE.replace(",", "").replace(".", "").split()
PROSE_ROWS = [[" ".join(CHANCE.choices(WORDS, k=7)) for _ in range(2)] for _ in range(12)]
NARROW_ROWS = [[" ".join(CHANCE.choices(WORDS, k=5)) for _ in range(3)] for _ in range(12)]
CODE_ROWS = [["x", "<-", "1"], ["y", "<-", "22"], ["zed", "<-", "333"], ["w", "<-", "4"]]
CONTENTS = [["Contents .......", "1"], ["Rates .........", "7"], ["Returns .......", "9"], ["End .......", "12"]]
RAGGED = [(72 + 37 * (at * 7 % 5), 700 - 13 * at, text) for at, text in enumerate("a1 b2 c3 d4 e5 f6".split())]


@pytest.mark.parametrize(
    "drawing",
    [
        places(PROSE_ROWS, [50, 320]),
        places(NARROW_ROWS, [40, 225, 410]),
        places(CODE_ROWS, [72, 110, 150], "F2") + drawn((72, 500, SENTENCE)),
        places(CONTENTS, [72, 500]),
        places([["One", "Two"], ["three", "four"]], [72, 300]),
        drawn(*RAGGED, *((x + 90, y, f"={text}") for x, y, text in RAGGED)),
    ],
    ids=["two columns", "three columns", "code", "contents", "two rows", "ragged"],
)
def test_what_is_no_table_is_none(drawing: bytes) -> None:
    assert tables(raw_pdf(drawing)) == []
