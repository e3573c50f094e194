from __future__ import annotations

import pytest

from service.domain.question_names import names, unnamed


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does code E5 stand for?", ["E5"]),
        ("Which shortcut runs a line in RStudio?", ["RStudio"]),
        ("What is the default of MAX_ROWS?", ["MAX_ROWS"]),
        ("What mAP did a ResNet-50 reach?", ["mAP", "ResNet-50"]),
        ("How many letters are from Zurich?", ["Zurich"]),
        ("Which company bought Konrad's idea?", ["Konrad's"]),
        ("Paris: what does a hotel cost?", []),
        ("I'm ill. Whom do I call if I'm abroad?", []),
        ("Is the shop open on Sundays in December?", []),
        ("Does my TV work after 30s at 20V on the 3rd day of 2024?", []),
        ("", []),
    ],
)
def test_names_are_identifiers_and_capitalised_words_inside_a_sentence(question: str, named: list[str]) -> None:
    assert names(question) == named


@pytest.mark.parametrize(
    ("question", "text", "missing"),
    [
        ("What does E5 mean?", "E4: lid open. E7: too hot.", ["E5"]),
        ("What does E5 mean?", "e5: jammed", []),
        ("Can I use the Wifi at Oak Hill?", "Wi-Fi is free at oak hill.", []),
        ("Can I read Excel files?", "It reads CSV.", ["Excel"]),
        ("How do Germans vote?", "A German votes by post.", []),
    ],
)
def test_a_name_is_known_in_any_case_stem_or_spelling(question: str, text: str, missing: list[str]) -> None:
    assert unnamed(question, text) == missing
