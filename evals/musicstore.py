"""The music store's questions, asked of a running server through the generated client."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.documents_text import plain_text
from evals.grading import is_ordered, numbers_in_text, patterns_match, rows_match, stands_in
from evals.measures import Measure, Report, share
from ragsql.v1.answer_pb2 import Answer, Route
from ragsql.v1.query_service_pb2 import QueryResponse
from ragsql.v1.table_pb2 import Table, Value
from ragsql_client import Client
from service import samples

ROUTES = ("documents", "sql", "hybrid")


@dataclass(frozen=True, slots=True)
class Graded:
    """One question and how its answer did. seconds is the wall time of the whole call."""

    id: str
    route: str
    right: bool
    routed: bool
    confidence: float
    seconds: float
    problem: str = ""
    answer: str = ""
    sql: str = ""


def load_questions(path: Path) -> list[dict[str, Any]]:
    """The questions of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def run(url: str, path: Path) -> Report:
    """Ask and grade every question of a JSONL file, of a server with the sample data, and print what is wrong."""
    texts = {file.name: plain_text(file) for file in samples.DOCUMENTS}
    with Client(url, timeout=180, retries=0) as client:
        graded = [_ask(client, question, texts) for question in load_questions(path)]
    for item in graded:
        if not item.right:
            print(f"{item.id}: {item.problem}\n  answer: {item.answer[:300]!r}\n  sql: {item.sql}")
    measures = [measure for route in ROUTES for measure in _measures(route, graded)]
    return Report("musicstore", measures, [asdict(item) for item in graded])


def _measures(route: str, graded: Sequence[Graded]) -> list[Measure]:
    group = [item for item in graded if item.route == route]
    if not group:
        return []
    return [
        share(f"{route}, right", [item.right for item in group]),
        share(f"{route}, routed right", [item.routed for item in group]),
        Measure(f"{route}, p50", statistics.median(item.seconds for item in group), len(group), "s"),
    ]


def _ask(client: Client, question: dict[str, Any], texts: dict[str, str]) -> Graded:
    start = time.perf_counter()
    response = client.ask(question["question"])
    seconds = time.perf_counter() - start
    answer = response.answer
    problem = _problem(question, response, texts)
    routed = Route.Name(response.routing.route).removeprefix("ROUTE_").lower()
    statement = response.pending_sql.sql_statement if response.HasField("pending_sql") else None
    return Graded(
        question["id"],
        question["route"],
        not problem,
        routed == question["route"],
        response.routing.confidence,
        seconds,
        problem,
        answer.text or response.no_answer.hint,
        statement.sql if statement else " ".join(result.statement.sql for result in answer.sql_results),
    )


def _problem(question: dict[str, Any], response: QueryResponse, texts: dict[str, str]) -> str:
    """What is wrong with a response, empty when nothing is."""
    if not response.HasField("answer"):
        return f"no answer but {response.WhichOneof('outcome')}"
    answer = response.answer
    if question["route"] != "documents" and not _rows_right(question, answer):
        return "wrong rows"
    if question["route"] != "sql" and not patterns_match(question["answer_regexes"], answer.text):
        return "the text misses the expected pattern"
    cited = {citation.filename for citation in answer.citations}
    missing = {document["file"] for document in question["docs"]} - cited
    if missing:
        return f"{', '.join(sorted(missing))} is not cited"
    for citation in answer.citations:
        if citation.filename in texts and not stands_in(citation.quote, texts[citation.filename]):
            return f"a quote does not stand in {citation.filename}"
    return ""


def _rows_right(question: dict[str, Any], answer: Answer) -> bool:
    gold = question["gold_rows"]
    ordered = is_ordered(question["gold_sql"])
    tables = [result.table for result in answer.sql_results]
    if any(rows_match(gold, _rows(table), ordered) for table in tables):
        return True
    return question["route"] == "hybrid" and numbers_in_text(gold, answer.text)


def _rows(table: Table) -> list[list[object]]:
    return [[_value(value) for value in row.values] for row in table.rows]


def _value(value: Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime().isoformat(" ")
    return getattr(value, kind) if kind else None
