"""Who works on documents and what is left to do, as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from service.adapters.records import documents
from service.domain.documents import Document, DocumentState, IngestProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

    from service.domain.caller import Caller

_CLAIMED = 20


def claim(connection: Connection, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
    """Touch some that are unfinished and that nobody holds or whose next attempt is due, and return them."""
    from service.adapters.records.schema import UNFINISHED
    from service.adapters.records.schema import documents as table

    waiting = (table.c.state == DocumentState.PENDING) & table.c.retry_time.is_not(None)
    free = (waiting & (table.c.retry_time <= now)) | (~waiting & (table.c.update_time <= before))
    return _claim(connection, UNFINISHED & free, {"update_time": now, "retry_time": None})


def touch(
    connection: Connection, caller: Caller, progress: Mapping[str, IngestProgress | None], now: dt.datetime
) -> None:
    """Set the update_time of those that are unfinished, and how far they are."""
    from sqlalchemy import update

    from service.adapters.records.schema import UNFINISHED
    from service.adapters.records.schema import documents as table

    for known in set(progress.values()):
        document_ids = [document_id for document_id, one in progress.items() if one == known]
        held = update(table).where(UNFINISHED, table.c.tenant == caller.tenant, table.c.id.in_(document_ids))
        connection.execute(held.values(update_time=now, **documents.progress_of(known)))


def start_delete(connection: Connection, caller: Caller, document_id: str, now: dt.datetime) -> Document:
    """Note that the document is to be deleted. Raises NotFound."""
    from sqlalchemy import case, update

    from service.adapters.records.schema import documents as table

    # To programs before revision 0003 what is not searchable any more has failed.
    state = case((table.c.state == DocumentState.ACTIVE, table.c.state), else_=DocumentState.FAILED)
    document = documents.get(connection, caller, document_id)
    known = update(table).where(table.c.tenant == caller.tenant, table.c.id == document_id)
    connection.execute(known.values(delete_time=now, state=state))
    return dataclasses.replace(document, delete_time=now)


def hide(connection: Connection, caller: Caller, document_id: str) -> None:
    """Show one that is being deleted to no reader any more."""
    from sqlalchemy import update

    from service.adapters.records.schema import DELETED
    from service.adapters.records.schema import documents as table

    known = update(table).where(DELETED, table.c.tenant == caller.tenant, table.c.id == document_id)
    connection.execute(known.values(state=DocumentState.FAILED))


def claim_deleted(connection: Connection, before: dt.datetime, now: dt.datetime) -> list[tuple[str, Document]]:
    """Some whose deletion began before and is not finished, as if it began now, with their tenants."""
    from service.adapters.records.schema import documents as table

    return _claim(connection, table.c.delete_time <= before, {"delete_time": now})


def _claim(
    connection: Connection, condition: ColumnElement[bool], values: dict[str, Any]
) -> list[tuple[str, Document]]:
    from sqlalchemy import select, tuple_, update

    from service.adapters.records.schema import documents as table

    left = select(table).where(condition).order_by(table.c.create_time, table.c.id)
    rows = connection.execute(left.limit(_CLAIMED).with_for_update(skip_locked=True)).all()
    if keys := [(row.tenant, row.id) for row in rows]:
        connection.execute(update(table).where(tuple_(table.c.tenant, table.c.id).in_(keys)).values(**values))
    return [(row.tenant, dataclasses.replace(documents.document_of(row), **values)) for row in rows]
