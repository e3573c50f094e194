from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.sentences import sentences


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith met Mrs. Jones at 5 p.m. They left.", ["Dr. Smith met Mrs. Jones at 5 p.m.", "They left."]),
        ("See Fig. 3 and No. 7. The end.", ["See Fig. 3 and No. 7.", "The end."]),
        ("The answer is no. We are sorry.", ["The answer is no.", "We are sorry."]),
        ("It costs $0.99, e.g. Bach. J. S. Bach wrote it.", ["It costs $0.99, e.g. Bach.", "J. S. Bach wrote it."]),
        ("1. Put it in. 2. Take it out.", ["1. Put it in.", "2. Take it out."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Wait... what? yes", ["Wait... what? yes"]),
        ("Version 4.2, effective 1 March. Replaces 3.9.", ["Version 4.2, effective 1 March.", "Replaces 3.9."]),
        ("これは文です。次の文です。", ["これは文です。", "次の文です。"]),
        ("first line\nsecond line", ["first line", "second line"]),
        ("  spaced.   Out.  ", ["spaced.", "Out."]),
        ("Vectors . . . . . 7 More . . 8", ["Vectors . . . . . 7 More . . 8"]),
        ("One. Two. --", ["One.", "Two. --"]),
        ("", []),
        (" \n ", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@given(st.text(st.sampled_from("aB1 .!?\n\"')。…\u200f"), max_size=200))
def test_no_character_is_lost(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(split(text)).split()) == "".join(text.split())
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] != "" for span in spans)
