from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.chunking import chunk
from service.domain.documents import Chunk, ParsedDocument, Passage, Span
from service.domain.passages import merge_neighbours, without_repeats
from service.domain.units import unit_text
from service.usecases.compose_answer import cite
from service.usecases.read_passages import Evidence
from tests.answers.builders import chunk as made
from tests.documents.test_chunking import BLOCKS, count_words, document, heading, item, paragraph, table, words


def passage(found: Chunk, document_id: str = "d1", score: float = 1.0) -> Passage:
    return Passage(document_id, f"{document_id}.md", found, score, score / 2, score * 10)


def passages_of(parsed: ParsedDocument, max_tokens: int = 60) -> list[Passage]:
    _, chunks = chunk(parsed, max_tokens=max_tokens, count_tokens=count_words)
    return [passage(found) for found in chunks]


def texts_of(passages: list[Passage]) -> list[str]:
    return [found.chunk.text for found in passages]


def test_neighbours_become_one_passage_that_stands_where_the_best_stood() -> None:
    first, second, third = passages_of(document(heading("A"), *(paragraph(f"{words(40, w)}.") for w in "xyz")))
    other = passage(made("Elsewhere."), "d2")
    merged = merge_neighbours([replace(third, score=0.9), other, replace(second, score=0.5), first])
    assert [found.document_id for found in merged] == ["d1", "d2"]
    assert merged[0].chunk.text == "\n\n".join(f"{words(40, w)}." for w in "xyz")
    assert (merged[0].score, merged[0].chunk.ordinal) == (0.9, first.chunk.ordinal)
    assert len(merged[0].chunk.units) == 3


def test_what_is_not_next_to_one_another_stays_apart() -> None:
    first, _, third = passages_of(document(heading("A"), *(paragraph(f"{words(40, w)}.") for w in "xyz")))
    assert merge_neighbours([third, first]) == [third, first]
    sections = passages_of(document(heading("A"), paragraph(words(40)), heading("B"), paragraph(words(40))))
    assert merge_neighbours(sections) == sections
    same_name = passages_of(document(heading("A"), paragraph(words(40)), heading("A"), paragraph(words(40))))
    assert merge_neighbours(same_name) == same_name
    other_document = replace(passages_of(document(*(paragraph(words(40)) for _ in "xy")))[1], document_id="d2")
    assert merge_neighbours([first, other_document]) == [first, other_document]


def test_a_table_has_its_header_once_and_rows_keep_the_names_of_columns() -> None:
    rows = [("Kind", "Days"), *((f"kind {n}", str(n)) for n in range(60))]
    parts = passages_of(document(heading("Returns"), table(*rows)))
    assert len(parts) > 2
    (merged,) = merge_neighbours(parts[1:])
    assert merged.chunk.text.count("Kind | Days") == 1
    named = [unit_text(merged.chunk, unit) for unit in merged.chunk.units]
    assert named == [unit_text(part.chunk, unit) for part in parts[1:] for unit in part.chunk.units]
    assert named[-1] == "Kind: kind 59; Days: 59"


PARSED = st.lists(BLOCKS, max_size=12).map(lambda blocks: document(*blocks, title="A title"))


@given(PARSED, st.integers(24, 80), st.sampled_from([len, count_words]), st.integers(0, 2**16))
def test_every_quote_of_a_merged_passage_stands_where_its_citation_says(
    parsed: ParsedDocument, limit: int, count: object, seed: int
) -> None:
    text, chunks = chunk(parsed, max_tokens=limit, count_tokens=count)  # pyright: ignore[reportArgumentType]
    chosen = random.Random(seed).sample(chunks, k=random.Random(seed).randint(0, len(chunks)))
    merged = merge_neighbours([passage(found) for found in chosen])
    quotes: list[str] = []
    for found in merged:
        inner = text[found.chunk.span.start : found.chunk.span.end]
        assert found.chunk.text[-len(inner) :].split() == inner.split()
        for unit in found.chunk.units:
            citation = cite(Evidence(found, unit, 0.0, 0.0, 0.0, 0.0))
            assert text[citation.source_span.start : citation.source_span.end] == citation.quote
            quotes.append(citation.quote)
    assert sorted(quotes) == sorted(c.text[unit.start : unit.end] for c in chosen for unit in c.units)
    assert merge_neighbours(merged) == merged


LINES = st.lists(st.sampled_from(["Aa bb.", "Cc dd ee.", "Ff?", "Gg hh ii jj kk."]), min_size=1, max_size=40)
PROSE = st.one_of(
    LINES.map(lambda lines: paragraph(" ".join(lines))),
    LINES.map(lambda lines: item(" ".join(lines))),
    st.lists(st.tuples(st.just("a"), st.sampled_from("bc")), min_size=3, max_size=30).map(lambda rows: table(*rows)),
)


@given(st.lists(PROSE, min_size=1, max_size=8).map(lambda blocks: document(*blocks)))
def test_prose_lists_and_tables_are_joined_as_they_stand(parsed: ParsedDocument) -> None:
    text, chunks = chunk(parsed, max_tokens=24, count_tokens=count_words)
    assert texts_of(merge_neighbours([passage(found) for found in chunks])) == [text]


def test_the_same_text_in_another_document_is_left_out() -> None:
    handbook = made("Refunds take 6 days.", "Ask the shop.", headings=("Handbook", "Refunds"))
    copy = made("refunds take 6 days", "Ask the shop!", headings=("Copy of the handbook", "Refunds"))
    assert without_repeats([passage(handbook), passage(copy, "d2")]) == [passage(handbook)]


def test_the_borders_of_chunks_do_not_matter() -> None:
    one, two = made("One thing.", "Two things."), made("Three things.", "Four things.")
    across = passage(made("Two things.", "Three things."), "d2")
    assert without_repeats([passage(one), passage(two), across]) == [passage(one), passage(two)]
    assert without_repeats([passage(one), across]) == [passage(one), across]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The fee is 10.", "The fee is 12."),
        ("The fee is 1.5.", "The fee is 15."),
        ("The change is -5.", "The change is 5."),
        ("It costs $10.", "It costs €10."),
        ("You may cancel.", "You may not cancel."),
        ("A pays B.", "B pays A."),
    ],
)
def test_what_differs_is_kept(one: str, other: str) -> None:
    around = ["The rest is the same in both.", "Word for word."]
    both = [passage(made(*around, one)), passage(made(*around, other), "d2")]
    assert without_repeats(both) == both


def test_the_same_words_under_another_heading_are_kept() -> None:
    both = [passage(made("None known.", headings=("Drug", name))) for name in ("Side effects", "Interactions")]
    assert without_repeats(both) == both
    inside = [
        passage(Chunk(0, f"{name}\n\nNone known.", Span(0, 30), units=(Span(len(name) + 2, len(name) + 13),)), name)
        for name in ("Side effects", "Interactions")
    ]
    assert without_repeats(inside) == inside
