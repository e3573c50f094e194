from __future__ import annotations

import pytest

from service.adapters.sqlgen.restate import by_kinds, restated_question, restating_messages
from service.adapters.sqlgen.shape import complete
from service.domain.sql import Schema, SchemaColumn, SchemaTable, ValueMatch
from service.ports import SqlRequest

LIST = SchemaTable(
    "list",
    (SchemaColumn("id", "INTEGER"), SchemaColumn("name", "TEXT", values=("Music", "Talk"))),
    primary_key=("id",),
    row_count=3,
)
SCHEMA = Schema("sqlite", (LIST, SchemaTable("entry", (SchemaColumn("list_id", "INTEGER"),))), "e1")
RESTATED = "Which lists have more than 500 tracks in 2024?"
REQUEST = SqlRequest("Which lists were too long in 2024?", SCHEMA, rule="Lists of more than 500 tracks earn nothing.")


@pytest.mark.parametrize(
    ("reply", "restated"),
    [
        ("Which lists have more than 500 tracks?", "Which lists have more than 500 tracks in 2024?"),
        (
            "Which lists have more than 500 tracks in 2024, and how many?",
            "Which lists have more than 500 tracks in 2024?",
        ),
        (
            "Which lists have more than 500 tracks in 2024?\nQuestion: more",
            "Which lists have more than 500 tracks in 2024?",
        ),
        ("Which lists were too long?", "Which lists were more than 500 tracks in 2024?"),
        ("", "Which lists were more than 500 tracks in 2024?"),
    ],
)
def test_only_a_question_with_the_fact_in_it_is_used(reply: str, restated: str) -> None:
    assert restated_question(reply, REQUEST) == restated


HIRES = Schema(
    "sqlite",
    (
        SchemaTable("hire", (SchemaColumn("hire_id", "INTEGER"),)),
        SchemaTable("machine", (SchemaColumn("kind", "TEXT", values=("Baler", "Combine", "Sprayer")),)),
    ),
    "e1",
)
KINDS = [ValueMatch("machine", "kind", "Combine", "Combines"), ValueMatch("machine", "kind", "Sprayer", "sprayers")]


@pytest.mark.parametrize(
    ("question", "rule", "restated"),
    [
        ("For how many hires was the paper needed?", "Combines and sprayers need it.",
         "How many hires have the kind Combine or Sprayer?"),
        ("Which of our hires needed it?", "Combines and sprayers need it.",
         "Which of our hires have the kind Combine or Sprayer?"),
        ("For how many hires was it needed?", "All but combines and sprayers need it.", ""),
        ("Is a paper needed?", "Combines and sprayers need it.", ""),
        ("Which hires were longer than they may be?", "Combines and sprayers stay for a while.", ""),
        ("Which hires were long enough?", "Combines and sprayers stay for a while.", ""),
        ("Which hires needed it?", "Combines and sprayers stay for three weeks.", ""),
        ("Which hires of balers needed it?", "Combines and sprayers need it.", ""),
    ],
)  # fmt: skip
def test_the_kinds_that_a_rule_names_select_what_is_asked_for(question: str, rule: str, restated: str) -> None:
    assert by_kinds(SqlRequest(question, HIRES, rule=rule), KINDS) == restated


def test_a_row_with_one_band_bounds_what_is_asked_for() -> None:
    rule = "Cost of the repair: $251 to $1,500; Settled by: the manager"
    request = SqlRequest("Which damages does the manager have to settle?", HIRES, rule=rule)
    assert restated_question("Which damages are settled?", request) == (
        "Which damages have a cost of the repair of $251 to $1,500?"
    )
    several = SqlRequest(request.question, HIRES, rule=f"{rule}; Within: at most 3 days")
    assert not restated_question("Which damages are settled?", several)


def test_kinds_of_several_columns_select_nothing() -> None:
    request = SqlRequest("Which hires needed it?", HIRES, rule="Combines and sprayers need it.")
    assert by_kinds(request, [*KINDS, ValueMatch("hire", "place", "Ghent", "Ghent")])
    assert not by_kinds(request, [])


def test_all_values_of_one_column_that_were_lost_come_back() -> None:
    request = SqlRequest(
        "Which Baler or Sprayer machines are too old?", HIRES, rule="Machines older than 9 years are sold."
    )
    values = [ValueMatch("machine", "kind", "Baler", "Baler"), ValueMatch("machine", "kind", "Sprayer", "Sprayer")]
    assert restated_question("Which machines are older than 9 years?", request, values) == (
        "Which machines are older than 9 years of kind Baler or Sprayer?"
    )


def test_the_question_comes_last_after_the_tables_without_their_keys() -> None:
    last = restating_messages(REQUEST)[-1].content
    assert "list(name), entry(list_id)" in last
    assert last.endswith(f"Fact: {REQUEST.rule}\nQuestion: {REQUEST.question}")


def test_groups_of_one_name_stay_apart_and_are_told_apart_and_ordered() -> None:
    sql = "SELECT l.name, COUNT(*) AS n FROM list AS l JOIN entry AS e ON e.list_id = l.id GROUP BY l.name"
    assert complete(sql, "How many entries has each list?", SCHEMA) == (
        "SELECT l.name, COUNT(*) AS n, l.id FROM list AS l JOIN entry AS e ON e.list_id = l.id "
        "GROUP BY l.name, l.id ORDER BY n DESC, l.name, l.id"
    )


def test_a_list_of_keys_shows_what_they_stand_for() -> None:
    assert complete("SELECT id FROM list WHERE id > 2", "Which lists are late?", SCHEMA) == (
        "SELECT id, name FROM list WHERE id > 2"
    )
    assert complete("SELECT list_id FROM entry", "Which entries are late?", SCHEMA) == "SELECT list_id FROM entry"


@pytest.mark.parametrize(
    ("sql", "question", "shown"),
    [
        ("SELECT cost FROM tbl_repair WHERE cost > 1500", "Which repairs cost so much?", "repair_id, cost"),
        ("SELECT cost FROM tbl_repair WHERE cost > 1500", "Which of our repairs cost so much?", "repair_id, cost"),
        ("SELECT cost FROM tbl_repair WHERE cost > 1500", "Which costs are above 1500?", "cost"),
        ("SELECT part, cost FROM tbl_repair WHERE cost > 1500", "Which repairs cost so much?", "repair_id, part, cost"),
        ("SELECT DISTINCT cost FROM tbl_repair", "Which repairs are there?", "DISTINCT cost"),
        ("SELECT maker, km FROM truck WHERE km > 9", "Which trucks went far?", "plate, maker, km"),
        ("SELECT boat_id, age FROM boat WHERE age > 9", "Which boats are old?", "boat_id, age, title"),
        ("SELECT age FROM boat WHERE age > 9", "Which boats are old?", "boat_id, age, title"),
        ("SELECT boat_id, age FROM boat WHERE age > 9", "How old are the boats?", "boat_id, age"),
    ],
)
def test_rows_of_which_nothing_says_what_they_are_show_their_key(sql: str, question: str, shown: str) -> None:
    columns = {
        "tbl_repair": {"repair_id": "INTEGER", "part": "TEXT", "cost": "REAL"},
        "boat": {"boat_id": "INTEGER", "title": "TEXT", "age": "INTEGER"},
        "truck": {"plate": "TEXT", "maker": "TEXT", "km": "INTEGER"},
    }
    tables = tuple(
        SchemaTable(name, tuple(SchemaColumn(*column) for column in held.items()), (next(iter(held)),))
        for name, held in columns.items()
    )
    listed = complete(sql, question, Schema("sqlite", tables, "e3")).split(" FROM ")[0]
    assert listed == f"SELECT {shown}"


def test_a_name_that_does_not_repeat_needs_no_key_in_the_list() -> None:
    unique = Schema("sqlite", (SchemaTable("list", LIST.columns, ("id",), row_count=2), SCHEMA.tables[1]), "e2")
    sql = "SELECT l.name, COUNT(*) AS n FROM list AS l JOIN entry AS e ON e.list_id = l.id GROUP BY l.name"
    assert ", l.id FROM" not in complete(sql, "How many entries has each list?", unique)
    assert "GROUP BY l.name, l.id" in complete(sql, "How many entries has each list?", unique)


@pytest.mark.parametrize(
    ("question", "restated"),
    [
        ("Which open entries are too long?", "Which open entries have more than 500 tracks?"),
        ("Which entries are too long to stay open?", "Which entries have more than 500 tracks?"),
    ],
)
def test_a_state_that_the_reply_left_out_comes_back(question: str, restated: str) -> None:
    request = SqlRequest(question, SCHEMA, rule=REQUEST.rule)
    assert restated_question("Which entries have more than 500 tracks?", request) == restated
