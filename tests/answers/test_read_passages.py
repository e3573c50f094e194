from __future__ import annotations

import math

import pytest

from service.ports import Reading
from service.usecases.read_passages import (
    ANSWER_WEIGHT,
    LEAST_ANSWER,
    OWN_WORDS_WEIGHT,
    PATH_WORDS_WEIGHT,
    RELEVANCE_IN_TRUST,
    TOPICAL,
    UNNAMED,
    USUAL_UNITS,
    by_relevance,
    content_terms,
    read_passages,
    trust,
)
from tests.answers.builders import chunk, passage


def read(*meanings: tuple[float, ...], answers: float = 0.0) -> list[Reading]:
    return [Reading(meaning, (answers,) * len(meaning)) for meaning in meanings]


def test_the_unit_nearest_in_meaning_comes_first() -> None:
    found = passage(chunk("Refunds take six days.", "Gift cards never expire."))
    best = read_passages("How long is a voucher good for?", [found], read((0.2, 0.9)))[0]
    assert best.passage.chunk.text[best.unit.start : best.unit.end] == "Gift cards never expire."
    assert best.meaning == pytest.approx(0.9)


def test_the_rare_words_of_the_question_decide_between_equals() -> None:
    found = passage(chunk("The store pays a fee.", "The store pays an advance.", "The store opens."))
    best = read_passages("Which advance does the store pay?", [found], read((0.5, 0.5, 0.5)))[0]
    assert "advance" in best.passage.chunk.text[best.unit.start : best.unit.end]
    assert best.score > best.meaning + PATH_WORDS_WEIGHT + OWN_WORDS_WEIGHT


def test_a_heading_counts_as_words_of_its_units() -> None:
    under = passage(chunk("60 days.", headings=("Calls",)))
    other = passage(chunk("90 days.", headings=("Chats",)), "d2")
    best = read_passages("How long are calls kept?", [other, under], read((0.5,), (0.5,)))[0]
    assert best.passage.document_id == "d1"


def test_nothing_retrieved_is_no_evidence() -> None:
    assert read_passages("Anything?", [], []) == []


def test_function_words_carry_no_meaning() -> None:
    assert content_terms("What is the refund of the refund?") == ["refund"]


def test_a_unit_that_says_nothing_of_its_own_comes_last() -> None:
    texts = ("Version 4.", "Unopened goods go back to any shop within thirty days of purchase.")
    found = passage(chunk(*texts, headings=("Return policy",)))
    best = read_passages("What is the return policy?", [found], read((0.6, 0.55)))[0]
    assert best.passage.chunk.text[best.unit.start : best.unit.end] == texts[1]


def test_what_answers_goes_before_what_is_nearest() -> None:
    found = passage(chunk("Vouchers are sold at the till.", "They never expire."))
    readings = [Reading((0.6, 0.5), (-6.0, -0.1))]
    evidence = read_passages("How long are they good for?", [found], readings)
    assert evidence[0].unit == found.chunk.units[1]
    assert evidence[0].score == pytest.approx(evidence[0].relevance - 0.1 * ANSWER_WEIGHT)
    assert [item.unit for item in by_relevance(evidence)] == list(found.chunk.units)
    assert all(item.score == item.relevance for item in by_relevance(evidence))


def test_what_cannot_answer_is_not_pushed_out_of_sight() -> None:
    found = passage(chunk("Vouchers are sold at the till."))
    (low,) = read_passages("Who sells vouchers?", [found], read((0.6,), answers=-20.0))
    assert low.score == pytest.approx(low.relevance + LEAST_ANSWER * ANSWER_WEIGHT)


def test_trust_is_the_share_of_units_that_answer_and_a_share_of_relevance() -> None:
    found = passage(chunk("Vouchers are sold at the till.", "They never expire."))
    evidence = read_passages("Anything?", [found], [Reading((0.8, 0.5), (math.log(0.25), math.log(0.5)))])
    most = max(item.relevance for item in evidence)
    assert most > TOPICAL
    assert trust("Anything?", evidence) == pytest.approx(math.log(USUAL_UNITS * 0.375) + RELEVANCE_IN_TRUST * most)
    assert trust("Anything?", []) == -math.inf


def test_what_is_hardly_relevant_is_hardly_trusted() -> None:
    found = passage(chunk("Vouchers are sold at the till."))
    far, near = (
        trust("Anything?", read_passages("Anything?", [found], [Reading((meaning,), (-0.1,))]))
        for meaning in (0.1, 0.9)
    )
    assert near - far > RELEVANCE_IN_TRUST * 0.8


def test_passages_that_do_not_name_what_the_question_names_are_hardly_trusted() -> None:
    found = passage(chunk("E4 means that the filter is missing.", headings=("Aria heat pump",)))
    evidence = read_passages("What does it mean?", [found], [Reading((0.6,), (-0.1,))])
    assert trust("What does E4 mean on my Aria?", evidence) == trust("What does it mean?", evidence)
    assert trust("What does E5 mean?", evidence) == pytest.approx(trust("What does it mean?", evidence) - UNNAMED)
