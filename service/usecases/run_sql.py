"""Run a statement once: by policy or by a person, against today's schema, with every step stored as it is taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from service.domain.audit import Approver, AuditAction, AuditEvent
from service.domain.caller import Caller
from service.domain.questions import Answer
from service.domain.sql import MAX_STATEMENT_ROWS, ExecutionLimits, Schema, SqlResult, SqlStatement, StatementState
from service.errors import (
    RagsqlError,
    SqlEtagMismatch,
    SqlExecutionFailed,
    SqlRejected,
    SqlStateConflict,
    UpstreamUnavailable,
)
from service.usecases.shielding import to_the_end
from service.usecases.sql_audit import event_of, log_event
from service.usecases.sql_caches import ResultCache
from service.usecases.sql_statements import Proposal, ProposeSql, etag_of
from service.usecases.steps import traced


@dataclass(frozen=True, slots=True)
class RunSql:
    """PROPOSED becomes EXECUTING, then EXECUTED or FAILED; PROPOSED again when the database could not be reached.

    results is None when no rows are kept.
    """

    sql: ProposeSql
    results: ResultCache | None = None

    async def __call__(self, caller: Caller, statement: SqlStatement, limits: ExecutionLimits) -> SqlResult:
        """The rows of a stored statement that a person approves, always read afresh.

        Raises SqlStateConflict, SqlEtagMismatch, SqlRejected, SqlTimeout, SqlExecutionFailed, UpstreamUnavailable.
        """
        self._check_waiting(statement)
        schema = await self._bound_schema(caller, statement, fresh=True)
        await self._check_again(statement, schema)
        approved = self._event(caller, statement, AuditAction.APPROVED, Approver.PERSON)
        if not await self._move(caller, statement, StatementState.PROPOSED, StatementState.EXECUTING, approved):
            raise SqlStateConflict("The statement was executed or rejected meanwhile. Ask the question again.")
        begun = time.monotonic()
        async with self._under_way(caller, statement, Approver.PERSON):
            result = await self._read(caller, statement, schema, limits, None)
        return await self._done(caller, result, Approver.PERSON, time.monotonic() - begun)

    async def at_once(
        self, caller: Caller, proposal: Proposal, half: Answer | None, limits: ExecutionLimits, no_cache: bool = False
    ) -> AsyncIterator[SqlStatement | SqlResult]:
        """Store a new statement that the policy lets run, as approved and under way, and run it.

        Yields the statement when it is stored, then the result. Raises like approving; what could not be begun
        is stored as PROPOSED.
        """
        try:
            schema = await self._bound_schema(caller, proposal.statement)
        except RagsqlError:
            yield await self.sql.keep(caller, proposal, half)
            raise
        statement = await self.sql.keep(caller, proposal, half, runs=True)
        async with self._under_way(caller, statement, Approver.POLICY):
            yield statement
            begun = time.monotonic()
            result = await self._read(caller, statement, schema, limits, None if no_cache else self.results)
        yield await self._done(caller, result, Approver.POLICY, time.monotonic() - begun)

    async def _bound_schema(self, caller: Caller, statement: SqlStatement, fresh: bool = False) -> Schema:
        """The schema that a statement was written for. Raises SqlEtagMismatch when it is another one now."""
        schema = await self.sql.connected().schema(caller, fresh=fresh)
        if statement.etag != etag_of(caller, statement.sql, schema):
            raise SqlEtagMismatch(
                "The tables or columns have changed since the SQL was written. Ask the question again."
            )
        return schema

    @asynccontextmanager
    async def _under_way(self, caller: Caller, statement: SqlStatement, approver: Approver) -> AsyncGenerator[None]:
        """Note that it failed when the block does."""
        begun = time.monotonic()
        try:
            yield
        except BaseException as error:
            await to_the_end(self._failed(caller, statement, approver, time.monotonic() - begun, error))
            raise

    async def _done(self, caller: Caller, result: SqlResult, approver: Approver, seconds: float) -> SqlResult:
        done = replace(
            self._event(caller, result.statement, AuditAction.EXECUTED, approver),
            row_count=len(result.table.rows),
            cache_hit=result.cache_hit,
            duration_seconds=seconds,
        )
        await to_the_end(self._move(caller, result.statement, StatementState.EXECUTING, StatementState.EXECUTED, done))
        return replace(result, statement=replace(result.statement, state=StatementState.EXECUTED))

    async def _check_again(self, statement: SqlStatement, schema: Schema) -> None:
        """What was stored, perhaps by an older version, must be what the guard lets through now, word for word."""
        from service.domain.sql_guard import guard

        guarded = await asyncio.to_thread(guard, statement.sql, schema, MAX_STATEMENT_ROWS)
        if guarded.sql != statement.sql:
            raise SqlRejected("text", "The stored text is not what the guard would run. Ask the question again.")

    @traced("execute", lambda result: {"rows": len(result.table.rows), "cache_hit": result.cache_hit})
    async def _read(
        self,
        caller: Caller,
        statement: SqlStatement,
        schema: Schema,
        limits: ExecutionLimits,
        results: ResultCache | None,
    ) -> SqlResult:
        if results and (known := await results.get(caller, statement, schema.epoch, limits)):
            return known
        mark = await results.mark(caller) if results else ""
        read = self.sql.clock()
        table = await self.sql.connected().execute(caller, statement.sql, limits)
        result = SqlResult(statement, table, read)
        if results:
            await results.put(caller, result, schema.epoch, limits, mark)
        return result

    async def _failed(
        self, caller: Caller, statement: SqlStatement, approver: Approver, seconds: float, error: BaseException
    ) -> None:
        """A statement that reached no database is not used up."""
        why = error.message if isinstance(error, RagsqlError) else _why(error)
        event = replace(
            self._event(caller, statement, AuditAction.FAILED, approver), duration_seconds=seconds, detail=why
        )
        unreached = isinstance(error, UpstreamUnavailable)
        state = StatementState.PROPOSED if unreached else StatementState.FAILED
        await self._move(caller, statement, StatementState.EXECUTING, state, event)
        if isinstance(error, SqlExecutionFailed):
            await self.sql.drafts.forget(caller)

    async def _move(
        self, caller: Caller, statement: SqlStatement, old: StatementState, new: StatementState, event: AuditEvent
    ) -> bool:
        moved = await self.sql.records.move_statement(caller, statement.id, old, new, event)
        if moved:
            log_event(caller, event)
        return moved

    def _event(self, caller: Caller, statement: SqlStatement, action: AuditAction, approver: Approver) -> AuditEvent:
        return replace(event_of(caller, action, statement, self.sql.clock()), approver=approver)

    def _check_waiting(self, statement: SqlStatement) -> None:
        if statement.state is not StatementState.PROPOSED:
            raise SqlStateConflict(f"The statement is {statement.state}, and only a PROPOSED one can be executed.")
        if statement.expire_time <= self.sql.clock():
            raise SqlStateConflict("The statement has expired. Ask the question again.")


def _why(error: BaseException) -> str:
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return "The caller hung up while it ran."
    return f"The service failed: {type(error).__name__}."
