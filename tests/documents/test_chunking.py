from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.parsers.tables import lines_of, table_block
from service.domain.chunk_fields import chunk_fields, chunk_of
from service.domain.chunk_text import embedding_text
from service.domain.chunking import chunk
from service.domain.documents import Block, BlockKind, Chunk, PageBox, ParsedDocument, Span


def count_words(text: str) -> int:
    return len(text.split())


def heading(text: str, level: int = 1) -> Block:
    return Block(BlockKind.HEADING, text, level)


def paragraph(text: str) -> Block:
    return Block(BlockKind.TEXT, text)


def wrapped(texts: list[str]) -> Block:
    return Block(BlockKind.TEXT, "\n".join(texts), lines=lines_of(texts, [on_page(n, 0) for n in range(len(texts))]))


def on_page(page: int, top: float) -> PageBox:
    return PageBox(page, 0.1, top, 0.9, top + 0.1)


def item(text: str) -> Block:
    return Block(BlockKind.LIST_ITEM, text)


def table(*rows: tuple[str, ...]) -> Block:
    return Block(BlockKind.TABLE, "\n".join(" | ".join(row) for row in rows), rows=rows)


def document(*blocks: Block, title: str = "") -> ParsedDocument:
    return ParsedDocument(title, blocks, 0, "test")


def chunks_of(parsed: ParsedDocument, max_tokens: int = 100) -> tuple[Chunk, ...]:
    return chunk(parsed, max_tokens=max_tokens, count_tokens=count_words)[1]


def units_of(piece: Chunk) -> list[str]:
    return [piece.text[unit.start : unit.end] for unit in piece.units]


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def test_sections_become_chunks_under_their_heading_path() -> None:
    parsed = document(
        heading("Guide"), paragraph(words(40)), heading("Rates", 2), paragraph(words(40)), heading("Cash", 3),
        paragraph(words(40)), heading("Time", 2), paragraph(words(40)), title="Guide",
    )  # fmt: skip
    assert [c.headings for c in chunks_of(parsed)] == [
        ("Guide",),
        ("Guide", "Rates"),
        ("Guide", "Rates", "Cash"),
        ("Guide", "Time"),
    ]


def test_tiny_siblings_share_a_chunk_under_their_common_parent() -> None:
    parsed = document(
        heading("Rates"), paragraph(words(40)), heading("Cash", 2), paragraph("Coins only."), heading("Cards", 2),
        paragraph("No cards."), heading("Time"), paragraph(words(40)), title="Guide",
    )  # fmt: skip
    merged = chunks_of(parsed)[1]
    assert merged.headings == ("Guide", "Rates")
    assert merged.text == "Cash\n\nCoins only.\n\nCards\n\nNo cards."
    assert units_of(merged) == ["Coins only.", "No cards."]


def test_tiny_sections_of_different_parents_stay_apart() -> None:
    parsed = document(heading("A"), heading("A1", 2), paragraph("x."), heading("B"), heading("B1", 2), paragraph("y."))
    assert [(c.headings, c.text) for c in chunks_of(parsed)] == [(("A", "A1"), "x."), (("B", "B1"), "y.")]


def test_a_long_table_continues_with_its_header_and_whole_rows() -> None:
    rows = [("Kind", "Days"), *((f"kind {n}", str(n)) for n in range(60))]
    found = chunks_of(document(heading("Returns"), table(*rows)), max_tokens=60)
    assert len(found) > 2
    assert all(c.text.startswith("Kind | Days\n") for c in found)
    assert [unit for c in found for unit in units_of(c)] == [" | ".join(row) for row in rows[1:]]


def test_units_are_sentences_items_and_rows() -> None:
    (only,) = chunks_of(
        document(paragraph("Dr. Who left. He was 5.5 m tall."), item("One. Two."), table(("h", "i"), ("a", "b")))
    )
    assert units_of(only) == ["Dr. Who left.", "He was 5.5 m tall.", "One. Two.", "a | b"]


def test_a_sentence_is_split_only_when_it_alone_is_too_long() -> None:
    found = chunks_of(document(paragraph(f"{words(30, 'Aa')}. {words(250, 'Bb')}. {words(30, 'Cc')}.")), max_tokens=100)
    assert units_of(found[0])[0] == f"{words(30, 'Aa')}."
    assert units_of(found[-1])[-1] == f"{words(30, 'Cc')}."
    assert all(count_words(c.text) <= 100 for c in found)


def test_a_quote_is_on_the_lines_it_touches() -> None:
    wrapped = Block(BlockKind.TEXT, "One two\nthree. Four\nfive.", lines=lines_of(
        ["One two", "three. Four", "five."], [on_page(3, 0.2), on_page(3, 0.5), on_page(4, 0.0)]
    ))  # fmt: skip
    (only,) = chunks_of(document(paragraph("Zero."), wrapped))
    zero, one, three, four, five = only.units
    assert (only.first_page, only.last_page) == (3, 4)
    assert only.boxes_of(zero) == ()
    assert only.boxes_of(Span(one.start, three.end)) == (PageBox(3, 0.1, 0.2, 0.9, 0.6),)
    assert only.boxes_of(Span(four.start, five.end)) == (on_page(3, 0.5), on_page(4, 0.0))


def test_a_copied_header_row_is_on_no_page() -> None:
    rows = [("Kind", "Days"), *((f"kind {n}", str(n)) for n in range(60))]
    block = table_block(rows, [on_page(1 + n // 20, n % 20 / 20) for n in range(61)])
    assert block
    found = chunks_of(document(heading("Returns"), block), max_tokens=60)
    assert len(found) > 2
    for piece in found[1:]:
        assert piece.boxes_of(Span(0, len("Kind | Days"))) == ()
        for unit in piece.units:
            row = int(piece.text[unit.start : unit.end].split(" | ")[1]) + 1
            assert piece.boxes_of(unit) == (on_page(1 + row // 20, row % 20 / 20),)


def test_a_heading_without_text_is_still_found() -> None:
    found = chunks_of(document(heading("Only a heading")))
    assert [c.text for c in found] == ["Only a heading"]


def test_headings_longer_than_half_the_limit_stand_in_the_text() -> None:
    (first, *rest) = chunks_of(document(heading(words(70)), paragraph("Body.")), max_tokens=100)
    assert first.headings == ()
    assert first.text.startswith("word word")
    assert not rest


def test_a_limit_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="24"):
        chunks_of(document(paragraph("x")), max_tokens=5)


TEXTS = st.text(st.sampled_from("ab Z.!?\n1,;。é\u200f😀"), min_size=1, max_size=300).filter(lambda t: bool(t.strip()))
CELLS = st.text(st.sampled_from("ab 1.é"), min_size=1, max_size=12).map(lambda t: t.strip() or "x")
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30)
BLOCKS = st.one_of(
    st.builds(heading, TEXTS.map(lambda t: " ".join(t.split())), st.integers(1, 6)),
    st.builds(paragraph, TEXTS),
    st.builds(wrapped, st.lists(TEXTS, min_size=1, max_size=5)),
    st.builds(item, TEXTS),
    TEXTS.map(lambda t: Block(BlockKind.CODE, t)),
    ROWS.map(lambda rows: table(*rows)),
)


@st.composite
def documents(draw: st.DrawFn) -> ParsedDocument:
    return document(*draw(st.lists(BLOCKS, max_size=12)), title=draw(st.sampled_from(["", "A title"])))


def lines_of_chunks(chunks: Sequence[Chunk]) -> Counter[tuple[int, str]]:
    lines = ((line.box.page, c.text[line.span.start : line.span.end]) for c in chunks for line in c.lines)
    return Counter((page, character) for page, text in lines for character in text if not character.isspace())


def lines_of_blocks(blocks: Sequence[Block]) -> Counter[tuple[int, str]]:
    lines = ((line.box.page, b.text[line.span.start : line.span.end]) for b in blocks for line in b.lines)
    return Counter((page, character) for page, text in lines for character in text if not character.isspace())


def count_quarters(text: str) -> int:
    return (len(text) + 3) // 4


@given(documents(), st.integers(24, 200), st.sampled_from([len, count_words, count_quarters]))
def test_chunks_hold_the_whole_document_within_the_limit(
    parsed: ParsedDocument, limit: int, count: Callable[[str], int]
) -> None:
    text, chunks = chunk(parsed, max_tokens=limit, count_tokens=count)
    assert text == "\n\n".join(block.text for block in parsed.blocks)
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))
    position = 0
    missed: list[str] = []
    for found in chunks:
        assert count(embedding_text(found)) <= limit
        assert found.span.start >= position
        missed += text[position : found.span.start].split()
        position = found.span.end
        inner = text[found.span.start : found.span.end]
        assert found.text.endswith(inner)
        assert found.text == inner or found.text[: -len(inner)].endswith("\n")
        starts = [unit.start for unit in found.units]
        assert starts == sorted(starts)
        assert all(0 <= unit.start < unit.end <= len(found.text) for unit in found.units)
        assert chunk_of(json.loads(json.dumps(chunk_fields(found)))) == found
    assert lines_of_chunks(chunks) == lines_of_blocks(parsed.blocks)
    missed += text[position:].split()
    titles = {word for c in chunks for title in c.headings for word in title.split()}
    assert set(missed) <= titles


def test_a_text_without_end_is_cut_in_time_that_grows_with_its_length() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return len(text.split())

    endless = document(paragraph(" ".join(["word"] * 200_000)), paragraph("x" * 100_000))
    text, chunks = chunk(endless, max_tokens=100, count_tokens=count)
    assert counted < 40 * len(text)
    assert max(len(item.text) for item in chunks) <= 64 * 100
