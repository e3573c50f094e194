"""Questions, events, answers and tables: domain objects to and from messages of the contract."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import assert_never

from ragsql.v1 import answer_pb2, query_service_pb2, table_pb2
from service.domain.documents import PageBox, Span
from service.domain.questions import (
    Answer,
    Citation,
    Event,
    NoAnswer,
    PendingSql,
    QueryResult,
    Question,
    Route,
    Routing,
    SqlPolicy,
    TextDelta,
)
from service.domain.sql import SqlResult, SqlStatement
from service.domain.tables import CellValue, Column, Table
from service.transport.mapping import id_of, sql_statement, timestamp
from service.transport.mapping_usage import usage

DEFAULT_TOP_K = 8

_INT64 = range(-(2**63), 2**63)
_YEAR_1 = dt.datetime.min.replace(tzinfo=dt.UTC)
_YEAR_9999 = dt.datetime.max.replace(tzinfo=dt.UTC)


def question(request: query_service_pb2.QueryRequest) -> Question:
    """What is asked."""
    policy = query_service_pb2.SqlPolicy.Name(request.sql_policy).removeprefix("SQL_POLICY_")
    return Question(
        text=request.query,
        route=Route(answer_pb2.Route.Name(request.route).removeprefix("ROUTE_")),
        sql_policy=SqlPolicy(policy),
        documents=tuple(map(id_of, request.documents)),
        top_k=request.top_k if request.HasField("top_k") else DEFAULT_TOP_K,
        no_cache=request.no_cache,
    )


def query_response(result: QueryResult) -> query_service_pb2.QueryResponse:
    """The outcome of a question."""
    message = query_service_pb2.QueryResponse(
        routing=routing(result.routing), usage=usage(result.usage), cache_hit=result.cache_hit
    )
    match result.outcome:
        case Answer() as outcome:
            message.answer.CopyFrom(answer(outcome))
        case PendingSql(statement, so_far):
            message.pending_sql.sql_statement.CopyFrom(sql_statement(statement))
            if so_far is not None:
                message.pending_sql.answer_so_far.CopyFrom(answer(so_far))
        case NoAnswer(reason, hint):
            message.no_answer.CopyFrom(query_service_pb2.NoAnswer(reason=f"NO_ANSWER_REASON_{reason}", hint=hint))
        case _:
            assert_never(result.outcome)
    return message


def event(item: Event) -> query_service_pb2.StreamQueryResponse:
    """One event of a stream."""
    match item:
        case Routing():
            return query_service_pb2.StreamQueryResponse(routing=routing(item))
        case Citation():
            return query_service_pb2.StreamQueryResponse(citation=citation(item))
        case SqlStatement():
            return query_service_pb2.StreamQueryResponse(sql_statement=sql_statement(item))
        case SqlResult():
            return query_service_pb2.StreamQueryResponse(sql_result=sql_result(item))
        case TextDelta(text):
            return query_service_pb2.StreamQueryResponse(text_delta=text)
        case QueryResult():
            return query_service_pb2.StreamQueryResponse(final=query_response(item))
        case _:
            assert_never(item)


def routing(item: Routing) -> answer_pb2.Routing:
    """The route of a question."""
    return answer_pb2.Routing(route=f"ROUTE_{item.route}", confidence=item.confidence, reason=item.reason)


def answer(item: Answer) -> answer_pb2.Answer:
    """An answer with its evidence."""
    return answer_pb2.Answer(
        name=f"answers/{item.id}",
        text=item.text,
        citations=map(citation, item.citations),
        sql_results=map(sql_result, item.sql_results),
        create_time=timestamp(item.create_time),
    )


def citation(item: Citation) -> answer_pb2.Citation:
    """A passage that supports an answer."""
    return answer_pb2.Citation(
        document=f"documents/{item.document_id}",
        filename=item.filename,
        headings=item.headings,
        first_page=item.first_page,
        last_page=item.last_page,
        boxes=map(_box, item.boxes),
        source_span=_span(item.source_span),
        answer_spans=map(_span, item.answer_spans),
        quote=item.quote,
        score=item.score,
    )


def sql_result(item: SqlResult) -> answer_pb2.SqlResult:
    """A statement with its rows."""
    return answer_pb2.SqlResult(
        statement=sql_statement(item.statement),
        table=table(item.table),
        execute_time=timestamp(item.execute_time),
        cache_hit=item.cache_hit,
    )


def table(item: Table) -> table_pb2.Table:
    """Columns and rows."""
    rows = (table_pb2.Row(values=map(value, row)) for row in item.rows)
    return table_pb2.Table(columns=map(_column, item.columns), rows=rows, truncated=item.truncated)


def value(cell: CellValue) -> table_pb2.Value:
    """A SQL value: NULL sets no kind, and an instant outside of the years 1 to 9999 in UTC becomes text."""
    match cell:
        case None:
            return table_pb2.Value()
        case bool():
            return table_pb2.Value(bool_value=cell)
        case int():
            return table_pb2.Value(int_value=cell) if cell in _INT64 else table_pb2.Value(decimal_value=str(cell))
        case float():
            return table_pb2.Value(double_value=cell)
        case decimal.Decimal():
            return table_pb2.Value(decimal_value=str(cell))
        case str():
            return table_pb2.Value(string_value=cell)
        case bytes():
            return table_pb2.Value(bytes_value=cell)
        case dt.datetime():
            return _instant(cell)
        case dt.date():
            return table_pb2.Value(date_value=cell.isoformat())
        case _:
            assert_never(cell)


def _instant(moment: dt.datetime) -> table_pb2.Value:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if _YEAR_1 <= aware <= _YEAR_9999:
        return table_pb2.Value(timestamp_value=timestamp(aware))
    return table_pb2.Value(string_value=moment.isoformat())


def _column(item: Column) -> table_pb2.Column:
    return table_pb2.Column(name=item.name, type=f"COLUMN_TYPE_{item.type}", database_type=item.database_type)


def _span(item: Span) -> answer_pb2.Span:
    return answer_pb2.Span(start=item.start, end=item.end)


def _box(item: PageBox) -> answer_pb2.PageBox:
    return answer_pb2.PageBox(page=item.page, left=item.left, top=item.top, right=item.right, bottom=item.bottom)
