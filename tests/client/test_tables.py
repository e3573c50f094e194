"""Rows as Python values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from ragsql.v1.table_pb2 import Column, Row, Table, Value
from ragsql_client import names, records, rows


def test_every_kind_is_a_python_value() -> None:
    values = [
        Value(), Value(bool_value=False), Value(int_value=2**63 - 1), Value(double_value=0.5),
        Value(decimal_value="12.50"), Value(string_value=""), Value(bytes_value=b"\x00"),
        Value(date_value="2026-01-31"),
        Value(timestamp_value=Timestamp(seconds=-1, nanos=500_000_000)),
    ]  # fmt: skip
    table = Table(columns=[Column(name="n")] * len(values), rows=[Row(values=values)])
    (row,) = rows(table)
    assert row == (
        None, False, 2**63 - 1, 0.5, Decimal("12.50"), "", b"\x00", dt.date(2026, 1, 31),
        dt.datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=dt.UTC),
    )  # fmt: skip
    assert str(row[4]) == "12.50"
    assert list(records(table)[0].values()) == list(row)


def test_repeated_and_empty_names_get_their_own() -> None:
    given_names = ["name", "name", "", "name_2", "name", "", "column_3"]
    table = Table(columns=[Column(name=name) for name in given_names])
    assert names(table) == ["name", "name_3", "column_3_2", "name_2", "name_4", "column_6", "column_3"]


@given(st.lists(st.sampled_from(["", "a", "a_2", "column_1", "column_2", "column_2_2"]), max_size=8))
def test_no_column_is_lost(given_names: list[str]) -> None:
    values = [Value(int_value=number) for number in range(len(given_names))]
    table = Table(columns=[Column(name=name) for name in given_names], rows=[Row(values=values)])
    (record,) = records(table)
    assert list(record.values()) == list(range(len(given_names)))
