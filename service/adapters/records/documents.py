"""Documents as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.codec import decode, encode
from service.domain.documents import Document, DocumentState, IngestPhase, IngestProgress
from service.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from service.domain.caller import Caller
    from service.ports import Page


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
    """Update by id and remove the documents in replaces. False and no change when it is gone or being deleted."""
    from sqlalchemy import update

    from service.adapters.records.schema import documents as table

    kept = table.c.delete_time.is_(None)
    known = update(table).where(table.c.tenant == caller.tenant, table.c.id == document.id, kept)
    if not connection.execute(known.values(**_values(document))).rowcount:
        return False
    _remove(connection, caller, document, replaces)
    return True


def swap(connection: Connection, caller: Caller, old: Document, new: Document) -> bool:
    """Update by id. False and no change unless state and update_time are still old's."""
    from sqlalchemy import update

    from service.adapters.records.schema import documents as table

    same = (table.c.state == old.state) & (table.c.update_time == old.update_time) & table.c.delete_time.is_(None)
    known = update(table).where(table.c.tenant == caller.tenant, table.c.id == old.id, same)
    return bool(connection.execute(known.values(**_values(new))).rowcount)


def add(connection: Connection, caller: Caller, document: Document) -> None:
    """Insert, unless there is one of this id."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import documents as table

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(tenant=caller.tenant, **_values(document))
    connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant", "id"]))


def get(connection: Connection, caller: Caller, document_id: str) -> Document:
    """Raises NotFound."""
    from sqlalchemy import select

    from service.adapters.records.schema import documents as table

    query = select(table).where(_seen(caller), table.c.id == document_id)
    row = connection.execute(query).first()
    if row is None:
        raise _not_found(document_id)
    return document_of(row)


def find(connection: Connection, caller: Caller, filename: str, sha256: str) -> list[Document]:
    """Those that match every given property, newest first."""
    from sqlalchemy import select

    from service.adapters.records.schema import documents as table

    query = select(table).where(_seen(caller))
    if filename:
        query = query.where(table.c.filename == filename)
    if sha256:
        query = query.where(table.c.sha256 == sha256)
    rows = connection.execute(query.order_by(table.c.create_time.desc(), table.c.id.desc()))
    return [document_of(row) for row in rows]


def page(
    connection: Connection, caller: Caller, size: int, token: str, states: Sequence[DocumentState]
) -> Page[Document]:
    """Those in one of the states, or all if empty."""
    from service.adapters.records.schema import documents as table

    condition = _seen(caller)
    if states:
        condition &= table.c.state.in_(states)
    return paging.fetch(connection, table, condition, document_of, size, token)


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


def _seen(caller: Caller) -> ColumnElement[bool]:
    """What readers see: what is being deleted for as long as it may be found."""
    from service.adapters.records.schema import documents as table

    shown = table.c.delete_time.is_(None) | (table.c.state == DocumentState.ACTIVE)
    return (table.c.tenant == caller.tenant) & shown


def _remove(connection: Connection, caller: Caller, document: Document, replaces: Sequence[str]) -> None:
    from sqlalchemy import delete

    from service.adapters.records.schema import documents as table

    old = [document_id for document_id in replaces if document_id != document.id]
    if old:
        connection.execute(delete(table).where(table.c.tenant == caller.tenant, table.c.id.in_(old)))


def _values(document: Document) -> dict[str, Any]:
    values = {field.name: getattr(document, field.name) for field in dataclasses.fields(document)}
    del values["progress"]
    usage = encode(document.usage).decode() if document.usage else None
    return {**values, "usage": usage, **progress_of(None)}


def progress_of(progress: IngestProgress | None) -> dict[str, Any]:
    """Its columns."""
    return {
        "progress_phase": progress.phase if progress else "",
        "progress_done": progress.done if progress else 0,
        "progress_total": progress.total if progress else 0,
    }


def document_of(row: Row[Any]) -> Document:
    """What a row says."""
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    phase, done, total = (values.pop(f"progress_{name}") for name in ("phase", "done", "total"))
    del values["tenant"]
    values["state"] = state = DocumentState(row.state)
    values["usage"] = decode(row.usage) if row.usage else None
    if phase and state is DocumentState.PROCESSING:
        values["progress"] = IngestProgress(IngestPhase(phase), done, total)
    return Document(**values)


def _not_found(document_id: str) -> NotFound:
    return NotFound(f"There is no document {document_id}. List the documents to see which there are.")
