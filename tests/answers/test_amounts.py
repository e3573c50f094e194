from __future__ import annotations

import pytest

from service.domain.amounts import asks_amount, has_amount


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How many guests may I bring?", True),
        ("What do I pay for a badge I have lost?", True),
        ("What does a second card for my husband cost?", True),
        ("What is the late fee?", True),
        ("How old must I be?", True),
        ("How do I pay for a badge?", False),
        ("What is the fee for?", True),
        ("Will it show how old people turn?", False),
        ("Who pays for lost badges?", False),
        ("", False),
    ],
)
def test_an_amount_is_asked_for_by_its_words(question: str, asks: bool) -> None:
    assert asks_amount(question) is asks


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("A new badge costs 12 euro.", True),
        ("Badges are free.", True),
        ("The fine is half the price.", True),
        ("Twenty-two guests fit in.", True),
        ("There are no lifts.", True),
        ("Pay with your badge.", False),
        ("Nobody phones.", False),
        ("", False),
    ],
)
def test_an_amount_is_a_figure_or_a_word_for_one(text: str, has: bool) -> None:
    assert has_amount(text) is has
