from __future__ import annotations

from typing import Any

import pytest

from evals.docqa import measures
from evals.page_grading import grade, problems, quote_stands, width
from ragsql.v1.answer_pb2 import Answer, Citation
from ragsql.v1.query_service_pb2 import NoAnswer, QueryResponse

ITEM: dict[str, Any] = {
    "id": "boiler-1",
    "file": "boiler.pdf",
    "question": "How hot may it get?",
    "answerable": True,
    "answer_regex": r"\b85\b",
    "answer": "85 degrees",
    "pages": [2, 5],
    "evidence": "never above 85 degrees",
}
UNANSWERABLE: dict[str, Any] = {**ITEM, "answerable": False, "answer_regex": None, "pages": [], "evidence": None}
PAGES = {
    1: "A boiler has a lid.",
    2: "The water is never above 85 de-\ngrees in summer.",
    3: "It is red.",
    4: "",
    5: "",
}
QUOTE = "The water is never above 85 degrees in summer."
DECLINED = QueryResponse(no_answer=NoAnswer(hint="Nothing says it."))


def cited(first: int, last: int, quote: str = QUOTE, filename: str = "boiler.pdf") -> Citation:
    return Citation(filename=filename, first_page=first, last_page=last, quote=quote)


def answered(*citations: Citation, text: str = "At most 85 degrees.") -> QueryResponse:
    return QueryResponse(answer=Answer(text=text, citations=citations))


def graded(response: QueryResponse, item: dict[str, Any] | None = None) -> Any:
    return grade(item or ITEM, response, 0.1, {"boiler.pdf": PAGES})


def test_an_answer_with_its_pattern_its_page_and_its_quote_is_right() -> None:
    assert graded(answered(cited(2, 2))).right


@pytest.mark.parametrize(
    ("citations", "first", "within"),
    [
        ([cited(2, 2)], True, True),
        ([cited(5, 5)], True, True),
        ([cited(3, 3), cited(1, 1), cited(2, 2)], False, True),
        ([cited(3, 3), cited(1, 1), cited(4, 4), cited(2, 2)], False, False),
        ([cited(1, 1)], False, False),
        ([cited(0, 0)], False, False),
        ([cited(2, 2, filename="stove.pdf")], False, False),
        ([], False, False),
    ],
)
def test_pages_are_right_by_file_and_number(citations: list[Citation], first: bool, within: bool) -> None:
    item = graded(answered(*citations))
    assert (item.first, item.within) == (first, within)


def test_a_wide_span_touches_the_page_but_its_width_is_told() -> None:
    item = graded(answered(cited(1, 5)))
    assert item.first
    assert item.widths == (5,)
    assert width(cited(0, 0)) == 0
    spans = [measure for measure in measures([item], chat=True) if measure.unit == "pages"]
    assert [(measure.value, measure.n) for measure in spans] == [(5, 1)]


def test_a_decline_is_right_only_where_the_file_does_not_say() -> None:
    assert graded(DECLINED, UNANSWERABLE).right
    assert not graded(DECLINED).right
    assert not graded(answered(cited(2, 2)), UNANSWERABLE).right
    assert "declined although" in problems([graded(DECLINED)])


def test_a_text_without_the_pattern_is_wrong_and_the_failure_says_all_that_is_known() -> None:
    said = problems([graded(answered(cited(3, 3, "It is red."), text="It is red."))])
    assert "misses the expected pattern" in said
    assert "none of the first 3 citations" in said
    assert "boiler.pdf 3-3" in said
    assert "85 degrees on [2, 5]" in said


@pytest.mark.parametrize(
    ("citation", "stands"),
    [
        (cited(2, 2), True),
        (cited(2, 2, "never  above\n85"), True),
        (cited(1, 2, "lid. The water is never above 85 degrees"), True),
        (cited(2, 2, "The water is always above 20 degrees in winter."), False),
        (cited(3, 3), False),
        (cited(9, 9), False),
        (cited(2, 2, "red"), False),
        (cited(2, 2, "…"), False),
        (cited(2, 2, ""), False),
    ],
)
def test_a_quote_must_stand_on_the_pages_it_names(citation: Citation, stands: bool) -> None:
    assert quote_stands(citation, PAGES) is stands


def test_a_quote_that_goes_on_overleaf_is_parted_by_a_running_header() -> None:
    pages = {1: "Chapter 1: Lids 1\nThe lid must be", 2: "Chapter 1: Lids 2\nclosed by hand."}
    assert quote_stands(cited(1, 2, "The lid must be closed by hand."), pages)
    assert not quote_stands(cited(1, 2, "The lid must be opened by hand."), pages)
    assert not quote_stands(cited(1, 1, "The lid must be closed by hand."), pages)


def test_a_quote_that_is_not_in_the_file_makes_the_answer_wrong() -> None:
    item = graded(answered(cited(2, 2, "Boilers of this make reach 85 degrees within the hour.")))
    assert item.first
    assert not item.right
    assert "a quote does not stand" in problems([item])


def test_without_pages_the_quote_must_hold_the_evidence() -> None:
    item: dict[str, Any] = {**ITEM, "file": "boiler.html", "pages": []}
    assert graded(answered(cited(0, 0, filename="boiler.html")), item).first
    assert not graded(answered(cited(0, 0, "A lid.", "boiler.html")), item).within


def test_the_figures_count_answerable_and_unanswerable_apart() -> None:
    cases = [graded(answered(cited(2, 2))), graded(DECLINED), graded(DECLINED, UNANSWERABLE)]
    found = {measure.name: (measure.value, measure.n, measure.verdict) for measure in measures(cases, chat=False)}
    assert found["first citation on a right page"] == (50, 2, "UNDER")
    assert found["answerable declined"] == (50, 2, "OVER")
    assert found["unanswerable declined"] == (100, 1, "")
