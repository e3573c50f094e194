"""Generated statements as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.sql import SqlStatement, StatementState
from service.errors import NotFound

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement, Connection, Row

    from service.domain.caller import Caller
    from service.ports import Page


def save(connection: Connection, caller: Caller, statement: SqlStatement) -> None:
    """Insert."""
    from sqlalchemy import insert

    from service.adapters.records.schema import statements as table

    values = dataclasses.asdict(statement)
    connection.execute(insert(table).values(tenant=caller.tenant, principal=caller.principal, **values))


def get(connection: Connection, caller: Caller, statement_id: str) -> SqlStatement:
    """Raises NotFound, also for another principal's."""
    from sqlalchemy import select

    from service.adapters.records.schema import statements as table

    row = connection.execute(select(table).where(_owned(caller), table.c.id == statement_id)).first()
    if row is None:
        raise NotFound(
            f"There is no SQL statement {statement_id}. It may belong to somebody else: generate the SQL again."
        )
    return _statement(row)


def move(connection: Connection, caller: Caller, statement_id: str, old: StatementState, new: StatementState) -> bool:
    """Change the state if it is old. False when it was not."""
    from sqlalchemy import update

    from service.adapters.records.schema import statements as table

    is_old = _owned(caller) & (table.c.id == statement_id) & (table.c.state == old)
    return connection.execute(update(table).where(is_old).values(state=new)).rowcount == 1


def page(connection: Connection, caller: Caller, size: int, token: str, now: dt.datetime) -> Page[SqlStatement]:
    """The caller's PROPOSED ones that expire after now."""
    from service.adapters.records.schema import statements as table

    condition = _owned(caller) & (table.c.state == StatementState.PROPOSED) & (table.c.expire_time > now)
    return paging.fetch(connection, table, condition, _statement, size, token)


def _owned(caller: Caller) -> ColumnElement[bool]:
    from service.adapters.records.schema import statements as table

    return (table.c.tenant == caller.tenant) & (table.c.principal == caller.principal)


def _statement(row: Row[Any]) -> SqlStatement:
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["tenant"], values["principal"]
    values["state"] = StatementState(row.state)
    values["tables"] = tuple(row.tables)
    return SqlStatement(**values)
