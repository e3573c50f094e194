"""What happened to statements, without the rows that they returned."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class AuditAction(StrEnum):
    """What happened to a statement."""

    GENERATED = "GENERATED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXECUTED = "EXECUTED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


class Approver(StrEnum):
    """Who allowed a statement to run."""

    UNSPECIFIED = "UNSPECIFIED"
    POLICY = "POLICY"
    PERSON = "PERSON"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the log. principal acted; row_count, cache_hit and duration_seconds are those of a run.

    detail is a sentence that says why, for FAILED and INTERRUPTED.
    """

    id: str
    create_time: dt.datetime
    principal: str
    action: AuditAction
    statement_id: str
    etag: str
    sql: str
    approver: Approver = Approver.UNSPECIFIED
    row_count: int = 0
    cache_hit: bool = False
    duration_seconds: float = 0.0
    detail: str = ""
