"""Ask a server questions, grade what it says, and sum it up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ragsql.v1.answer_pb2 import Answer, Citation, Route
from ragsql.v1.query_service_pb2 import QueryResponse, Usage
from ragsql_client import Client, RagsqlError
from service.evaluation.grading import is_ordered, numbers_in_text, patterns_match, rows_match, rows_of, stands_in
from service.evaluation.questions import EvalQuestion
from service.evaluation.reports import Confidence, Measure, Outcome, Report, share

SHOWN_ROWS = 5
WAITS = "the SQL waits for approval; let the server run it with RAGSQL_SQL_POLICY=auto_read_only"
Done = Callable[[Outcome], None]


def ask_all(
    client: Client,
    suite: str,
    questions: Sequence[EvalQuestion],
    data: str,
    *,
    texts: Mapping[str, str] | None = None,
    done: Done = lambda _: None,
) -> Report:
    """A report with one outcome a question, its route as the category. done is called after each.

    texts are the documents by filename, where quotes are to be checked. Raises RagsqlError when no server answers.
    """
    outcomes: list[Outcome] = []
    for question in questions:
        outcomes.append(_ask(client, question, texts or {}))
        done(outcomes[-1])
    routes = dict.fromkeys(outcome.category for outcome in outcomes)
    measures = [measure for route in routes for measure in _measures(route, outcomes)]
    return Report(suite, measures, outcomes=outcomes, data=data)


def _ask(client: Client, question: EvalQuestion, texts: Mapping[str, str]) -> Outcome:
    start = time.perf_counter()
    try:
        response = client.ask(question.question)
    except RagsqlError as error:
        if error.is_unreachable:
            raise
        seconds = time.perf_counter() - start
        return _outcome(question, right=False, problem=f"the server failed: {error.message}", seconds=seconds)
    return graded(question, response, time.perf_counter() - start, texts)


def graded(question: EvalQuestion, response: QueryResponse, seconds: float, texts: Mapping[str, str]) -> Outcome:
    """How a response did."""
    problem = problem_of(question, response, texts)
    statement = response.pending_sql.sql_statement if response.HasField("pending_sql") else None
    answer = response.answer
    return _outcome(
        question,
        right=not problem,
        problem=problem,
        got=_got(response),
        citations=tuple(place_of(citation) for citation in answer.citations),
        sql=statement.sql if statement else "; ".join(result.statement.sql for result in answer.sql_results),
        confidences=tuple(_routing(question, response)),
        seconds=seconds,
        cached=response.cache_hit,
        **spent(response.usage),
    )


def spent(usage: Usage) -> dict[str, Any]:
    """The fields of an Outcome that a response's usage fills."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "embedding_tokens": usage.embedding_tokens,
        "cost_usd": usage.cost_usd,
        "models": tuple(usage.models),
        "unpriced": tuple(usage.unpriced_models),
    }


def place_of(citation: Citation) -> str:
    """The file and the pages of a citation."""
    if not citation.first_page:
        return citation.filename
    last = f"–{citation.last_page}" if citation.last_page > citation.first_page else ""
    return f"{citation.filename} {citation.first_page}{last}"


def _outcome(question: EvalQuestion, **values: Any) -> Outcome:
    return Outcome(
        id=question.id,
        question=question.question,
        category=question.route or "any route",
        expected=_expected(question),
        **values,
    )


def _expected(question: EvalQuestion) -> str:
    if question.route == "none":
        return "no answer"
    parts = [question.answer or " and ".join(f"/{pattern}/" for pattern in question.answer_regexes)]
    if question.gold_rows is not None:
        parts.append(f"rows {_shown_rows(question.gold_rows)}")
    parts += [
        f"cites {source.file}{' ' if source.pages else ''}{', '.join(map(str, source.pages))}"
        for source in question.sources
    ]
    return "; ".join(filter(None, parts))


def _got(response: QueryResponse) -> str:
    if response.HasField("no_answer"):
        return f"no answer: {response.no_answer.hint}"
    if response.HasField("pending_sql"):
        return f"SQL that waits for approval. {response.pending_sql.answer_so_far.text}".strip()
    rows = [f"rows {_shown_rows(rows_of(result.table))}" for result in response.answer.sql_results]
    return "; ".join(filter(None, [response.answer.text, *rows]))


def _shown_rows(rows: Sequence[Sequence[object]]) -> str:
    shown = "[" + ", ".join("(" + ", ".join(map(str, row)) + ")" for row in rows[:SHOWN_ROWS])
    return f"{shown}{', …' if len(rows) > SHOWN_ROWS else ''}]"


def _routing(question: EvalQuestion, response: QueryResponse) -> list[Confidence]:
    """How sure the router was, unless any route is right or nothing answers."""
    if question.route in ("", "none"):
        return []
    route = Route.Name(response.routing.route).removeprefix("ROUTE_").lower()
    return [Confidence("routing", response.routing.confidence, route == question.route)]


def problem_of(question: EvalQuestion, response: QueryResponse, texts: Mapping[str, str]) -> str:
    """What is wrong with a response, empty when nothing is."""
    if question.route == "none":
        return "" if response.HasField("no_answer") else "answered although nothing says it"
    if not response.HasField("answer"):
        return WAITS if response.HasField("pending_sql") else "declined although there is an answer"
    answer = response.answer
    if question.gold_rows is not None and question.route != "documents" and not _rows_right(question, answer):
        return "wrong rows" if answer.sql_results else "no rows came"
    by_text = question.route != "sql" or question.gold_rows is None
    if by_text and not patterns_match(question.answer_regexes, answer.text):
        return "the text misses the expected pattern"
    return _wrong_citation(question, answer, texts)


def _rows_right(question: EvalQuestion, answer: Answer) -> bool:
    gold = question.gold_rows or ()
    tables = [rows_of(result.table) for result in answer.sql_results]
    if any(rows_match(gold, rows, is_ordered(question.gold_sql)) for rows in tables):
        return True
    return question.route == "hybrid" and numbers_in_text(gold, answer.text)


def _wrong_citation(question: EvalQuestion, answer: Answer, texts: Mapping[str, str]) -> str:
    for source in question.sources:
        cited = [citation for citation in answer.citations if citation.filename == source.file]
        if not cited:
            return f"{source.file} is not cited"
        if source.pages and not any(
            item.first_page <= page <= item.last_page for item in cited for page in source.pages
        ):
            return f"{source.file} is not cited on page {' or '.join(map(str, source.pages))}"
    for citation in answer.citations:
        if citation.filename in texts and not stands_in(citation.quote, texts[citation.filename]):
            return f"a quote does not stand in {citation.filename}"
    return ""


def _measures(route: str, outcomes: Sequence[Outcome]) -> list[Measure]:
    group = [outcome for outcome in outcomes if outcome.category == route]
    routed = [told.right for outcome in group for told in outcome.confidences if told.of == "routing"]
    times = [outcome.seconds for outcome in group if outcome.seconds is not None and not outcome.cached]
    return [
        share(f"{route}, right", [outcome.right for outcome in group]),
        *([share(f"{route}, routed right", routed)] if routed else []),
        *([Measure(f"{route}, p50", statistics.median(times), len(times), "s")] if times else []),
    ]
