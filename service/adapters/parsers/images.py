"""PNG, JPEG and TIFF by text recognition. Pictures too large are refused before a pixel is unpacked.

Imported in the parsing process only.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from service.adapters.parsers.ocr import read_lines, reader_name
from service.adapters.parsers.pdf_blocks import Assembler
from service.adapters.parsers.pdf_headings import find_headings
from service.adapters.parsers.pdf_lines import PageLines
from service.adapters.parsers.pdf_order import in_reading_order, without_running_lines
from service.domain.documents import ParsedDocument
from service.errors import UnreadableDocument

_FORMATS = ("PNG", "JPEG", "TIFF")
_MOST_PIXELS = 80_000_000
_LONGEST_SIDE = 3000
_MOST_PAGES = 1000
_SIXTEEN_BITS = 65535.0
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, ZeroDivisionError)


def parse_image(content: bytes, title: str, *, progress: Callable[[int, int], None] | None = None) -> ParsedDocument:
    """Every page of a picture. Raises UnreadableDocument for one that is damaged, too large or too long.

    progress is told the pages read so far and their number in all.
    """
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            count = getattr(picture, "n_frames", 1)
            if count > _MOST_PAGES:
                raise UnreadableDocument(f"The picture has {count} pages, {_MOST_PAGES} are allowed. Split it.")
            pages = [_page(picture, number, count, progress) for number in range(1, count + 1)]
    except _DAMAGED:
        raise UnreadableDocument("The picture is damaged and cannot be read. Save it again and upload that.") from None
    cleared = without_running_lines(pages)
    lines = [line for page in cleared for line in in_reading_order(page)]
    blocks = tuple(Assembler(cleared, lines, find_headings(lines, {})).blocks())
    return ParsedDocument(title, blocks, count, reader_name())


def _page(picture: Image.Image, number: int, count: int, progress: Callable[[int, int], None] | None) -> PageLines:
    picture.seek(number - 1)
    width, height = picture.size
    if width * height > _MOST_PIXELS:
        raise UnreadableDocument(
            f"The picture has {width} x {height} pixels, {_MOST_PIXELS // 10**6} million are allowed. Make it smaller."
        )
    lines = read_lines(_as_rgb(picture), number)
    if progress:
        progress(number, count)
    return lines


def _as_rgb(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Upright, on white where it is transparent, and of a size that recognition can use."""
    picture.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture, np.float32)
        deepest = _SIXTEEN_BITS if picture.mode.startswith("I") else max(1.0, float(values.max()))
        upright: Image.Image = Image.fromarray((values * (255 / deepest)).clip(0, 255).astype(np.uint8))
    else:
        upright = picture
    upright = ImageOps.exif_transpose(upright)
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
        shown = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
    return np.asarray(upright.convert("RGB"))
