"""SQL for a question: propose a statement, decide whether it may run at once, run it."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.questions import SqlPolicy, Usage
from service.domain.rules import statement_applies
from service.domain.sql import (
    MAX_STATEMENT_ROWS,
    ExecutionLimits,
    Schema,
    SqlResult,
    SqlStatement,
    StatementState,
)
from service.errors import NotConfigured, SqlEtagMismatch, SqlNotGenerated, SqlStateConflict
from service.ports import CannotAnswer, Database, RecordStore, SqlDraft, SqlGenerator, SqlRequest
from service.usecases.retrieve_knowledge import RetrieveKnowledge

LIFETIME = dt.timedelta(hours=1)


def now() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A stored statement that waits, how far it may be trusted (0 to 1), what writing it cost, and the rule it applies.

    rule is empty when no rule was given or none is applied.
    """

    statement: SqlStatement
    confidence: float
    usage: Usage
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SqlRunner:
    """Proposes and runs statements over one database. database and generator are None when none is set up.

    knowledge finds what was taught for a question.
    """

    records: RecordStore
    database: Database | None
    generator: SqlGenerator | None
    policy: SqlPolicy = SqlPolicy.AUTO_READ_ONLY
    clock: Callable[[], dt.datetime] = now
    knowledge: RetrieveKnowledge | None = None

    async def propose(self, caller: Caller, question: str, rules: Sequence[str] = ()) -> Proposal | CannotAnswer:
        """Write a statement and store it PROPOSED; nothing is run.

        rules are sentences of documents, the likeliest first, one of which it should apply. Each is tried by itself
        until a statement does apply it, because a small model that reads several mixes them up. Where none does, the
        first statement that was written stays, or one without any rule. Raises NotConfigured, SqlNotGenerated,
        UpstreamUnavailable.
        """
        usage = Usage()
        best: SqlDraft | None = None
        applied = ""
        for rule in rules:
            try:
                written = await self._write(caller, question, rule)
            except SqlNotGenerated:
                continue
            usage += written.usage
            if isinstance(written, SqlDraft):
                best = best or written
                if statement_applies(written.sql, rule, question):
                    best, applied = written, rule
                    break
        last = best or await self._write(caller, question)
        usage += Usage() if best else last.usage
        if isinstance(last, CannotAnswer):
            return replace(last, usage=usage)
        return await self._keep(caller, question, replace(last, usage=usage), applied)

    async def _write(self, caller: Caller, question: str, rule: str = "") -> SqlDraft | CannotAnswer:
        database = self.connected()
        if self.generator is None:
            raise NotConfigured(
                "No chat model is set up to write SQL. Run `ragsql models pull`, or set OPENAI_API_KEY."
            )
        schema = await database.schema(caller)
        knowledge = await self.knowledge(caller, question) if self.knowledge else ()
        return await self.generator.generate(caller, SqlRequest(question, schema, knowledge, rule))

    async def _keep(self, caller: Caller, question: str, draft: SqlDraft, rule: str) -> Proposal:
        schema = await self.connected().schema(caller)
        created = self.clock()
        statement = SqlStatement(
            id=uuid.uuid4().hex,
            question=question,
            sql=draft.sql,
            dialect=schema.dialect,
            explanation=draft.explanation,
            tables=draft.tables,
            etag=etag_of(caller, draft.sql, schema),
            state=StatementState.PROPOSED,
            create_time=created,
            expire_time=created + LIFETIME,
        )
        await self.records.save_statement(caller, statement)
        return Proposal(statement, draft.confidence, draft.usage, rule)

    async def may_run_at_once(self, caller: Caller, wanted: SqlPolicy = SqlPolicy.UNSPECIFIED) -> bool:
        """Whether a statement may run without approval: no policy forbids it and the connection cannot write."""
        if SqlPolicy.REQUIRE_APPROVAL in (wanted, self.policy):
            return False
        return await self.connected().is_read_only(caller)

    async def run(self, caller: Caller, statement: SqlStatement, limits: ExecutionLimits) -> SqlResult:
        """Run a PROPOSED statement once, against today's schema, and store how it went.

        Raises SqlStateConflict, SqlEtagMismatch, SqlRejected, SqlTimeout, SqlExecutionFailed, UpstreamUnavailable.
        """
        from service.domain.sql_guard import guard

        database = self.connected()
        self._check_waiting(statement)
        schema = await database.schema(caller)
        if statement.etag != etag_of(caller, statement.sql, schema):
            raise SqlEtagMismatch("The statement was made for another schema. Ask the question again.")
        guarded = guard(statement.sql, schema, MAX_STATEMENT_ROWS)
        moved = await self.records.move_statement(
            caller, statement.id, StatementState.PROPOSED, StatementState.EXECUTED
        )
        if not moved:
            raise SqlStateConflict("The statement was executed or rejected meanwhile. Ask the question again.")
        try:
            table = await database.execute(caller, guarded.sql, limits)
        except BaseException:
            await self.records.move_statement(caller, statement.id, StatementState.EXECUTED, StatementState.FAILED)
            raise
        return SqlResult(replace(statement, state=StatementState.EXECUTED), table)

    def connected(self) -> Database:
        """The database. Raises NotConfigured."""
        if self.database is None:
            raise NotConfigured(
                "No database is connected: set DATABASE_URL, for example to sqlite:///path/to/file.db or "
                "postgresql://user:password@host:5432/name."
            )
        return self.database

    def _check_waiting(self, statement: SqlStatement) -> None:
        if statement.state is not StatementState.PROPOSED:
            raise SqlStateConflict(f"The statement is {statement.state}, and only a PROPOSED one can be executed.")
        if statement.expire_time <= self.clock():
            raise SqlStateConflict("The statement has expired. Ask the question again.")


def etag_of(caller: Caller, sql: str, schema: Schema) -> str:
    """What an approval is bound to: the text, who asked, and the schema it was checked against."""
    parts = "\x1f".join((caller.tenant, caller.principal, schema.dialect, schema.epoch, sql))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
