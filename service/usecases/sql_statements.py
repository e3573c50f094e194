"""SQL for a question: propose a statement, decide whether it may run at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from service.domain.audit import Approver, AuditAction
from service.domain.caller import Caller
from service.domain.deciding import showing
from service.domain.questions import Answer, SqlPolicy
from service.domain.rules import statement_applies
from service.domain.schema_memo import structure
from service.domain.sql import MAX_STATEMENT_ROWS, Schema, SqlStatement, StatementState
from service.errors import NotConfigured, SqlNotGenerated
from service.ports import CannotAnswer, Database, RecordStore, SqlDraft, SqlGenerator, SqlRequest
from service.usecases.attempts import Attempts
from service.usecases.retrieve_knowledge import RetrieveKnowledge
from service.usecases.sql_audit import event_of, log_event
from service.usecases.sql_caches import DraftCache
from service.usecases.steps import step, traced

LIFETIME = dt.timedelta(hours=1)


def now() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A statement that is not stored yet, how far it may be trusted (0 to 1), and its rule.

    rule is empty when no rule was given or none is applied.
    """

    statement: SqlStatement
    confidence: float
    rule: str = ""


Accepts = Callable[[str, str], Awaitable[bool]]


async def any_statement(_sql: str, _rule: str) -> bool:
    """Whatever applies its rule will do."""
    return True


@dataclass(frozen=True, slots=True)
class ProposeSql:
    """Proposes statements over one database, each alive for lifetime. Without database or generator none is set up.

    knowledge finds what was taught for a question.
    """

    records: RecordStore
    database: Database | None
    generator: SqlGenerator | None
    drafts: DraftCache
    policy: SqlPolicy = SqlPolicy.AUTO_READ_ONLY
    lifetime: dt.timedelta = LIFETIME
    clock: Callable[[], dt.datetime] = now
    knowledge: RetrieveKnowledge | None = None

    @traced("generate_sql", lambda written: {"outcome": type(written).__name__})
    async def propose(
        self,
        caller: Caller,
        question: str,
        rules: Sequence[str] = (),
        no_cache: bool = False,
        accepts: Accepts = any_statement,
    ) -> Proposal | CannotAnswer:
        """Write a statement; nothing is run.

        rules are sentences of documents, the likeliest first, one of which it should apply. Each is tried by itself
        until a statement does apply it and accepts, given the statement and the rule, says yes, because a small model
        that reads several mixes them up; where the generator may be asked side by side, all but the likeliest at once.
        Where none does, the first statement that was written stays, or one without any rule, which may still turn out
        to apply one. Whatever wrote it, it is guarded here. Raises NotConfigured, SqlNotGenerated, SqlRejected,
        UpstreamUnavailable.
        """
        attempts = Attempts(partial(self._write, caller, question, no_cache))
        try:
            return await self._first_accepted(caller, question, rules, attempts, accepts)
        finally:
            await attempts.stop()

    async def _first_accepted(
        self, caller: Caller, question: str, rules: Sequence[str], attempts: Attempts, accepts: Accepts
    ) -> Proposal | CannotAnswer:
        first: SqlDraft | None = None
        for place, rule in enumerate(rules):
            if place == 1 and self.generator and self.generator.side_by_side:
                attempts.begin(rules[1:] if first else [*rules[1:], ""])
            try:
                written = await attempts(rule)
            except SqlNotGenerated:
                continue
            if isinstance(written, SqlDraft):
                first = first or written
                if statement_applies(written.sql, rule, question) and await accepts(written.sql, rule):
                    return await self._proposal(caller, question, written, rule)
        last = first or await attempts("")
        if isinstance(last, CannotAnswer):
            return last
        for rule in rules:
            if statement_applies(last.sql, rule, question) and await accepts(last.sql, rule):
                return await self._proposal(caller, question, last, rule)
        return await self._proposal(caller, question, last)

    async def _proposal(self, caller: Caller, question: str, draft: SqlDraft, rule: str = "") -> Proposal:
        schema = await self.connected().schema(caller)
        with step("guard"):
            guarded = await _guard(draft.sql, schema)
        statement = self._statement(caller, question, replace(draft, sql=guarded), schema)
        return Proposal(statement, draft.confidence, rule)

    async def showing(self, caller: Caller, proposal: Proposal, place: tuple[str, str]) -> Proposal:
        """The proposal with one more column, by its table and its name; as it is where none can be added."""
        schema, statement = await self.connected().schema(caller), proposal.statement
        sql = await asyncio.to_thread(showing, statement.sql, schema, place)
        if not sql:
            return proposal
        guarded = await _guard(sql, schema)
        tables = tuple(dict.fromkeys((*statement.tables, place[0])))
        changed = replace(statement, sql=guarded, tables=tables, etag=etag_of(caller, guarded, schema))
        return replace(proposal, statement=changed)

    async def keep(
        self, caller: Caller, proposal: Proposal, half: Answer | None = None, *, runs: bool = False
    ) -> SqlStatement:
        """Store the statement, with the half of the answer that needs no rows, and return it.

        runs says that the policy has it run at once: it is stored as EXECUTING, approved in the same transaction.
        """
        statement = replace(proposal.statement, state=StatementState.EXECUTING) if runs else proposal.statement
        event = event_of(caller, AuditAction.GENERATED, statement, statement.create_time)
        approved = event_of(caller, AuditAction.APPROVED, statement, self.clock()) if runs else None
        approved = replace(approved, approver=Approver.POLICY) if approved else None
        await self.records.save_statement(caller, statement, event, half, approved)
        for stored in (event, approved):
            if stored:
                log_event(caller, stored)
        return statement

    async def may_run_at_once(self, caller: Caller, wanted: SqlPolicy = SqlPolicy.UNSPECIFIED) -> bool:
        """Whether a statement may run without approval: no policy forbids it and the connection cannot write."""
        if SqlPolicy.REQUIRE_APPROVAL in (wanted, self.policy):
            return False
        return await self.connected().is_read_only(caller)

    def connected(self) -> Database:
        """The database. Raises NotConfigured."""
        if self.database is None:
            raise NotConfigured(
                "No database is connected: set DATABASE_URL, for example to sqlite:///path/to/file.db or "
                "postgresql://user:password@host:5432/name."
            )
        return self.database

    async def _write(self, caller: Caller, question: str, no_cache: bool, rule: str) -> SqlDraft | CannotAnswer:
        database = self.connected()
        if self.generator is None:
            raise NotConfigured(
                "No chat model is set up to write SQL. Run `ragsql models pull`, or set OPENAI_API_KEY."
            )
        schema = await database.schema(caller)
        knowledge = await self.knowledge(caller, question) if self.knowledge else ()
        request = SqlRequest(question, schema, knowledge, rule)
        return await self.drafts.generate(caller, self.generator, request, no_cache)

    def _statement(self, caller: Caller, question: str, draft: SqlDraft, schema: Schema) -> SqlStatement:
        created = self.clock()
        return SqlStatement(
            id=uuid.uuid4().hex,
            question=question,
            sql=draft.sql,
            dialect=schema.dialect,
            explanation=draft.explanation,
            tables=draft.tables,
            etag=etag_of(caller, draft.sql, schema),
            state=StatementState.PROPOSED,
            create_time=created,
            expire_time=created + self.lifetime,
        )


async def _guard(sql: str, schema: Schema) -> str:
    from service.domain.sql_guard_memo import guard_once, written_before

    known = written_before(sql, schema, MAX_STATEMENT_ROWS)
    return (known or await asyncio.to_thread(guard_once, sql, schema, MAX_STATEMENT_ROWS)).sql


def etag_of(caller: Caller, sql: str, schema: Schema) -> str:
    """What an approval is bound to: the text, who asked, and the tables and columns it was checked against."""
    parts = "\x1f".join((caller.tenant, caller.principal, schema.dialect, structure(schema), sql))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
