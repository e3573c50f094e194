"""A corpus and a schema that no weight was fitted on, swapped for another: no retraining."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evals.routing_sources import FOLDER, UNSEEN, domains, evidence_for, read_questions, sources
from evals.tatqa import report_sources
from service.domain.questions import Route
from service.domain.routing import SourceEvidence, choose
from service.models.catalog import MINILM
from service.models.store import ModelStore

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not ModelStore().is_installed(MINILM), reason="run `ragsql models pull` first"),
]
DOMES = (
    "# Domes\n\nA dome is closed when the wind passes 15 m/s. Students observe alone after twelve nights with a tutor. "
    "Time on the large telescope is asked for six weeks ahead.\n\n# Guests\n\nGuests pay $9 and leave at eleven.\n"
)
DOME_TABLES = (
    "CREATE TABLE telescope (id INTEGER PRIMARY KEY, name TEXT, aperture_cm REAL, dome TEXT);"
    "CREATE TABLE observer (id INTEGER PRIMARY KEY, full_name TEXT, role TEXT, tutored_nights INTEGER);"
    "INSERT INTO telescope VALUES (1, 'Big Ada', 210, 'North'), (2, 'Little Vera', 40, 'South');"
    "INSERT INTO observer VALUES (1, 'Nils Abendroth', 'student', 4), (2, 'Chipo Ncube', 'student', 15);"
)
BAKERY = (
    "# Bread\n\nUnsold bread is given to the shelter at seven. Sourdough rests for eighteen hours. An apprentice bakes "
    "alone after three months.\n\n# Orders\n\nWedding cakes are ordered four weeks ahead.\n"
)
BAKERY_TABLES = (
    "CREATE TABLE loaf (id INTEGER PRIMARY KEY, name TEXT, price REAL);"
    "CREATE TABLE baker (id INTEGER PRIMARY KEY, full_name TEXT, months_here INTEGER);"
    "INSERT INTO loaf VALUES (1, 'Dark Anna', 4.2); INSERT INTO baker VALUES (1, 'Ruth Okafor', 2);"
)
OBSERVATORY = {
    "When is a dome closed?": Route.DOCUMENTS,
    "How far ahead do I have to ask for the large telescope?": Route.DOCUMENTS,
    "What is the aperture of Big Ada?": Route.SQL,
    "How many telescopes are in the South dome?": Route.SQL,
    "Which students may observe alone?": Route.HYBRID,
    "Does Nils Abendroth have enough nights to observe alone?": Route.HYBRID,
}
BAKER = {
    "What happens to bread that is not sold?": Route.DOCUMENTS,
    "How early must a wedding cake be ordered?": Route.DOCUMENTS,
    "What does a Dark Anna cost?": Route.SQL,
    "How many bakers are there?": Route.SQL,
    "Has Ruth Okafor been here long enough to bake alone?": Route.HYBRID,
    "Which bakers may bake alone?": Route.HYBRID,
}
LEAST_RIGHT = 5


async def evidence(folder: Path, document: str, script: str, questions: list[str]) -> list[SourceEvidence]:
    path = folder / "new.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    async with sources([("new.md", document.encode())], f"sqlite:///{path}") as assembly:
        return [await evidence_for(assembly, text) for text in questions]


async def test_a_new_corpus_and_schema_work_on_the_day_they_arrive(tmp_path: Path) -> None:
    for document, script, expected in ((DOMES, DOME_TABLES, OBSERVATORY), (BAKERY, BAKERY_TABLES, BAKER)):
        found = await evidence(tmp_path, document, script, list(expected))
        routes = [choose(text, held).route for text, held in zip(expected, found, strict=True)]
        right = sum(got is wanted for got, wanted in zip(routes, expected.values(), strict=True))
        assert right >= LEAST_RIGHT, dict(zip(expected, routes, strict=True))


async def test_evidence_follows_the_sources_when_they_are_swapped(tmp_path: Path) -> None:
    questions = ["What is the aperture of Big Ada?", "When is a dome closed?"]
    (stored, written) = await evidence(tmp_path, DOMES, DOME_TABLES, questions)
    (not_stored, not_written) = await evidence(tmp_path, BAKERY, BAKERY_TABLES, questions)
    assert stored.database is not None
    assert not_stored.database is not None
    assert written.documents is not None
    assert not_written.documents is not None
    assert stored.database.values == ("Big Ada",)
    assert not_stored.database.values == ()
    assert stored.database.meaning > not_stored.database.meaning
    assert written.documents.trust > not_written.documents.trust
    assert written.documents.coverage > not_written.documents.coverage


def test_no_training_question_is_asked_in_an_evaluation() -> None:
    held = {item.question for item in read_questions(FOLDER.parent / "musicstore.jsonl", "held")}
    trained = [
        item for name in (*domains(), UNSEEN) for item in read_questions(FOLDER / name / "questions.jsonl", name)
    ]
    assert not held & {item.question for item in trained}
    assert len({item.question for item in trained}) == len(trained)
    assert {item.route for item in trained} == {Route.DOCUMENTS, Route.SQL, Route.HYBRID}


async def test_a_financial_report_becomes_a_table_and_a_document() -> None:
    rows = [["", "2019", "2018"], ["(in millions)", "", ""], ["Net sales", "$1,204", "(88)"]]
    report = {"table": {"table": rows}, "paragraphs": [{"order": 1, "text": "Net sales rose because of exports."}]}
    async with report_sources(report) as assembly:
        held = await evidence_for(assembly, "Why did net sales rise?")
    assert held.documents is not None
    assert held.database is not None
    assert held.database.values == ("Net sales",)
