from __future__ import annotations

import pytest

from service.usecases.read_passages import OWN_WORDS_WEIGHT, PATH_WORDS_WEIGHT, content_terms, read_passages
from tests.answers.builders import chunk, hit


def test_the_unit_nearest_in_meaning_comes_first() -> None:
    found, query = hit(chunk("Refunds take six days.", "Gift cards never expire."), [0.2, 0.9])
    best = read_passages("How long is a voucher good for?", query, [found])[0]
    assert best.passage.chunk.text[best.unit.start : best.unit.end] == "Gift cards never expire."
    assert best.meaning == pytest.approx(0.9)


def test_the_rare_words_of_the_question_decide_between_equals() -> None:
    found, query = hit(
        chunk("The store pays a fee.", "The store pays an advance.", "The store opens."), [0.5, 0.5, 0.5]
    )
    best = read_passages("Which advance does the store pay?", query, [found])[0]
    assert "advance" in best.passage.chunk.text[best.unit.start : best.unit.end]
    assert best.score > best.meaning + PATH_WORDS_WEIGHT + OWN_WORDS_WEIGHT


def test_a_heading_counts_as_words_of_its_units() -> None:
    under, query = hit(chunk("60 days.", headings=("Calls",)), [0.5])
    other, _ = hit(chunk("90 days.", headings=("Chats",)), [0.5], "d2")
    best = read_passages("How long are calls kept?", query, [other, under])[0]
    assert best.passage.document_id == "d1"


def test_nothing_retrieved_is_no_evidence() -> None:
    _, query = hit(chunk("x"), [0.1])
    assert read_passages("Anything?", query, []) == []


def test_function_words_carry_no_meaning() -> None:
    assert content_terms("What is the refund of the refund?") == ["refund"]


def test_a_unit_that_says_nothing_of_its_own_comes_last() -> None:
    texts = ("Version 4.", "Unopened goods go back to any shop within thirty days of purchase.")
    found, query = hit(chunk(*texts, headings=("Return policy",)), [0.6, 0.55])
    best = read_passages("What is the return policy?", query, [found])[0]
    assert best.passage.chunk.text[best.unit.start : best.unit.end] == texts[1]
