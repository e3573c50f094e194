"""Announced files as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from service.adapters.records import documents
from service.domain.documents import Document, Upload
from service.errors import NotFound

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import Connection, Row

    from service.domain.caller import Caller


def save(connection: Connection, caller: Caller, upload: Upload, document: Document | None) -> None:
    """Insert or update by id, and insert the document that was made of it unless it is there."""
    from sqlalchemy.dialects import postgresql, sqlite

    from service.adapters.records.schema import uploads as table

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = dataclasses.asdict(upload)
    statement = dialect.insert(table).values(tenant=caller.tenant, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=values))
    if document is not None:
        documents.add(connection, caller, document)


def get(connection: Connection, caller: Caller, upload_id: str) -> Upload:
    """Raises NotFound."""
    from sqlalchemy import select

    from service.adapters.records.schema import uploads as table

    row = connection.execute(select(table).where(table.c.tenant == caller.tenant, table.c.id == upload_id)).first()
    if row is None:
        raise NotFound(f"There is no upload {upload_id}. It may have expired: call CreateUpload again.")
    return _upload(row)


def find(connection: Connection, caller: Caller, expired: dt.datetime | None) -> list[Upload]:
    """All, or those whose expire_time is not after expired."""
    from sqlalchemy import select

    from service.adapters.records.schema import uploads as table

    query = select(table).where(table.c.tenant == caller.tenant)
    if expired is not None:
        query = query.where(table.c.expire_time <= expired)
    return [_upload(row) for row in connection.execute(query)]


def delete(connection: Connection, caller: Caller, upload_id: str) -> None:
    """Delete if it is there."""
    from sqlalchemy import delete as remove

    from service.adapters.records.schema import uploads as table

    connection.execute(remove(table).where(table.c.tenant == caller.tenant, table.c.id == upload_id))


def tenants(connection: Connection) -> list[str]:
    """Every tenant that has documents or uploads."""
    from sqlalchemy import select, union

    from service.adapters.records.schema import documents, uploads

    return list(connection.execute(union(select(documents.c.tenant), select(uploads.c.tenant))).scalars())


def _upload(row: Row[Any]) -> Upload:
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["tenant"]
    return Upload(**values)
