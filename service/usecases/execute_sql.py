"""Generate SQL for review, list what waits, run one statement, reject one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from service.domain.caller import Caller
from service.domain.sql import MAX_RESULT_ROWS, ExecutionLimits, SqlResult, SqlStatement, StatementState
from service.errors import SqlEtagMismatch, SqlNotGenerated, SqlStateConflict
from service.ports import CannotAnswer, Page
from service.usecases.bundle import GeneratedSql
from service.usecases.sql_statements import SqlRunner


@dataclass(frozen=True, slots=True)
class ManageSql:
    """The SqlUseCases. Calling execute is the approval of exactly the text that etag names."""

    runner: SqlRunner
    limits: ExecutionLimits = field(default_factory=ExecutionLimits)

    async def generate(self, caller: Caller, question: str) -> GeneratedSql:
        """The stored statement and its cost. Raises SqlNotGenerated with the reason when the question is declined."""
        proposal = await self.runner.propose(caller, question)
        if isinstance(proposal, CannotAnswer):
            raise SqlNotGenerated(f"No SQL was written for this question: {proposal.reason}")
        return GeneratedSql(proposal.statement, proposal.usage)

    async def execute(self, caller: Caller, statement_id: str, etag: str, max_rows: int) -> SqlResult:
        """Run a statement once. max_rows is capped at 1000.

        Raises NotFound, SqlEtagMismatch, SqlStateConflict, and what running raises.
        """
        statement = await self.runner.records.get_statement(caller, statement_id)
        if etag != statement.etag:
            raise SqlEtagMismatch("The etag is not that of the stored statement. Read it again before you approve it.")
        limits = replace(self.limits, max_rows=max(1, min(max_rows, MAX_RESULT_ROWS)))
        return await self.runner.run(caller, statement, limits)

    async def reject(self, caller: Caller, statement_id: str) -> SqlStatement:
        """Mark a waiting statement REJECTED; one that is already stays so. Raises NotFound, SqlStateConflict."""
        statement = await self.runner.records.get_statement(caller, statement_id)
        if statement.state is StatementState.REJECTED:
            return statement
        moved = await self.runner.records.move_statement(
            caller, statement_id, StatementState.PROPOSED, StatementState.REJECTED
        )
        if not moved:
            raise SqlStateConflict("The statement was executed already, so it cannot be rejected.")
        return replace(statement, state=StatementState.REJECTED)

    async def list(self, caller: Caller, size: int, token: str) -> Page[SqlStatement]:
        """The caller's statements that wait for approval, newest first."""
        return await self.runner.records.list_statements(caller, size, token)
