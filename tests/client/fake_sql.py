"""SQL, knowledge and feedback of the fake server."""

from __future__ import annotations

from typing import Any

from connectrpc.code import Code

from ragsql.v1.answer_pb2 import SqlResult
from ragsql.v1.feedback_service_connect import FeedbackService
from ragsql.v1.feedback_service_pb2 import (
    Feedback,
    ListFeedbackRequest,
    ListFeedbackResponse,
    PromoteFeedbackRequest,
    PromoteFeedbackResponse,
    Promotion,
)
from ragsql.v1.knowledge_service_connect import KnowledgeService
from ragsql.v1.knowledge_service_pb2 import (
    ImportKnowledgeRequest,
    ImportKnowledgeResponse,
    KnowledgeItem,
    ListKnowledgeItemsRequest,
    ListKnowledgeItemsResponse,
)
from ragsql.v1.sql_service_connect import SqlService
from ragsql.v1.sql_service_pb2 import (
    AuditEvent,
    ExecuteSqlRequest,
    ExecuteSqlResponse,
    GenerateSqlRequest,
    GenerateSqlResponse,
    ListAuditEventsRequest,
    ListAuditEventsResponse,
)
from ragsql.v1.sql_statement_pb2 import SqlStatement
from ragsql.v1.table_pb2 import Column, Row, Table, Value
from tests.client.fake_documents import refusal

STATEMENT = SqlStatement(
    name="sqlStatements/s1",
    sql="SELECT name, total FROM sums",
    dialect="sqlite",
    etag="e1",
    explanation="Selects sums.",
    tables=["sums"],
)
TABLE = Table(
    columns=[Column(name="name"), Column(name="total")],
    rows=[
        Row(values=[Value(string_value="[bold]Ann[/bold]"), Value(decimal_value="12.50")]),
        Row(values=[Value(string_value="Bob"), Value()]),
    ],
    truncated=True,
)
FEEDBACK = Feedback(
    name="answers/a/feedback/f", question="How many?", rating="RATING_BAD", corrected_sql="SELECT 2", principal="ann"
)


class FakeSql(SqlService, KnowledgeService, FeedbackService):
    """What was run, taught and promoted is kept."""

    def __init__(self) -> None:
        self.executed: list[ExecuteSqlRequest] = []
        self.taught: list[KnowledgeItem] = []
        self.promoted: list[str] = []
        self.happened: list[AuditEvent] = []

    async def generate_sql(self, request: GenerateSqlRequest, ctx: Any) -> GenerateSqlResponse:
        if request.question == "unknown":
            raise refusal(Code.FAILED_PRECONDITION, "SQL_NOT_GENERATED", "No SQL was written: no table holds that.")
        return GenerateSqlResponse(sql_statement=STATEMENT)

    async def execute_sql(self, request: ExecuteSqlRequest, ctx: Any) -> ExecuteSqlResponse:
        self.executed.append(request)
        return ExecuteSqlResponse(sql_result=SqlResult(statement=STATEMENT, table=TABLE))

    async def list_audit_events(self, request: ListAuditEventsRequest, ctx: Any) -> ListAuditEventsResponse:
        start = int(request.page_token or 0)
        end = start + min(2, request.page_size)
        more = str(end) if end < len(self.happened) else ""
        return ListAuditEventsResponse(audit_events=self.happened[start:end], next_page_token=more)

    async def import_knowledge(self, request: ImportKnowledgeRequest, ctx: Any) -> ImportKnowledgeResponse:
        for index, item in enumerate(request.knowledge_items):
            if "nope" in item.example_query.sql:
                field = f"knowledge_items[{index}].example_query.sql"
                raise refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", "There is no column nope.", field)
        fresh = [item for item in request.knowledge_items if item not in self.taught]
        self.taught += fresh
        return ImportKnowledgeResponse(created_count=len(fresh), known_count=len(request.knowledge_items) - len(fresh))

    async def list_knowledge_items(self, request: ListKnowledgeItemsRequest, ctx: Any) -> ListKnowledgeItemsResponse:
        newest = self.taught[::-1]
        start = int(request.page_token or 0)
        more = str(start + 2) if start + 2 < len(newest) else ""
        return ListKnowledgeItemsResponse(knowledge_items=newest[start : start + 2], next_page_token=more)

    async def list_feedback(self, request: ListFeedbackRequest, ctx: Any) -> ListFeedbackResponse:
        waits = FEEDBACK.name not in self.promoted
        return ListFeedbackResponse(feedback=[FEEDBACK] if waits or not request.waiting_only else [])

    async def promote_feedback(self, request: PromoteFeedbackRequest, ctx: Any) -> PromoteFeedbackResponse:
        self.promoted.append(request.name)
        promotion = Promotion(knowledge_item="knowledgeItems/k-sql", principal="rita")
        feedback = Feedback()
        feedback.CopyFrom(FEEDBACK)
        feedback.promotion.CopyFrom(promotion)
        return PromoteFeedbackResponse(feedback=feedback)
