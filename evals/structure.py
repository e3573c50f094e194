"""`python -m evals.structure FOLDER`: what structure is found in real PDFs, against what the PDFs say of themselves.

FOLDER has docqa with its PDFs. Headings are those of the PDF's outline; once with the outline at hand and once with
it taken out, for information. Text is counted in words against pdfium's own. Order is the share of neighbouring lines
of two-column pages that follow one another as a person reads: down a column, then the next column.
"""

from __future__ import annotations

import argparse
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pypdfium2

from service.adapters.parsers.pdf import parse_pdf
from service.domain.documents import BlockKind, PageBox, ParsedDocument

BOOK = "debian_R-intro.pdf"
TWO_COLUMNS = ("docling_multi_page.pdf", "doclingparse_ligatures_01.pdf")
NUMBER = re.compile(r"^\s*(?:(?:chapter|appendix)\s+(?:\d+|[A-Z])|\d+(?:\.\d+)*|[A-Z](?:\.\d+)+)[.:]?\s+", re.I)
WIDEST_COLUMN = 0.55


@dataclass(frozen=True, slots=True)
class Score:
    """A share of n things. least is the target, None for information."""

    name: str
    value: float
    n: int
    least: float | None = None

    @property
    def good(self) -> bool:
        """Whether it reaches its target."""
        return self.least is None or self.value >= self.least


def main() -> None:
    """Print the scores; exit with 1 when one is under its target."""
    parser = argparse.ArgumentParser(prog="evals.structure", description="Score the structure found in PDFs.")
    parser.add_argument("data", type=Path, help="folder of full data sets")
    scores = list(score(parser.parse_args().data / "docqa"))
    for item in scores:
        target = "" if item.least is None else f"target {item.least:.2f}  " + ("OVER" if item.good else "UNDER")
        print(f"{item.name:62} {item.value:.4f}  n {item.n:6,}  {target}".rstrip())
    raise SystemExit(not all(item.good for item in scores))


def score(folder: Path) -> Iterator[Score]:
    """All scores."""
    book = (folder / BOOK).read_bytes()
    wanted = outline(book)
    for name, content, least in (("", book, 0.9), (" without its outline", _without_outline(book), None)):
        f1 = f1_score(Counter(wanted), Counter(headings(parse_pdf(content, ""))))
        yield Score(f"{BOOK}{name}: headings with levels, F1", f1, len(wanted), least)
    for name in (BOOK, *TWO_COLUMNS):
        content = (folder / name).read_bytes()
        parsed = parse_pdf(content, "")
        own, ours = _words(_plain_text(content)), _words("\n".join(block.text for block in parsed.blocks))
        yield Score(f"{name}: words against pdfium's, F1", f1_score(own, ours), own.total(), 0.99)
        if name in TWO_COLUMNS:
            steps = list(_steps(parsed))
            yield Score(f"{name}: lines in reading order", sum(steps) / len(steps), len(steps), 1.0)


def f1_score(wanted: Counter[Any], found: Counter[Any]) -> float:
    """Harmonic mean of precision and recall of a bag of things."""
    return 2 * (wanted & found).total() / max(1, wanted.total() + found.total())


def outline(content: bytes) -> list[tuple[int, str]]:
    """Levels from 1 and titles, without numbers and all but letters and digits."""
    with pypdfium2.PdfDocument(content) as document:
        entries = cast(Any, document).get_toc(max_depth=6)
        return [(entry.level + 1, _key(entry.get_title())) for entry in entries]


def headings(parsed: ParsedDocument) -> list[tuple[int, str]]:
    """The same of the headings found."""
    return [(block.level, _key(block.text)) for block in parsed.blocks if block.kind is BlockKind.HEADING]


def _steps(parsed: ParsedDocument) -> Iterator[bool]:
    """Of neighbouring lines of one column's width on one page: whether the second is where reading goes on."""
    boxes = [line.box for block in parsed.blocks if block.kind is not BlockKind.TABLE for line in block.lines]
    for one, other in pairwise(boxes):
        if one.page == other.page and _is_narrow(one) and _is_narrow(other):
            below = other.top >= one.top - 0.005
            next_column = one.left < 0.5 <= other.left
            yield below if _column(one) == _column(other) else next_column or not _beside(boxes, one, other)


def _beside(boxes: Sequence[PageBox], one: PageBox, other: PageBox) -> bool:
    """Whether a step back to the left column does not pass a line as wide as the page, nor leaves the band below."""
    wide = [box for box in boxes if box.page == one.page and not _is_narrow(box)]
    return other.top < one.bottom and not any(one.top >= box.top > other.top for box in wide)


def _is_narrow(box: PageBox) -> bool:
    return box.right - box.left < WIDEST_COLUMN and not (box.left < 0.45 and box.right > 0.55)


def _column(box: PageBox) -> int:
    return int((box.left + box.right) / 2 >= 0.5)


def _key(text: str) -> str:
    return re.sub(r"\W+", "", NUMBER.sub("", text)).casefold()


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.casefold()))


def _plain_text(content: bytes) -> str:
    """Pdfium's text, words broken at a line's end joined as pdfium marks them."""
    with pypdfium2.PdfDocument(content) as document:
        pages: list[Any] = [document[index] for index in range(len(document))]
        return "\n".join(re.sub("[\ufffe\x02](?:\r\n)?", "", page.get_textpage().get_text_range()) for page in pages)


def _without_outline(content: bytes) -> bytes:
    with pypdfium2.PdfDocument(content) as document:
        copy = cast(Any, pypdfium2.PdfDocument).new()
        copy.import_pages(document)
        buffer = io.BytesIO()
        copy.save(buffer)
        copy.close()
        return buffer.getvalue()


if __name__ == "__main__":
    main()
