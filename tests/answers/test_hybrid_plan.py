"""Which source a question for both begins with, and what each is asked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.domain.bands import Band, band_of
from service.domain.hybrid_plan import Lead, names_in, plan


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What does the handbook say about the genre that sold best?", "Which genre sold best?"),
        ("How long is the guarantee on our dearest lamp?", "Which is our dearest lamp?"),
        ("What discount do we give to the region in which we have the fewest shops?",
         "Which is the region in which we have the fewest shops?"),
        ("How long may people return the kind of the dearest lamp?", "What is the kind of the dearest lamp?"),
        ("What is the reply time for the customer who spent the most?", "Which customer spent the most?"),
        ("How often must the lamp be tested that we sell most often?", "Which is the lamp that we sell most often?"),
    ],
)  # fmt: skip
def test_what_only_the_database_can_name_is_looked_up_first(question: str, rows: str) -> None:
    found = plan(question)
    assert (found.lead, found.rows, found.rule) == (Lead.DATABASE, rows, question)


@pytest.mark.parametrize(
    "question",
    [
        "Which lamps are bright enough for the stage?",
        "How many orders were so large that the director had to agree?",
        "Which customers bought the most lamps?",
        "Who is looking after more shops than they should?",
        "Who has borrowed the most lamps?",
        "What does the cheapest lamp cost?",
        "Who has the largest shop?",
        "What is the largest order?",
        "What is the price of the dearest lamp?",
        "Who is the customer who spent the most?",
    ],
)
def test_a_rule_of_the_documents_decides_where_the_question_leaves_the_measure_open(question: str) -> None:
    assert plan(question).lead is Lead.DOCUMENTS


def test_a_question_about_somebody_by_name_begins_in_the_database() -> None:
    assert plan("How long may Ana Ruiz keep the lamp?", ["Ana Ruiz"]).lead is Lead.DATABASE
    assert plan("How much does Ana Ruiz owe for the lamp?", ["Ana Ruiz"]).lead is Lead.DOCUMENTS
    assert plan("Which open claims go to Ana Ruiz?", ["Ana Ruiz"]).lead is Lead.DOCUMENTS
    assert plan("How long may somebody keep the lamp?").lead is Lead.DOCUMENTS


def test_parts_that_do_not_refer_to_one_another_are_answered_side_by_side() -> None:
    apart = plan("How many lamps were sold on Sunday, and how long must a shop stay open?")
    assert apart.lead is Lead.NEITHER
    assert (apart.rows, apart.rule) == ("How many lamps were sold on Sunday?", "how long must a shop stay open?")
    assert plan("How many lamps were sold on Sunday, and is that more than we may sell?").lead is Lead.DATABASE

    named = plan("How many Standard lamps do we have, and how long may people keep one?", ["Standard"])
    assert (named.lead, named.rows) == (Lead.NEITHER, "How many Standard lamps do we have?")


def test_a_capital_that_begins_the_question_makes_no_name() -> None:
    assert names_in("Ruiz is late. What now for Ana Ruiz?", ["Ruiz", "Ana Ruiz", "late"]) == ["Ana Ruiz"]


@pytest.mark.parametrize(
    ("text", "within", "beyond"),
    [
        ("above $15.00", "15.01", "15"),
        ("$5.01 to $15.00", "15", "15.01"),
        ("up to 20", "20", "20.5"),
        ("$45.00 or more", "45", "44.99"),
        ("less than 20 kg", "19.9", "20"),
        ("no more than three", "3", "4"),
    ],
)
def test_a_band_holds_what_it_says(text: str, within: str, beyond: str) -> None:
    band = band_of(text)
    assert band is not None
    assert band.holds(Decimal(within))
    assert not band.holds(Decimal(beyond))


@pytest.mark.parametrize("text", ["General Manager", "4 business days", "", "from 1 to 3 and above 7"])
def test_what_is_no_band_states_none(text: str) -> None:
    assert band_of(text) is None


def test_an_open_band_has_no_other_end() -> None:
    assert band_of("at least 3") == Band(Decimal(3), None)
