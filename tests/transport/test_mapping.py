from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from ragsql.v1 import table_pb2
from ragsql.v1.answer_pb2 import Citation, PageBox
from ragsql.v1.query_service_pb2 import QueryRequest, QueryResponse
from ragsql.v1.table_pb2 import Value
from service.domain.tables import CellValue, Column, ColumnType, Table
from service.transport import mapping, mapping_answers
from service.transport.json_codec import JsonCodec
from tests.transport.replies import RESULT

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
CELLS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.datetimes(timezones=ZONES),
    st.dates(),
)


def read(value: Value) -> Any:
    """What a client makes of a value."""
    match value.WhichOneof("kind"):
        case None:
            return None
        case "decimal_value":
            return decimal.Decimal(value.decimal_value)
        case "timestamp_value":
            moment = value.timestamp_value
            return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(
                seconds=moment.seconds, microseconds=moment.nanos // 1000
            )
        case "date_value":
            return dt.date.fromisoformat(value.date_value)
        case kind:
            return getattr(value, kind)


def expected(cell: CellValue) -> Any:
    if isinstance(cell, dt.datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=dt.UTC)
    if isinstance(cell, int) and not isinstance(cell, bool) and not -(2**63) <= cell < 2**63:
        return decimal.Decimal(cell)
    return cell


@given(CELLS)
def test_a_cell_survives_with_its_type(cell: CellValue) -> None:
    value = mapping_answers.value(cell)
    for wire in (Value.FromString(value.SerializeToString()), through_json(value)):
        got = read(wire)
        if value.WhichOneof("kind") == "string_value" and isinstance(cell, dt.datetime):
            assert cell.utcoffset() is not None
            assert got == cell.isoformat()
        elif isinstance(cell, float | decimal.Decimal) and math.isnan(cell if isinstance(cell, float) else 0):
            assert math.isnan(got)
        elif isinstance(cell, decimal.Decimal):
            assert str(got) == str(cell)
        else:
            assert (got, type(got)) == (expected(cell), type(expected(cell)))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2).map(tuple), max_size=5), st.booleans())
def test_a_table_keeps_its_columns_and_the_order_of_its_rows(
    rows: list[tuple[CellValue, ...]], truncated: bool
) -> None:
    columns = (Column("a", ColumnType.STRING, "text"), Column("a", ColumnType.UNSPECIFIED))
    message = mapping_answers.table(Table(columns, tuple(rows), truncated))
    assert [(column.name, column.type, column.database_type) for column in message.columns] == [
        ("a", table_pb2.COLUMN_TYPE_STRING, "text"),
        ("a", table_pb2.COLUMN_TYPE_UNSPECIFIED, ""),
    ]
    assert message.truncated == truncated
    assert [len(row.values) for row in message.rows] == [2] * len(rows)
    assert list(message.rows) == [table_pb2.Row(values=map(mapping_answers.value, row)) for row in rows]


@given(st.datetimes(timezones=st.none() | ZONES))
def test_an_instant_is_exact_to_the_microsecond(moment: dt.datetime) -> None:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    stamp = mapping.timestamp(moment)
    since = aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert dt.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos / 1000) == since
    assert 0 <= stamp.nanos < 1_000_000_000


@given(
    st.builds(PageBox, page=st.integers(0, 2**31 - 1), left=st.floats(width=32), top=st.floats(width=32)),
    st.floats(width=32),
    st.lists(st.text()),
)
def test_json_is_what_the_reference_writer_writes(box: PageBox, score: float, headings: list[str]) -> None:
    assert_same_json(Citation(boxes=[box], score=score, headings=headings))
    assert_same_json(Citation(quote="no score"))


@given(CELLS)
def test_json_of_a_cell_is_what_the_reference_writer_writes(cell: CellValue) -> None:
    assert_same_json(mapping_answers.value(cell))


def test_json_of_a_whole_response_is_what_the_reference_writer_writes() -> None:
    response = mapping_answers.query_response(RESULT)
    assert_same_json(response)
    assert JsonCodec().decode(JsonCodec().encode(response), QueryResponse) == response


def test_json_of_an_enum_number_that_is_newer_than_the_code_is_the_number() -> None:
    assert_same_json(QueryRequest(query="q", route=77))  # pyright: ignore[reportArgumentType]


def assert_same_json(message: Message) -> None:
    ours = json.loads(JsonCodec().encode(message))
    assert ours == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def through_json(value: Value) -> Value:
    return JsonCodec().decode(JsonCodec().encode(value), Value)
