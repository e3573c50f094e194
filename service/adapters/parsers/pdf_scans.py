"""PDF pages that are pictures: found, drawn, and read by text recognition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from service.adapters.parsers.pdf_lines import PageLines

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    ReadPicture = Callable[[npt.NDArray[np.uint8], int], PageLines]
    """From a page as RGB of shape (height, width, 3) and its number to its lines, boxes in pixels."""

_DOTS_PER_POINT = 200 / 72
_MOST_PIXELS = 12_000_000
_FEWEST_LETTERS = 25
_SMALLEST_PICTURE = 0.1
_FEWEST_PATHS = 50
_DEEPEST = 4
_MOST_RANGES = 8


def is_picture(page: Any, lines: PageLines) -> bool:
    """Whether a pdfium page shows much but holds next to no text."""
    import pypdfium2.raw as raw

    letters = 0
    for line in lines.lines:
        letters += sum(character.isalnum() for character in line.text)
        if letters >= _FEWEST_LETTERS:
            return False
    kinds = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH]
    paths = 0
    for item in page.get_objects(filter=kinds, max_depth=_DEEPEST):
        paths += item.type == raw.FPDF_PAGEOBJ_PATH
        if paths >= _FEWEST_PATHS or (item.type == raw.FPDF_PAGEOBJ_IMAGE and _is_large(item, lines)):
            return True
    return False


def read_picture(page: Any, number: int, ocr: ReadPicture) -> PageLines:
    """What recognition finds on the page, in points. At 200 dots an inch, or what 12 million pixels allow."""
    width, height = page.get_size()
    scale = min(_DOTS_PER_POINT, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    try:
        image = bitmap.to_numpy()[:, :, :3].copy()
    finally:
        bitmap.close()
    found = ocr(image, number)
    x, y = width / max(1.0, found.width), height / max(1.0, found.height)
    lines = (
        replace(
            line, left=line.left * x, right=line.right * x, top=line.top * y, bottom=line.bottom * y,
            height=line.height * y,
        )
        for line in found.lines
    )  # fmt: skip
    return PageLines(width, height, tuple(lines))


def page_ranges(numbers: Sequence[int]) -> str:
    """Ascending page numbers as a person writes them: "pages 2-4 and 7"."""
    breaks = [0, *(at for at, (one, other) in enumerate(pairwise(numbers), 1) if other > one + 1), len(numbers)]
    runs = [numbers[start:end] for start, end in pairwise(breaks)]
    shown = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    if len(shown) > _MOST_RANGES:
        shown = [*shown[:_MOST_RANGES], "others"]
    text = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return f"page {text}" if len(numbers) == 1 else f"pages {text}"


def _is_large(item: Any, lines: PageLines) -> bool:
    """Whether a picture takes a tenth of the page. Within a form its size is not known: taken as large."""
    if item.level:
        return True
    left, bottom, right, top = item.get_bounds()
    return (right - left) * (top - bottom) >= _SMALLEST_PICTURE * lines.width * lines.height
