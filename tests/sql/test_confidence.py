"""What speaks against a statement lowers its confidence, and is said."""

from __future__ import annotations

import pytest

from service.adapters.sqlgen.candidates import Candidate
from service.adapters.sqlgen.confidence import Rating, rate
from service.adapters.sqlgen.coverage import asked_back, unknown_words
from service.domain.schema_linking import link
from service.domain.sql import LEAST_CONFIDENCE, KnowledgeItem, Schema, SchemaColumn, SchemaTable, ValueMatch
from service.domain.sql_guard import guard
from service.ports import SqlRequest
from service.usecases.sql_statements import now

SHOP = SchemaTable(
    "shop",
    (
        SchemaColumn("name", "text"),
        SchemaColumn("town", "text", values=("Oslo", "Rome")),
        SchemaColumn("rating", "int"),
    ),
)
SCHEMA = Schema("postgresql", (SHOP,), "e1")
SURE, UNSURE = (-0.01,) * 12, (-0.01, -1.2, -0.9, -0.02, -1.6, -0.8, -1.1)
SQL = "SELECT town, COUNT(*) FROM shop GROUP BY town"


def rated(question: str, sql: str = SQL, probabilities: tuple[float, ...] = SURE, attempt: int = 0) -> Rating:
    request = SqlRequest(question, SCHEMA)
    values = [ValueMatch("shop", "town", "Oslo", "Oslo")] if "Oslo" in question else []
    return rate(Candidate(guard(sql, SCHEMA, 100), probabilities, attempt), request, link(question, SCHEMA, values))


def test_a_plain_statement_is_trusted_with_and_without_probabilities() -> None:
    assert rated("How many shops are in each town?").confidence > LEAST_CONFIDENCE
    assert rated("How many shops are in each town?", probabilities=()).confidence > LEAST_CONFIDENCE


@pytest.mark.parametrize(
    ("question", "sql", "probabilities", "attempt", "doubt"),
    [
        ("How many shops in each town offer parking?", SQL, SURE, 0,
         "Nothing in the database is called “offer” and “parking”"),
        ("How many shops are in each town?", SQL, UNSURE, 0, "The model was not sure of this statement"),
        ("How many shops are in each town?", SQL, UNSURE, 1, "The first statement that was written for it failed"),
        ('How many shops belong to "Jane Doe"?', "SELECT COUNT(*) FROM shop", SURE, 0,
         "The statement does not use “Jane Doe”"),
        ("How many shops are in the capital?", "SELECT COUNT(*) FROM shop WHERE town = 'Paris'", SURE, 0,
         "“Paris” is not among the known values"),
    ],
)  # fmt: skip
def test_doubts(question: str, sql: str, probabilities: tuple[float, ...], attempt: int, doubt: str) -> None:
    rating = rated(question, sql, probabilities, attempt)
    assert rating.confidence < LEAST_CONFIDENCE
    assert any(text.startswith(doubt) for text in rating.doubts)


def test_words_are_known_from_names_values_and_documentation() -> None:
    question = "Which trattorias in Oslo have good ratings?"
    links = link(question, SCHEMA, [ValueMatch("shop", "town", "Oslo", "Oslo")])
    assert unknown_words(SqlRequest(question, SCHEMA), links) == ["trattorias"]
    taught = KnowledgeItem("k1", now(), documentation="A trattoria is a shop with a rating above 4.")
    assert unknown_words(SqlRequest(question, SCHEMA, (taught,)), links) == []


def test_a_question_back_says_what_was_understood() -> None:
    request = SqlRequest("Which shop has parking?", SCHEMA)
    assert asked_back("", request, link(request.question, SCHEMA, ())) == (
        "Nothing in the database tells about “parking”. The question was understood to be about shop. "
        "Which of what shop holds (name, town, rating) do you mean?"
    )
    request = SqlRequest("Why is the sky blue?", SCHEMA)
    assert asked_back("no table holds the sky.", request, link(request.question, SCHEMA, ())) == (
        "No table holds the sky. The database has shop. Which of these is your question about?"
    )
