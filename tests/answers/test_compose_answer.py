from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.documents import PageBox, Span, TextLine
from service.domain.sql import SqlResult, SqlStatement, StatementState
from service.domain.tables import CellValue, Column, ColumnType, Table
from service.domain.units import is_table_row, unit_text
from service.usecases.compose_answer import MAX_EVIDENCE, cite, compose, select_evidence
from service.usecases.finish_answer import with_rows
from tests.answers.builders import chunk, evidence

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def table(names: list[str], *rows: tuple[CellValue, ...], truncated: bool = False) -> Table:
    return Table(tuple(Column(name, ColumnType.STRING) for name in names), rows, truncated)


def result(found: Table) -> SqlResult:
    return SqlResult(
        SqlStatement("s", "q", "SELECT 1", "sqlite", "", (), "e", StatementState.EXECUTED, NOW, NOW), found, NOW
    )


def test_nothing_is_shown_when_the_best_is_too_weak() -> None:
    assert select_evidence([evidence(chunk("A."), 0, 0.3)], least=0.4) == []
    assert select_evidence([], least=0.4) == []


def test_only_evidence_near_the_best_is_shown() -> None:
    item = chunk("One.", "Two.", "Three.", "Four.", "Five.")
    scores = [0.9, 0.85, 0.8, 0.79, 0.1]
    chosen = select_evidence([evidence(item, i, score) for i, score in enumerate(scores)], least=0.4)
    assert [item.text[e.unit.start : e.unit.end] for e in chosen] == ["One.", "Two.", "Three."]
    assert len(chosen) == MAX_EVIDENCE
    far = select_evidence([evidence(item, 0, 0.9), evidence(item, 1, 0.5)], least=0.4)
    assert len(far) == 1


def test_a_sentence_that_leans_on_the_one_before_is_shown_with_it() -> None:
    item = chunk("The level follows from the spend.", "It is recalculated every night.")
    (chosen,) = select_evidence([evidence(item, 1, 0.9)], least=0.4)
    assert cite(chosen).quote == "The level follows from the spend. It is recalculated every night."


def test_a_quote_is_cited_to_its_own_page_and_box() -> None:
    first, second = PageBox(1, 0.1, 0.8, 0.9, 0.9), PageBox(2, 0.1, 0.1, 0.5, 0.2)
    item = chunk("Zero.", "One.", "Two.")
    item = replace(item, lines=(TextLine(Span(6, 8), first), TextLine(Span(8, 15), second)))
    cited = [cite(evidence(item, unit, 0.9)) for unit in range(3)]
    assert [(c.first_page, c.last_page, c.boxes) for c in cited] == [
        (1, 2, ()),
        (1, 2, (first, second)),
        (2, 2, (second,)),
    ]


def test_the_same_statement_in_two_documents_is_shown_once() -> None:
    item = chunk("The fee is $35.")
    assert len(select_evidence([evidence(item, 0, 0.9), evidence(item, 0, 0.9, "d2")], least=0.4)) == 1


def test_a_table_row_is_shown_with_the_names_of_its_columns() -> None:
    item = chunk("Kind | Days", "Video | 5", "Audio | 14", separator="\n")
    assert unit_text(item, item.units[1]) == "Kind: Video; Days: 5"
    assert unit_text(item, item.units[2]) == "Kind: Audio; Days: 14"
    assert not is_table_row(item, item.units[0])
    assert compose([evidence(item, 1, 0.9)]).text == "Kind: Video; Days: 5"


def test_a_quote_stands_at_its_source_span_also_below_a_copied_header() -> None:
    document = "Kind | Days\nVideo | 5\nAudio | 14"
    start = document.index("Audio")
    item = chunk("Kind | Days", "Audio | 14", separator="\n")
    item = type(item)(1, item.text, type(item.span)(start, len(document)), units=item.units)
    citation = cite(evidence(item, 1, 0.9))
    assert document[citation.source_span.start : citation.source_span.end] == citation.quote == "Audio | 14"


@given(st.lists(st.text("abc ", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=4), st.integers(0, 50))
def test_answer_spans_hold_the_cited_statement(units: list[str], offset: int) -> None:
    item = chunk(*units, offset=offset)
    shown = [evidence(item, i, 0.9) for i in range(len(units))]
    answer = with_rows(compose(shown, ["Something is missing."]), "n: 1", result(table(["n"], (1,))))
    for citation, text in zip(answer.citations, units, strict=True):
        (span,) = citation.answer_spans
        assert answer.text[span.start : span.end] == " ".join(text.split())
        assert citation.source_span.end - citation.source_span.start == len(citation.quote)
