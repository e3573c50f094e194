"""Structure of PDFs: speed beside bare text extraction in the same run, and memory for a long file."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, ratio

PAGES, REPEATS = 100, 7
LONG_PAGES = 500
WORDS = (
    "the of to and a in is for on that by with as are be this it from at or an which data value when file each can "
    "vector function object number result column table default argument returns specified character following "
    "environment statistical described distribution currently evaluation expressions available attributes together"
).split()
CHILD = """
import sys
from pathlib import Path
from service.adapters.parsers.pdf import parse_pdf
assert parse_pdf(Path(sys.argv[1]).read_bytes(), "").page_count == int(sys.argv[2])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def run() -> list[Figure]:
    """Pages of headings, paragraphs, items, code and tables, some 400 words each."""
    from service.adapters.parsers.pdf import parse_pdf

    content = made_pdf(PAGES)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(REPEATS):
        ours.append(_seconds(lambda: parse_pdf(content, "")))
        bare.append(_seconds(lambda: _bare(content)))
    n = PAGES * REPEATS
    return [
        Figure("PDF with structure", PAGES * REPEATS / sum(ours), "pages/s", n, 120, least=True),
        Figure("PDF with structure", ratio(bare, ours), "x", n, 0.2, "speed of bare pypdfium2", least=True),
        Figure(f"PDF of {LONG_PAGES} pages, peak", _peak_megabytes(), "MB", LONG_PAGES, 150),
    ]


def made_pdf(pages: int) -> bytes:
    """A book of so many pages, the same each time."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    chance = random.Random(11)
    buffer = io.BytesIO()
    canvas: Any = Canvas(buffer, A4)
    for number in range(1, pages + 1):
        top = 780.0
        _write(canvas, "Times-Roman", 9, [f"A book of pages    {number}"], 810.0)
        for section in range(3):
            top = _write(canvas, "Times-Bold", 14, [f"{number}.{section + 1} {_words(chance, 4)}"], top - 12)
            top = _write(canvas, "Times-Roman", 10, [_words(chance, 14) for _ in range(8)], top - 6)
            top = _write(canvas, "Courier", 9, [f"> x <- {word}(y)" for word in chance.sample(WORDS, 2)], top - 6)
            top = _write(canvas, "Times-Roman", 10, [f"\u2022 {_words(chance, 9)}" for _ in range(2)], top - 6)
        for _ in range(4 * (number % 2)):
            for column in range(4):
                _write(canvas, "Times-Roman", 10, [str(chance.randrange(10**5))], top - 10, 72 + 110 * column)
            top -= 12
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _write(canvas: Any, font: str, size: int, lines: list[str], top: float, left: float = 72) -> float:
    canvas.setFont(font, size)
    for line in lines:
        canvas.drawString(left, top, line)
        top -= 1.2 * size
    return top


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _bare(content: bytes) -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(content) as document:
        for number in range(len(document)):
            page: Any = document[number]
            text_page: Any = page.get_textpage()
            text_page.get_text_range()
            text_page.close()
            page.close()


def _peak_megabytes() -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.pdf"
        path.write_bytes(made_pdf(LONG_PAGES))
        command = [sys.executable, "-c", CHILD, str(path), str(LONG_PAGES)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024
