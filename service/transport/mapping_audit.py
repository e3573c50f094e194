"""The log of statements: domain objects to messages of the contract."""

from __future__ import annotations

from ragsql.v1 import sql_service_pb2
from service.domain.audit import AuditEvent
from service.transport.mapping import timestamp


def audit_event(item: AuditEvent) -> sql_service_pb2.AuditEvent:
    """What happened to a statement."""
    return sql_service_pb2.AuditEvent(
        name=f"auditEvents/{item.id}",
        create_time=timestamp(item.create_time),
        principal=item.principal,
        action=f"AUDIT_ACTION_{item.action}",
        sql_statement=f"sqlStatements/{item.statement_id}",
        etag=item.etag,
        sql=item.sql,
        approver=f"SQL_APPROVER_{item.approver}",
        row_count=item.row_count,
        cache_hit=item.cache_hit,
        duration_seconds=item.duration_seconds,
        detail=item.detail,
    )
