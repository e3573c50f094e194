from __future__ import annotations

import pytest

from service.domain.rules import applies_number, leaves_measure_open, question_applies, statement_applies
from service.usecases.find_rules import MAX_RULES, find_rules
from tests.answers.builders import chunk, evidence

CASELOAD = "No agent looks after more than 20 customers."


@pytest.mark.parametrize(
    ("sql", "rule", "applied"),
    [
        ("SELECT name FROM a GROUP BY name HAVING COUNT(*) > 20", CASELOAD, True),
        ("SELECT name FROM a GROUP BY name HAVING COUNT(*) > 12", CASELOAD, False),
        ("SELECT SUM(total) * 0.115 FROM a", "The share is 11.5 %.", True),
        ("SELECT SUM(total) * 1.1 FROM a", "They get 10 % on top.", True),
        ("SELECT 1 FROM a WHERE land IN ('Brazil', 'Portugal')", "In Portuguese to Brazil and Portugal.", True),
        ("SELECT 1 FROM a WHERE land = 'Chile'", "In Portuguese to Brazil and Portugal.", False),
        ("SELECT COUNT(*) FROM a WHERE albums >= 10", "An act with ten or more albums gets more.", True),
        ("SELECT total FROM a WHERE total > 45", "Spend: $45.00 or more", True),
        ("SELECT name FROM a WHERE class <> 'CE'", "Trailers are for class CE.", True),
        ("SELECT name FROM a WHERE land = 'IN'", "Trailers are for class CE in cities.", False),
        ("SELECT COUNT(*) FROM a WHERE year = 2024", "In 2024 there were 7 of them.", False),
    ],
)
def test_a_statement_applies_what_only_the_rule_says(sql: str, rule: str, applied: bool) -> None:
    assert statement_applies(sql, rule, "Who was it in 2024?") is applied


def test_a_question_applies_what_only_the_rule_says() -> None:
    asked = "Does anyone look after too many in 2024?"
    assert question_applies("Which agents have more than 20 customers in 2024?", CASELOAD, asked)
    assert not question_applies("Which agents have too many customers in 2024?", CASELOAD, asked)
    assert question_applies("Who lives in Brazil?", "We write in Portuguese to Brazil.", "Who reads Portuguese?")


def test_units_come_alone_first_and_then_with_what_stands_around_them() -> None:
    table = chunk("Level | Spend", "Gold | 40", "Silver | 10", separator="\n")
    sentences = chunk("Each track earns a fee.", "Lists of more than 500 earn nothing.", "Empty ones go.")
    rules = find_rules([evidence(table, 1, 0.9), evidence(sentences, 0, 0.8, "d2")], least=0.5)
    assert [rule.text for rule in rules] == [
        "Level: Gold; Spend: 40",
        "Each track earns a fee.",
        "Level: Gold; Spend: 40\nLevel: Silver; Spend: 10",
        "Each track earns a fee. Lists of more than 500 earn nothing.",
    ]


def test_rules_are_few_and_none_is_weak() -> None:
    item = chunk(*(f"Rule {i}." for i in range(9)))
    assert find_rules([evidence(item, 0, 0.4)], least=0.5) == []
    assert len(find_rules([evidence(item, i, 0.9) for i in range(9)], least=0.5)) <= MAX_RULES


def test_the_unit_that_a_statement_applies_is_the_one_to_cite() -> None:
    sentences = chunk("Each track earns a fee.", "Lists of more than 500 earn nothing.", "Empty ones go.")
    rule = find_rules([evidence(sentences, 0, 0.8)], least=0.5)[1]
    cited = rule.applied_by("SELECT name FROM lists GROUP BY name HAVING COUNT(*) > 500", "Which lists are too big?")
    assert cited.unit == sentences.units[1]
    assert rule.applied_by("SELECT name FROM lists", "Which lists are too big?").unit == sentences.units[0]


@pytest.mark.parametrize(
    ("question", "left_open"),
    [
        ("Which cats are heavy enough for the diet?", True),
        ("Are any of them too heavy?", True),
        ("Which trips ended so late that we charge for it?", True),
        ("Who may not pull a trailer?", False),
        ("Is that too, or not?", False),
    ],
)
def test_a_question_leaves_open_how_much_is_meant(question: str, left_open: bool) -> None:
    assert leaves_measure_open(question) is left_open


def test_a_name_alone_gives_no_measure() -> None:
    assert not applies_number("SELECT name FROM a WHERE class = 'CE'", "Trailers are for class CE.", "Too heavy?")
    assert applies_number("SELECT name FROM a WHERE kg > 22000", "Loads above 22 tonnes are heavy.", "Too heavy?")
