"""Files made to hang, fill or fool a parser: each is read whole or refused with a sentence, in good time."""

from __future__ import annotations

import asyncio
import io
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from service.adapters.parsers.decoding import decode
from service.adapters.parsers.dispatch import parse_document
from service.adapters.parsers.parser import DocumentParser
from service.adapters.parsers.sniff import detect_media_type
from service.domain.filenames import filename_problem
from service.errors import UnreadableDocument, UnsupportedMediaType
from tests.contract.parsed import parse
from tests.documents.files import simple_pdf

pytestmark = pytest.mark.anyio
SECONDS = 150
"""Five times what a person waits for: the machine may be slow."""
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # pyright: ignore
    return buffer.getvalue()


def with_part(package: bytes, name: str, part: bytes | str) -> bytes:
    """The package with another part of this name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, part if entry == name else old.read(entry))
    return buffer.getvalue()


def word_with(body: str, *, declared: str = "") -> bytes:
    xml = f'<?xml version="1.0"?>{declared}<w:document {WORD}><w:body>{body}</w:body></w:document>'
    return with_part(saved(docx.Document()), "word/document.xml", xml)


def sheet_with(rows: str) -> bytes:
    xml = f"<worksheet {SHEET}><sheetData>{rows}</sheetData></worksheet>"
    return with_part(saved(openpyxl.Workbook()), "xl/worksheets/sheet1.xml", xml)


def with_picture() -> bytes:
    picture = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(picture, "PNG")
    document = docx.Document()
    document.add_paragraph("Above the picture")
    document.add_picture(io.BytesIO(saved_small := saved_png()))
    document.add_paragraph("Below the picture")
    package = saved(document)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        (name,) = [entry for entry in archive.namelist() if archive.read(entry) == saved_small]
    return with_part(package, name, picture.getvalue())


def saved_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


BLANK: list[list[tuple[str, int]]] = [[]]
PDF = simple_pdf([("A title", 20), ("Some words.", 10)])
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
INTERNAL = f'<!DOCTYPE d [<!ENTITY e0 "lol">{ENTITIES}]>'
EXTERNAL = '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
TEXT = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
CELL, END = '<c r="A1" t="inlineStr"><is><t>', "</t></is></c>"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.pdf": (lambda: simple_pdf([]), "No text"),
    "cut.pdf": (lambda: PDF[: len(PDF) // 3], "damaged"),
    "broken.docx": (lambda: with_part(saved(docx.Document()), "word/document.xml", "x"), "damaged"),
    "bomb.docx": (lambda: word_with(TEXT.format("A" * (64 << 20))), "far larger unpacked"),
    "entities.docx": (lambda: word_with(TEXT.format("&e9;"), declared=INTERNAL), "entities"),
    "external.docx": (lambda: word_with(TEXT.format("&e;"), declared=EXTERNAL), "entities"),
    "deep.docx": (lambda: word_with("<w:tbl>" * 20_000 + "</w:tbl>" * 20_000), "damaged|nested"),
    "twice.xlsx": (lambda: sheet_with(f"<row r='1'>{CELL}first{END}{CELL}second{END}</row>"), "Only"),
    "far.xlsx": (lambda: sheet_with("<row r='1'><c r='ZZZZ1'><v>1</v></c></row>"), "damaged"),
    "divs.html": (lambda: b"<html>" + b"<div>" * 50_000 + b"x", "500 elements"),
    "deep.md": (lambda: b">" * 50_000 + b" x", "nested|longer|damaged"),
    "hidden.html": (lambda: b"<html><body><script>x</script></body></html>", "No text"),
    "deeper.json": (lambda: b'{"a":' * 90 + b"1" + b"}" * 90, "64 levels"),
    "deep.json": (lambda: b"[" * 100_000 + b"1" + b"]" * 100_000, "nested"),
    "cut.json": (lambda: b'{"part": "valve", "code": ', "not valid JSON"),
    "blank.pdf": (lambda: simple_pdf(*BLANK * 2000), "No text"),
    "locked.pdf": (lambda: simple_pdf([("secret", 10)], password="pass"), "password"),
    "blank.txt": (lambda: b" \n\t\n ", "No text"),
    "mark.txt": (lambda: b"\xef\xbb\xbf", "No text"),
    "blank.csv": (lambda: b",,\n,,\n", "No text"),
    "cut.tiff": (lambda: b"II*\0" + bytes(range(256)) * 8, "damaged"),
    "greek.txt": (lambda: "Ένα αρχείο σε παλιά κωδικοποίηση".encode("cp1253"), "known encoding|unknown kind"),
}  # fmt: skip

READ: dict[str, tuple[Callable[[], bytes], list[str]]] = {
    "picture.docx": (with_picture, ["Above the picture", "Below the picture"]),
    "line.txt": (lambda: b"many words " * 450_000 + b"THE END", ["many words", "THE END"]),
    "word.txt": (lambda: b"x" * 300_000 + b" END", ["END"]),
    "damaged.txt": (lambda: b"a note of the start \xff\xfe \xc3( \xe2\x82 and of its end", ["start \ufffd", "its end"]),
    "cut.txt": (lambda: "Zürich, Genève, Köln".encode()[:-1] + b"\xc3", ["Zürich", "Genève", "Köl\ufffd"]),
    "wide.txt": (lambda: "Grüße aus Zürich".encode("utf-16"), ["Grüße aus Zürich"]),
    "unmarked.txt": (lambda: "Grüße aus Zürich".encode("utf-16-le"), ["Grüße aus Zürich"]),
    "latin.txt": (lambda: "Café Zürich, Straße 12".encode("latin-1"), ["Café Zürich, Straße 12"]),
    "big.html": (lambda: b"<html><body>" + b"<h2>Head</h2><p>word <b>bold</b></p>" * 20_000 + b"<li>END", ["END"]),
    "twice.json": (lambda: b'{"a": "first", "a": "second"}', ["a: first", "a (2): second"]),
    "formula.csv": (lambda: b"name,remark\nBob,=cmd|'/c calc'!A1\n", ["=cmd|'/c calc'!A1"]),
    "remote.html": (lambda: b"<html><body><img src='http://127.0.0.1:9/p.png'><p>text", ["text"]),
}


@pytest.mark.parametrize("filename", REFUSED)
async def test_refused_in_good_time(parser: DocumentParser, filename: str) -> None:
    make, problem = REFUSED[filename]
    content, started = make(), time.monotonic()
    with pytest.raises((UnreadableDocument, UnsupportedMediaType), match=problem):
        await parse(parser, content, filename)
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("filename", READ)
async def test_read_whole_in_good_time(parser: DocumentParser, filename: str) -> None:
    make, wanted = READ[filename]
    content, started = make(), time.monotonic()
    text = "\n".join(block.text for block in (await parse(parser, content, filename)).blocks)
    assert time.monotonic() - started < SECONDS
    assert [words for words in wanted if words not in text] == []


async def test_the_event_loop_goes_on_while_a_large_result_arrives(parser: DocumentParser) -> None:
    content = b"A paragraph of a handful of words.\n\n" * 130_000
    of_loop, of_all = time.thread_time(), time.process_time()
    task = asyncio.create_task(parse(parser, content, "large.txt"))
    while not task.done():
        await asyncio.sleep(0.02)
    of_loop, of_all = time.thread_time() - of_loop, time.process_time() - of_all
    assert len((await task).blocks) == 130_000
    assert of_loop < of_all / 2, "other threads do the work"


async def test_nothing_is_left_of_a_process_that_was_too_slow() -> None:
    hasty = DocumentParser(seconds_a_page=0.3)
    try:
        with suppress(UnreadableDocument):
            await parse(hasty, b"warm", "a.txt")
        with pytest.raises(UnreadableDocument, match="seconds for one page"):
            await parse(hasty, b"many words " * 2_000_000, "slow.txt")
        async with asyncio.timeout(60):
            while _grandchildren():
                await asyncio.sleep(0.02)
    finally:
        hasty.close()


def _grandchildren() -> list[str]:
    """Processes of this one's parsing processes, where the system tells."""

    def children(pid: str) -> list[str]:
        path = Path(f"/proc/{pid}/task/{pid}/children")
        return path.read_text().split() if path.exists() else []

    parsers = [
        child
        for child in children(str(os.getpid()))
        if b"parsers.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return [grandchild for child in parsers for grandchild in children(child)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.csv", "a.json", "a", "a.xlsx"]))
def test_any_bytes_are_read_or_refused_and_no_letter_is_lost(content: bytes, filename: str) -> None:
    try:
        media_type = detect_media_type(content, filename)
        parsed = parse_document(content, media_type, filename)
    except (UnreadableDocument, UnsupportedMediaType):
        return
    text = decode(content)
    if media_type in ("text/plain", "text/csv") and text is not None:
        found = "".join(block.text for block in parsed.blocks)
        assert sum(map(str.isalnum, found)) >= sum(map(str.isalnum, text))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "/tmp/x.txt", "..\\win.txt", "a\0b.txt", "a\r\nb.txt", "..", "", " ", "n" * 256]
)
def test_names_that_are_not_base_names_are_refused(name: str) -> None:
    assert filename_problem(name) is not None


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f"])
def test_names_that_look_like_others_are_refused(mark: str) -> None:
    assert "direction" in (filename_problem(f"r{mark}txt.exe") or "")


@pytest.mark.parametrize("name", ["résumé 😀.txt", "דוח.pdf", "a b (1).csv", ".env"])
def test_names_that_people_use_are_kept(name: str) -> None:
    assert filename_problem(name) is None
