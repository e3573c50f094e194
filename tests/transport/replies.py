"""What the fakes reply with."""

from __future__ import annotations

import datetime as dt

from service.domain.audit import Approver, AuditAction, AuditEvent
from service.domain.documents import PageBox, Span
from service.domain.feedback import Feedback
from service.domain.questions import (
    Answer,
    Citation,
    QueryResult,
    Route,
    Routing,
    Usage,
)
from service.domain.sql import SqlResult, SqlStatement, StatementState
from service.domain.tables import Column, ColumnType, Table

NOW = dt.datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=dt.UTC)
STATEMENT = SqlStatement(
    id="s1",
    question="How many?",
    sql="SELECT count(*) FROM track",
    dialect="sqlite",
    explanation="Counts tracks.",
    tables=("track",),
    etag="e1",
    state=StatementState.PROPOSED,
    create_time=NOW,
    expire_time=NOW + dt.timedelta(hours=1),
)
TABLE = Table((Column("count(*)", ColumnType.INT64, "INTEGER"),), ((3503,),))
CITATION = Citation(
    document_id="d1",
    filename="policy.pdf",
    headings=("Policy", "Returns"),
    first_page=1,
    last_page=1,
    boxes=(PageBox(1, 0.1, 0.2, 0.3, 0.4),),
    source_span=Span(10, 24),
    quote="Thirty days: ✓",
    score=0.75,
    answer_spans=(Span(0, 14),),
)
EVENT = AuditEvent(
    id="v1",
    create_time=NOW,
    principal="ann",
    action=AuditAction.EXECUTED,
    statement_id="s1",
    etag="e1",
    sql=STATEMENT.sql,
    approver=Approver.PERSON,
    row_count=3,
    duration_seconds=0.25,
)
FEEDBACK = Feedback("f1", "a1", "How many?", "ann", "BAD", "Wrong.", "SELECT 2", NOW)
ROUTING = Routing(Route.HYBRID, 0.9, "Both have evidence.")
ANSWER = Answer("a1", "Thirty days: ✓", NOW, (CITATION,), (SqlResult(STATEMENT, TABLE, NOW, cache_hit=True),))
RESULT = QueryResult(ROUTING, ANSWER, Usage(5, 7, 11, 0.5, ("local:m",)), cache_hit=False)
