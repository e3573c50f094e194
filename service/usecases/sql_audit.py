"""Note what happens to statements: as events to store with the change, and as lines of the log once it is stored."""

from __future__ import annotations

import datetime as dt
import json
import logging
import uuid

from service.domain.audit import AuditAction, AuditEvent
from service.domain.caller import Caller
from service.domain.sql import SqlStatement

log = logging.getLogger("ragsql.audit")


def event_of(
    caller: Caller, action: AuditAction, statement: SqlStatement, time: dt.datetime, detail: str = ""
) -> AuditEvent:
    """What the caller does to a statement now."""
    return AuditEvent(
        id=uuid.uuid4().hex,
        create_time=time,
        principal=caller.principal,
        action=action,
        statement_id=statement.id,
        etag=statement.etag,
        sql=statement.sql,
        detail=detail,
    )


def log_event(caller: Caller, event: AuditEvent) -> None:
    """One line of JSON. The text of the statement, which may quote data, is only in the records."""
    line = {
        "event": f"sql.{event.action.lower()}",
        "time": event.create_time.isoformat(),
        "tenant": caller.tenant,
        "principal": event.principal,
        "statement": event.statement_id,
        "etag": event.etag,
        "approver": event.approver.lower(),
        "rows": event.row_count,
        "cache_hit": event.cache_hit,
        "seconds": round(event.duration_seconds, 3),
        "detail": event.detail,
    }
    log.info(json.dumps(line, ensure_ascii=False))
