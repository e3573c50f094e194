"""Generate SQL for review, list what waits, run one statement, reject one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from service.domain.audit import AuditAction, AuditEvent
from service.domain.caller import Caller
from service.domain.questions import FinishedSql
from service.domain.spending import spending
from service.domain.sql import MAX_RESULT_ROWS, ExecutionLimits, SqlStatement, StatementState
from service.errors import SqlEtagMismatch, SqlNotGenerated, SqlStateConflict
from service.ports import CannotAnswer, Page
from service.usecases.bundle import GeneratedSql
from service.usecases.finish_answer import FinishAnswer
from service.usecases.run_sql import RunSql
from service.usecases.sql_audit import event_of, log_event
from service.usecases.sql_statements import ProposeSql


@dataclass(frozen=True, slots=True)
class ManageSql:
    """The SqlUseCases. Calling execute is the approval of exactly the text that etag names."""

    sql: ProposeSql
    run: RunSql
    finish: FinishAnswer
    limits: ExecutionLimits = field(default_factory=ExecutionLimits)

    async def generate(self, caller: Caller, question: str) -> GeneratedSql:
        """The stored statement and its cost. Raises SqlNotGenerated with the reason when the question is declined."""
        await self.sql.connected().schema(caller, fresh=True)
        with spending() as spent:
            proposal = await self.sql.propose(caller, question)
        if isinstance(proposal, CannotAnswer):
            raise SqlNotGenerated(f"No SQL was written for this question: {proposal.reason}")
        return GeneratedSql(await self.sql.keep(caller, proposal), spent())

    async def get(self, caller: Caller, statement_id: str) -> SqlStatement:
        """Raises NotFound, also for another's."""
        return await self.sql.records.get_statement(caller, statement_id)

    async def execute(self, caller: Caller, statement_id: str, etag: str, max_rows: int) -> FinishedSql:
        """Run a statement once and finish the answer that waits for it. max_rows is capped at 1000.

        Raises NotFound, SqlEtagMismatch, SqlStateConflict, and what running raises.
        """
        statement = await self.sql.records.get_statement(caller, statement_id)
        if etag != statement.etag:
            raise SqlEtagMismatch("The etag is not that of the stored statement. Read it again before you approve it.")
        limits = replace(self.limits, max_rows=max(1, min(max_rows, MAX_RESULT_ROWS)))
        result = await self.run(caller, statement, limits)
        return await self.finish(caller, result)

    async def reject(self, caller: Caller, statement_id: str) -> SqlStatement:
        """Mark a waiting statement REJECTED; one that is already stays so. Raises NotFound, SqlStateConflict."""
        records = self.sql.records
        statement = await records.get_statement(caller, statement_id)
        if statement.state is StatementState.REJECTED:
            return statement
        event = event_of(caller, AuditAction.REJECTED, statement, self.sql.clock())
        old, new = StatementState.PROPOSED, StatementState.REJECTED
        if not await records.move_statement(caller, statement_id, old, new, event):
            raise SqlStateConflict("The statement was executed already, so it cannot be rejected.")
        log_event(caller, event)
        await self.sql.drafts.forget(caller)
        return replace(statement, state=StatementState.REJECTED)

    async def list(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        """The caller's statements that wait for approval, newest first."""
        return await self.sql.records.list_statements(caller, size, token)

    async def audit(self, caller: Caller, size: int, token: str) -> Page[AuditEvent]:
        """What happened to the caller's statements, newest first."""
        return await self.sql.records.list_events(caller, size, token)
