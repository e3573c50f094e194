"""Whole tables as rows, for copying them. Every function but tables runs inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.ports import RecordRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

_LOGS = ("sql_events",)


def tables() -> tuple[str, ...]:
    """The names of all tables, those that others refer to first."""
    from service.adapters.records.schema import metadata

    return tuple(table.name for table in metadata.sorted_tables)


def export(connection: Connection, name: str, after: tuple[object, ...] | None, size: int) -> list[RecordRow]:
    """The rows after a key, in order of keys."""
    from sqlalchemy import select, tuple_

    table = _table(name)
    keys = list(table.primary_key.columns)
    query = select(table).order_by(*keys).limit(size)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*_literals(table, after)))
    rows = [dict(row._mapping) for row in connection.execute(query)]  # pyright: ignore[reportPrivateUsage]
    return [RecordRow(tuple(row[key.name] for key in keys), row) for row in rows]


def load(connection: Connection, name: str, rows: Sequence[RecordRow]) -> None:
    """Insert or overwrite by key."""
    from sqlalchemy.dialects import postgresql, sqlite

    if not rows:
        return
    table = _table(name)
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    keys = [key.name for key in table.primary_key.columns]
    others = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    if name in _LOGS or not others:
        statement = insert.on_conflict_do_nothing()
    else:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=others)
    connection.execute(statement, [dict(row.values) for row in rows])


def drop(connection: Connection, name: str, keys: Sequence[tuple[object, ...]]) -> None:
    """Remove rows by their keys."""
    from sqlalchemy import and_, delete

    if name in _LOGS:
        return
    table = _table(name)
    for key in keys:
        same = (column == value for column, value in zip(table.primary_key.columns, key, strict=True))
        connection.execute(delete(table).where(and_(*same)))


def _literals(table: Table, key: tuple[object, ...]) -> list[Any]:
    from sqlalchemy import literal

    return [literal(value, column.type) for column, value in zip(table.primary_key.columns, key, strict=True)]


def _table(name: str) -> Table:
    from service.adapters.records.schema import metadata

    return metadata.tables[name]
