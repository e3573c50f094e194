"""PDF files that are cut, damaged or inflated: read whole or refused with a sentence."""

from __future__ import annotations

import time
import zlib

import pytest

from service.adapters.parsers.pdf import parse_pdf
from service.errors import UnreadableDocument
from tests.documents.files import drawn, raw_pdf, simple_pdf

TEXTS = [f"Page {number} is here, whole and sound." for number in range(6)]
FOUR_PAGES = simple_pdf(*([("", 30), (text, 10)] for text in TEXTS))


def packed(content: bytes) -> bytes:
    """A PDF whose content stream is compressed."""
    data = zlib.compress(content, 9)
    stream = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(data), data)
    return raw_pdf(b"", stream=stream)


@pytest.mark.parametrize("share", [number / 100 for number in range(1, 100, 3)])
def test_a_file_that_is_cut_is_never_read_in_part(share: float) -> None:
    try:
        parsed = parse_pdf(FOUR_PAGES[: int(share * len(FOUR_PAGES))], "a")
    except UnreadableDocument:
        return
    assert [block.text for block in parsed.blocks] == TEXTS


def test_a_file_that_lost_only_its_table_of_objects_is_repaired() -> None:
    parsed = parse_pdf(FOUR_PAGES.replace(b"startxref\n", b"startxref\n9"), "a")
    assert [block.text for block in parsed.blocks] == TEXTS


def test_a_stream_that_unpacks_to_far_too_much_is_refused_in_good_time() -> None:
    before, after = drawn((72, 700, "before")), drawn((72, 600, "after"))
    started = time.process_time()
    with pytest.raises(UnreadableDocument, match="more than 100 MB"):
        parse_pdf(packed(before + b" " * 101 * 2**20 + after), "a")
    assert time.process_time() - started < 10
    parsed = parse_pdf(packed(before + b" " * 2**20 + after), "a")
    assert [block.text for block in parsed.blocks] == ["before", "after"]


def test_a_stream_that_breaks_off_is_refused() -> None:
    whole = packed(b"\n".join(drawn((72, 700 - 14 * row, f"row {row * 7919}")) for row in range(40)))
    start = whole.index(b"stream", whole.index(b"FlateDecode")) + 40
    broken = whole[:start] + b"\xff" * 60 + whole[start + 60 :]
    with pytest.raises(UnreadableDocument, match="a part of its text cannot be unpacked"):
        parse_pdf(broken, "a")


def test_thousands_of_empty_pages_are_nothing_quickly() -> None:
    spent: list[float] = []
    for count in (200, 2000):
        content = simple_pdf(*([("", 10)] for _ in range(count)))
        started = time.process_time()
        assert parse_pdf(content, "a").blocks == ()
        spent.append(time.process_time() - started)
    assert spent[1] < 40 * spent[0], "ten times as many take about ten times as long"


def test_too_many_pages_are_refused_before_any_is_read() -> None:
    told: list[tuple[int, int]] = []
    content = simple_pdf([("One", 10)]).replace(b"/Count 1", b"/Count 6000")
    with pytest.raises(UnreadableDocument, match="6000 pages, 5000 are allowed"):
        parse_pdf(content, "a", progress=lambda done, count: told.append((done, count)))
    assert told == []
