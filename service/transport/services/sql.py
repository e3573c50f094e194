"""SqlService."""

from __future__ import annotations

from ragsql.v1 import sql_service_pb2 as pb
from service.transport import mapping, mapping_audit
from service.transport import mapping_answers as answers
from service.transport.callers import Context, caller_of
from service.transport.mapping_usage import usage
from service.usecases.bundle import SqlUseCases


class SqlService:
    """Generate SQL, review it, run it."""

    def __init__(self, sql: SqlUseCases) -> None:
        self._sql = sql

    async def generate_sql(self, request: pb.GenerateSqlRequest, ctx: Context) -> pb.GenerateSqlResponse:
        generated = await self._sql.generate(caller_of(ctx), request.question)
        return pb.GenerateSqlResponse(
            sql_statement=mapping.sql_statement(generated.statement), usage=usage(generated.usage)
        )

    async def get_sql_statement(self, request: pb.GetSqlStatementRequest, ctx: Context) -> pb.GetSqlStatementResponse:
        statement = await self._sql.get(caller_of(ctx), mapping.id_of(request.name))
        return pb.GetSqlStatementResponse(sql_statement=mapping.sql_statement(statement))

    async def execute_sql(self, request: pb.ExecuteSqlRequest, ctx: Context) -> pb.ExecuteSqlResponse:
        max_rows = request.max_rows or mapping.DEFAULT_MAX_ROWS
        done = await self._sql.execute(caller_of(ctx), mapping.id_of(request.name), request.etag, max_rows)
        return pb.ExecuteSqlResponse(
            sql_result=answers.sql_result(done.result),
            answer=answers.answer(done.answer),
            usage=usage(done.usage),
        )

    async def list_sql_statements(
        self, request: pb.ListSqlStatementsRequest, ctx: Context
    ) -> pb.ListSqlStatementsResponse:
        page = await self._sql.list(caller_of(ctx), mapping.page_size(request.page_size), request.page_token)
        statements = map(mapping.sql_statement, page.items)
        return pb.ListSqlStatementsResponse(sql_statements=statements, next_page_token=page.next_token)

    async def reject_sql(self, request: pb.RejectSqlRequest, ctx: Context) -> pb.RejectSqlResponse:
        statement = await self._sql.reject(caller_of(ctx), mapping.id_of(request.name))
        return pb.RejectSqlResponse(sql_statement=mapping.sql_statement(statement))

    async def list_audit_events(self, request: pb.ListAuditEventsRequest, ctx: Context) -> pb.ListAuditEventsResponse:
        page = await self._sql.audit(caller_of(ctx), mapping.page_size(request.page_size), request.page_token)
        events = map(mapping_audit.audit_event, page.items)
        return pb.ListAuditEventsResponse(audit_events=events, next_page_token=page.next_token)
