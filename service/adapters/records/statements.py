"""Generated statements as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from service.adapters.records import audit, paging
from service.domain.audit import AuditAction, AuditEvent
from service.domain.codec import decode, encode
from service.domain.sql import SqlStatement, StatementState
from service.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row

    from service.domain.caller import Caller
    from service.domain.questions import Answer
    from service.ports import Page


def save(
    connection: Connection,
    caller: Caller,
    statement: SqlStatement,
    event: AuditEvent,
    answer: Answer | None,
    approved: AuditEvent | None,
) -> None:
    """Insert, with the half of the answer that needs no rows."""
    from sqlalchemy import insert

    from service.adapters.records.schema import statement_halves
    from service.adapters.records.schema import statements as table

    values = {field.name: getattr(statement, field.name) for field in dataclasses.fields(statement)}
    connection.execute(insert(table), {"tenant": caller.tenant, "principal": caller.principal, **values})
    if answer is not None:
        row = {"tenant": caller.tenant, "id": statement.id, "answer": encode(answer).decode()}
        connection.execute(insert(statement_halves), row)
    audit.add(connection, caller.tenant, *(item for item in (event, approved) if item))


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


def half(connection: Connection, caller: Caller, statement_id: str) -> Answer | None:
    """The half of the answer, None when there is none."""
    from sqlalchemy import select

    from service.adapters.records.schema import statement_halves as halves
    from service.adapters.records.schema import statements as table

    both = halves.join(table, (halves.c.tenant == table.c.tenant) & (halves.c.id == table.c.id))
    query = select(halves.c.answer).select_from(both).where(_owned(caller), table.c.id == statement_id)
    stored = connection.execute(query).scalar()
    return None if stored is None else decode(stored.encode())


def move(
    connection: Connection,
    caller: Caller,
    statement_id: str,
    old: StatementState,
    new: StatementState,
    event: AuditEvent,
) -> bool:
    """Change the state if it is old. False, and no event, when it was not."""
    from sqlalchemy import update

    from service.adapters.records.schema import statements as table

    is_old = _owned(caller) & (table.c.id == statement_id) & (table.c.state == old)
    if connection.execute(update(table).where(is_old).values(state=new)).rowcount != 1:
        return False
    audit.add(connection, caller.tenant, event)
    return True


def interrupt(connection: Connection, expired: dt.datetime, detail: str) -> int:
    """Mark FAILED what is EXECUTING, of every tenant, and expired by then."""
    from sqlalchemy import update

    from service.adapters.records.schema import statements as table

    left = (table.c.state == StatementState.EXECUTING) & (table.c.expire_time <= expired)
    moved = update(table).where(left).values(state=StatementState.FAILED).returning(table)
    rows = connection.execute(moved).all()
    for row in rows:
        event = AuditEvent(
            id=uuid.uuid4().hex,
            create_time=dt.datetime.now(dt.UTC),
            principal=row.principal,
            action=AuditAction.INTERRUPTED,
            statement_id=row.id,
            etag=row.etag,
            sql=row.sql,
            detail=detail,
        )
        audit.add(connection, row.tenant, event)
    return len(rows)


def purge(connection: Connection, expired: dt.datetime) -> int:
    """Delete what expired by then, of every tenant, unless it is EXECUTING."""
    from sqlalchemy import delete

    from service.adapters.records.schema import statements as table

    old = (table.c.state != StatementState.EXECUTING) & (table.c.expire_time <= expired)
    return connection.execute(delete(table).where(old)).rowcount


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
