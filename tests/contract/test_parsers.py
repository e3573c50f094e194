from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import random
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.parsers.parser import DocumentParser
from service.domain.documents import BlockKind
from service.errors import UnreadableDocument, UnsupportedMediaType
from tests.contract.parsed import outline, parse, texts
from tests.documents.files import simple_pdf, word_file

pytestmark = pytest.mark.anyio
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = simple_pdf([("A title", 20), ("Some words.", 10)])
RANDOM = random.Random(7).randbytes(4096)


def zip_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    parser = DocumentParser(seconds_a_page=20)
    yield parser
    parser.close()


@pytest.mark.parametrize(
    ("content", "filename", "media_type"),
    [
        (PDF, "a.pdf", "application/pdf"),
        (PDF, "a.docx", "application/pdf"),
        (b"junk\n" + PDF, "a.txt", "application/pdf"),
        (word_file(), "a.pdf", DOCX),
        (zip_of("ppt/presentation.xml"), "a.docx", PPTX),
        (zip_of("xl/workbook.xml"), "a.docx", XLSX),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "a.docx", "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(64), "a.txt", "image/jpeg"),
        (b"II*\0" + bytes(64), "a.pdf", "image/tiff"),
        (b"<!-- x --><!DOCTYPE html><p>x", "a.txt", "text/html"),
        (b"<p>x</p>", "a.html", "text/html"),
        (b"<p>x</p>", "a.md", "text/markdown"),
        (b"just words", "a.html", "text/plain"),
        (b"# T\n\nx", "a.md", "text/markdown"),
        (b"# T\n\nx", "a.txt", "text/plain"),
        (b"# T\n\n## U", "notes", "text/markdown"),
        (b"a,b\n1,2\n", "a.csv", "text/csv"),
        (b"a,b\n1,2\n", "a.txt", "text/plain"),
        (b"a,b\n1,2\n", "data", "text/csv"),
        (b'{"a": 1}', "a.txt", "application/json"),
        (b'{"a": ', "a.json", "application/json"),
        (b'[{"a": 1},' * 9000, "a", "application/json"),
        (b"[not json]", "a.txt", "text/plain"),
        (b"BMW sells cars", "a.txt", "text/plain"),
        ("naïve café".encode("cp1252"), "a.txt", "text/plain"),
        ("x".encode("utf-16"), "a.txt", "text/plain"),
        (b"caf\xc3\xa9s, \xff\xfe and more", "a.txt", "text/plain"),
    ],
)
def test_kinds_are_told_by_content(parser: DocumentParser, content: bytes, filename: str, media_type: str) -> None:
    assert parser.detect(content, filename) == media_type


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (RANDOM, "unknown kind"),
        (zip_of("a.txt"), "a ZIP archive"),
        (zip_of("xl/workbook.bin"), "a binary Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "with a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "before 2007"),
        (b"PK\x03\x04broken", "damaged ZIP"),
        (b"GIF89a" + bytes(64), "image/gif"),
        (b"{\\rtf1 hello}", "rich text"),
        (bytes(100), "unknown kind"),
    ],
)
def test_other_kinds_are_refused_with_those_that_are_read(parser: DocumentParser, content: bytes, kind: str) -> None:
    with pytest.raises(
        UnsupportedMediaType, match=f"(?s)x.docx.*{kind}.*PDF, DOCX, PPTX, XLSX, HTML, .*PNG, JPEG and TIFF"
    ):
        parser.detect(content, "x.docx")


async def test_word_gives_headings_items_tables_and_text_that_converters_drop(parser: DocumentParser) -> None:
    parsed = await parse(parser, word_file(), "a.docx")
    assert outline(parsed) == [(1, "Returns Policy"), (2, "How long"), (3, "Videos"), (2, "Rules")]
    assert parsed.title == "Returns Policy"
    assert texts(parsed, BlockKind.LIST_ITEM) == ["Brazil: seven days.", "India: credit only."]
    (table,) = [block for block in parsed.blocks if block.kind is BlockKind.TABLE]
    assert table.rows == (("Kind", "Days"), ("Audio", "14"), ("Video", "5"))
    assert table.text == "Kind | Days\nAudio | 14\nVideo | 5"
    everything = "\n".join(block.text for block in parsed.blocks)
    assert "Words in a text box" in everything
    assert "Confidential header" in everything


async def test_html_keeps_all_that_is_shown_and_nothing_else(parser: DocumentParser) -> None:
    source = """<html><head><title>Window title</title><style>p{}</style></head><body><nav>Menu</nav><h1>Top</h1>
    <p>A <b>bold</b>er 2<sup>nd</sup> word, <a href=x>linked</a>.</p>
    <ul><li>one <i>two</i><ul><li>inner</li></ul></li></ul>
    <table><tr><th>Kind</th><th>Days</th></tr><tr><td>Audio</td><td>14 | 15</td></tr></table>
    <pre>a  b\n  c</pre><h3>Low</h3>loose<script>var hidden</script><footer>Contact us</footer></body></html>"""
    parsed = await parse(parser, source, "a.html")
    assert parsed.title == "Top"
    assert outline(parsed) == [(1, "Top"), (3, "Low")]
    assert texts(parsed, BlockKind.LIST_ITEM) == ["one two", "inner"]
    assert texts(parsed, BlockKind.TABLE) == ["Kind | Days\nAudio | 14 / 15"]
    assert texts(parsed, BlockKind.CODE) == ["a  b\n  c"]
    assert texts(parsed, BlockKind.TEXT) == ["Menu", "A bolder 2nd word, linked.", "loose", "Contact us"]


async def test_markdown_gives_tables_code_and_front_matter(parser: DocumentParser) -> None:
    source = (
        "---\ntitle: Named\nowner: Ann\n---\n# One\n\nWe **share**, *all* `x`.\n\n## Two\n\n1. first\n2. second\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nif x:\n    y\n```\n\n# Three\n\nend\n"
    )
    parsed = await parse(parser, source, "a.md")
    assert parsed.title == "Named"
    assert outline(parsed) == [(1, "One"), (2, "Two"), (1, "Three")]
    assert texts(parsed, BlockKind.TEXT) == ["title: Named\nowner: Ann", "We share, all x.", "end"]
    assert texts(parsed, BlockKind.LIST_ITEM) == ["first", "second"]
    assert texts(parsed, BlockKind.TABLE) == ["a | b\n1 | 2"]
    assert texts(parsed, BlockKind.CODE) == ["if x:\n    y"]


async def test_text_gives_paragraphs_and_items(parser: DocumentParser) -> None:
    wrapped = "A paragraph that is wrapped at about seventy characters, as editors do\nit, is one line again."
    parsed = await parse(parser, f"{wrapped}\r\n\r\nKey: 1\nOther: 2\n\n- one\n  more\n- two\n", "my_notes.txt")
    assert parsed.title == "my notes"
    assert texts(parsed, BlockKind.TEXT) == [wrapped.replace("\n", " "), "Key: 1\nOther: 2"]
    assert texts(parsed, BlockKind.LIST_ITEM) == ["- one more", "- two"]


async def test_text_marks_of_direction_stay_and_controls_go(parser: DocumentParser) -> None:
    parsed = await parse(parser, "\u202bשלום\u202c a\0b \u200fc", "a.txt")
    assert parsed.blocks[0].text == "\u202bשלום\u202c ab \u200fc"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
async def test_text_encodings(parser: DocumentParser, encoding: str) -> None:
    assert (await parse(parser, "naïve “café” costs".encode(encoding), "a.txt")).blocks[0].text == "naïve “café” costs"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_csv_is_one_table_that_loses_no_cell(parser: DocumentParser, delimiter: str) -> None:
    rows = [["Kind", "Days"], ["a\nb", "1"], ["", ""], ["x", "y", "beyond"]]
    source = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    (table,) = (await parse(parser, source, "a.csv")).blocks
    assert table.rows == (("Kind", "Days"), ("a b", "1"), ("x", "y", "beyond"))


async def test_json_gives_paths_and_tables(parser: DocumentParser) -> None:
    source = {
        "name": "Halyard", "open": True, "none": None, "big": 12345678901234567890.5, "tags": ["a", "b"], "empty": {},
        "address": {"city": "Calgary", "zip": {"code": 1}},
        "rates": [{"kind": "Rock", "share": 11.5}, {"kind": "Opera"}],
        "mixed": [1, {"deep": "x"}],
    }  # fmt: skip
    parsed = await parse(parser, json.dumps(source), "a.json")
    assert texts(parsed, BlockKind.LIST_ITEM) == [
        "name: Halyard", "open: true", "none: null", "big: 1.2345678901234567e+19", "tags: a, b", "empty: {}",
        "address.city: Calgary", "address.zip.code: 1", "mixed[1]: 1", "mixed[2].deep: x",
    ]  # fmt: skip
    assert texts(parsed, BlockKind.TABLE) == ["kind | share\nRock | 11.5\nOpera | "]
    assert outline(parsed)[:2] == [(1, "address"), (2, "address.zip")]


LONG = b"<html><body>" + b"<p>word <b>bold</b> word</p>" * 60_000 + b"</body></html>"


async def test_a_document_that_takes_too_long_is_killed(parser: DocumentParser) -> None:
    await parse(parser, "<html><body>warm", "warm.html")
    hasty = DocumentParser(seconds_a_page=0.2)
    try:
        with pytest.raises(UnreadableDocument, match=r"takes longer than 0\.2 seconds for one page"):
            await parse(hasty, LONG, "long.html")
        assert (await parse(parser, b"still here", "a.txt")).blocks[0].text == "still here"
    finally:
        hasty.close()


async def test_a_document_that_takes_too_much_memory_is_an_error() -> None:
    small = DocumentParser(memory_bytes=64 * 2**20)
    try:
        with pytest.raises(UnreadableDocument, match="memory"):
            await parse(small, b"[" + b'"x",' * 900_000 + b'"x"]', "a.json")
    finally:
        small.close()


async def test_cancelling_ends_the_process(parser: DocumentParser) -> None:
    task = asyncio.create_task(parse(parser, LONG, "long.html"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await parse(parser, b"next", "a.txt")).blocks[0].text == "next"


async def test_the_parser_goes_on_when_its_processes_were_killed(parser: DocumentParser) -> None:
    await parse(parser, b"one", "a.txt")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("the system does not list processes")
    for child in children.read_text().split():
        if b"parsers.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    for _ in range(3):
        with contextlib.suppress(UnreadableDocument):
            assert (await parse(parser, b"two", "a.txt")).blocks[0].text == "two"
            return
    pytest.fail("no document could be parsed any more")


async def test_a_line_alone_in_a_text_is_a_heading_when_it_looks_like_one(parser: DocumentParser) -> None:
    text = (
        "Notice to all\n\nThe canteen is closed.\n\nOPENING HOURS\n\nDoors open at\n\nE-217: set the clock.\n\nTHE END"
    )
    parsed = await parse(parser, text, "a.txt")
    assert outline(parsed) == [(1, "Notice to all"), (1, "OPENING HOURS")]
    assert texts(parsed, BlockKind.TEXT) == [
        "The canteen is closed.",
        "Doors open at",
        "E-217: set the clock.",
        "THE END",
    ]
    assert outline(await parse(parser, "ONE LINE ALONE", "a.txt")) == []
