"""Pictures of text, drawn here, through the parser of the service."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from service.adapters.parsers.dispatch import parse_document
from service.adapters.parsers.parser import DocumentParser
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import ParsedDocument
from service.errors import UnreadableDocument
from tests.contract.parsed import parse

pytestmark = pytest.mark.anyio
TEXTS = ("DELIVERY NOTE", "Order number 48213", "Seven crates of lemons")
WORDS = " ".join(TEXTS)


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


def drawn(*lines: str) -> Image.Image:
    picture = Image.new("L", (800, 480), 255)
    font = ImageFont.load_default(size=44)
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((60, 60 + number * 110), line, fill=0, font=font)
    return picture


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def transparent() -> Image.Image:
    picture = Image.new("RGBA", (800, 480), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=drawn(*TEXTS).point(lambda value: 255 - value))
    return picture


def words(parsed: ParsedDocument) -> str:
    return " ".join(block.text.replace("\n", " ") for block in parsed.blocks)


@pytest.mark.parametrize(
    "content",
    [
        saved(drawn(*TEXTS), "PNG"),
        saved(drawn(*TEXTS).convert("1"), "TIFF"),
        saved(drawn(*TEXTS).convert("I;16").point(lambda value: value * 257), "PNG"),
        saved(transparent(), "PNG"),
        saved(drawn(*TEXTS).convert("CMYK"), "JPEG"),
    ],
    ids=["grey PNG", "1-bit TIFF", "16-bit PNG", "transparent PNG", "CMYK JPEG"],
)
async def test_pictures_are_read_with_boxes(parser: DocumentParser, content: bytes) -> None:
    parsed = await parse(parser, content, "scan.docx")
    assert words(parsed) == WORDS
    assert parsed.page_count == 1
    assert parsed.parser.startswith("rapidocr ")
    box = parsed.blocks[0].lines[0].box
    assert (box.page, box.left, box.top) == (1, pytest.approx(60 / 800, abs=0.02), pytest.approx(60 / 480, abs=0.05))


async def test_every_page_of_a_tiff_is_read_and_told(parser: DocumentParser) -> None:
    content = saved(drawn("Page one"), "TIFF", save_all=True, append_images=[drawn("Page two")])
    told: list[tuple[int, int]] = []
    parsed = await parser.parse(
        DEFAULT_CALLER, content, "image/tiff", "a.tiff", lambda done, count: told.append((done, count))
    )
    assert [(block.text, block.lines[0].box.page) for block in parsed.blocks] == [("Page one", 1), ("Page two", 2)]
    assert told[-1] == (2, 2)


async def test_a_photo_is_turned_as_its_camera_was(parser: DocumentParser) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    content = saved(drawn(*TEXTS).rotate(90, expand=True), "JPEG", exif=exif)
    assert words(await parse(parser, content, "a.jpg")) == WORDS


async def test_pages_of_a_pdf_that_are_pictures_are_read(parser: DocumentParser) -> None:
    buffer = io.BytesIO()
    canvas: Any = Canvas(buffer, (800, 480))
    canvas.drawImage(ImageReader(drawn(*TEXTS)), 0, 0, 800, 480)
    canvas.save()
    parsed = await parse(parser, buffer.getvalue(), "scan.pdf")
    assert words(parsed) == WORDS
    assert parsed.parser.startswith("pypdfium2 ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (saved(Image.new("1", (30_000, 30_000)), "PNG"), "30000 x 30000 pixels, 80 million are allowed"),
        (saved(drawn(*TEXTS), "PNG")[:2000], "damaged"),
        (saved(drawn(), "PNG"), "No text could be found"),
    ],
)
async def test_pictures_that_cannot_be_read_are_errors(parser: DocumentParser, content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableDocument, match=problem):
        await parse(parser, content, "a.png")


def test_recognition_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    assert words(parse_document(saved(drawn(*TEXTS), "PNG"), "image/png", "a.png")) == WORDS
