"""Documents as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.documents import Document, DocumentState
from service.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from service.domain.caller import Caller
    from service.ports import Page

_CLAIMED = 20


def save(connection: Connection, caller: Caller, document: Document, replaces: Sequence[str] = ()) -> None:
    """Insert or update by id, and remove the documents in replaces."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import documents as table

    _remove(connection, caller, document, replaces)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = _values(document)
    statement = dialect.insert(table).values(tenant=caller.tenant, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=values))


def change(connection: Connection, caller: Caller, document: Document, replaces: Sequence[str]) -> bool:
    """Update by id and remove the documents in replaces. False and no change when there is none of this id."""
    from sqlalchemy import update

    from service.adapters.records.schema import documents as table

    known = update(table).where(table.c.tenant == caller.tenant, table.c.id == document.id)
    if not connection.execute(known.values(**_values(document))).rowcount:
        return False
    _remove(connection, caller, document, replaces)
    return True


def get(connection: Connection, caller: Caller, document_id: str) -> Document:
    """Raises NotFound."""
    from sqlalchemy import select

    from service.adapters.records.schema import documents as table

    query = select(table).where(table.c.tenant == caller.tenant, table.c.id == document_id)
    row = connection.execute(query).first()
    if row is None:
        raise _not_found(document_id)
    return _document(row)


def find(connection: Connection, caller: Caller, filename: str, sha256: str) -> list[Document]:
    """Those that match every given property, newest first."""
    from sqlalchemy import select

    from service.adapters.records.schema import documents as table

    query = select(table).where(table.c.tenant == caller.tenant)
    if filename:
        query = query.where(table.c.filename == filename)
    if sha256:
        query = query.where(table.c.sha256 == sha256)
    rows = connection.execute(query.order_by(table.c.create_time.desc(), table.c.id.desc()))
    return [_document(row) for row in rows]


def page(
    connection: Connection, caller: Caller, size: int, token: str, states: Sequence[DocumentState]
) -> Page[Document]:
    """Those in one of the states, or all if empty."""
    from service.adapters.records.schema import documents as table

    condition = table.c.tenant == caller.tenant
    if states:
        condition &= table.c.state.in_(states)
    return paging.fetch(connection, table, condition, _document, size, token)


def delete(connection: Connection, caller: Caller, document_id: str) -> None:
    """Raises NotFound."""
    from sqlalchemy import delete as remove

    from service.adapters.records.schema import documents as table

    done = connection.execute(remove(table).where(table.c.tenant == caller.tenant, table.c.id == document_id))
    if not done.rowcount:
        raise _not_found(document_id)


def count(connection: Connection, caller: Caller) -> int:
    """Those that are ACTIVE."""
    from sqlalchemy import func, select

    from service.adapters.records.schema import documents as table

    query = select(func.count()).where(table.c.tenant == caller.tenant, table.c.state == DocumentState.ACTIVE)
    return connection.execute(query).scalar_one()


def claim(connection: Connection, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
    """Touch some that are unfinished and were not touched since before, and return them with their tenants."""
    from sqlalchemy import select, tuple_, update

    from service.adapters.records.schema import UNFINISHED
    from service.adapters.records.schema import documents as table

    left = select(table).where(UNFINISHED, table.c.update_time <= before).order_by(table.c.create_time, table.c.id)
    rows = connection.execute(left.limit(_CLAIMED).with_for_update(skip_locked=True)).all()
    keys = [(row.tenant, row.id) for row in rows]
    connection.execute(update(table).where(tuple_(table.c.tenant, table.c.id).in_(keys)).values(update_time=now))
    return [(row.tenant, dataclasses.replace(_document(row), update_time=now)) for row in rows]


def touch(connection: Connection, caller: Caller, document_ids: Sequence[str], now: dt.datetime) -> None:
    """Set the update_time of those that are unfinished."""
    from sqlalchemy import update

    from service.adapters.records.schema import UNFINISHED
    from service.adapters.records.schema import documents as table

    held = update(table).where(UNFINISHED, table.c.tenant == caller.tenant, table.c.id.in_(document_ids))
    connection.execute(held.values(update_time=now))


def _remove(connection: Connection, caller: Caller, document: Document, replaces: Sequence[str]) -> None:
    from sqlalchemy import delete

    from service.adapters.records.schema import documents as table

    old = [document_id for document_id in replaces if document_id != document.id]
    if old:
        connection.execute(delete(table).where(table.c.tenant == caller.tenant, table.c.id.in_(old)))


def _values(document: Document) -> dict[str, Any]:
    values = dataclasses.asdict(document)
    del values["progress"]
    return values


def _document(row: Row[Any]) -> Document:
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["tenant"]
    values["state"] = DocumentState(row.state)
    return Document(**values)


def _not_found(document_id: str) -> NotFound:
    return NotFound(f"There is no document {document_id}. List the documents to see which there are.")
