from __future__ import annotations

import datetime as dt
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.codec import decode, encode
from service.domain.questions import Answer, QueryResult, Route, Routing, Usage
from service.domain.sql import SqlResult, SqlStatement, StatementState
from service.domain.tables import Column, ColumnType, Table

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.dates(),
)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@given(st.lists(st.tuples(CELLS, CELLS)))
def test_a_result_survives_with_the_types_of_its_cells(rows: list[tuple[object, object]]) -> None:
    statement = SqlStatement("s", "q", "SELECT 1", "sqlite", "", ("t",), "e", StatementState.EXECUTED, NOW, NOW)
    columns = (Column("a", ColumnType.STRING), Column("a", ColumnType.BYTES))
    answer = Answer("a1", "text", NOW, (), (SqlResult(statement, Table(columns, tuple(rows)), NOW),))  # pyright: ignore[reportArgumentType]
    result = QueryResult(Routing(Route.SQL, 0.5, "why"), answer, Usage(1, 2, 3, 0.5, ("m",)))
    back = decode(encode(result))
    assert back == result
    cells = [cell for row in back.outcome.sql_results[0].table.rows for cell in row]
    assert [type(cell) for cell in cells] == [type(cell) for row in rows for cell in row]


def test_nan_survives() -> None:
    (value,) = decode(encode((float("nan"),)))
    assert value != value


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}])
def test_other_objects_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not a domain value"):
        encode(value)


@pytest.mark.parametrize("content", [b"", b"{", b'["Popen", {"args": "ls"}]', b'["exec", "1"]'])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        decode(content)


def test_decimals_keep_their_scale() -> None:
    assert str(decode(encode(decimal.Decimal("1.20")))) == "1.20"
