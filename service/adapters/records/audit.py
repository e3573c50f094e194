"""What happened to statements, as rows that are only added. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.audit import Approver, AuditAction, AuditEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from service.domain.caller import Caller
    from service.ports import Page


def add(connection: Connection, tenant: str, *events: AuditEvent) -> None:
    """Insert."""
    from sqlalchemy import insert

    from service.adapters.records.schema import sql_events as table

    connection.execute(insert(table), [{"tenant": tenant, **dataclasses.asdict(event)} for event in events])


def page(connection: Connection, caller: Caller, size: int, token: str) -> Page[AuditEvent]:
    """The principal's own, newest first."""
    from service.adapters.records.schema import sql_events as table

    own = (table.c.tenant == caller.tenant) & (table.c.principal == caller.principal)
    return paging.fetch(connection, table, own, _event, size, token)


def _event(row: Row[Any]) -> AuditEvent:
    values: dict[str, Any] = dict(row._mapping)  # pyright: ignore[reportPrivateUsage]
    del values["tenant"]
    values["action"] = AuditAction(row.action)
    values["approver"] = Approver(row.approver)
    return AuditEvent(**values)
