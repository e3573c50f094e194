"""SQL by a chat model: link, prompt, parse, guard, plan, and repair at most twice. Nothing is run."""

from __future__ import annotations

import asyncio
import difflib
import re
from dataclasses import dataclass, replace

from service.adapters.sqlgen.confidence import rate
from service.adapters.sqlgen.explanation import explain
from service.adapters.sqlgen.knowledge import nearest
from service.adapters.sqlgen.literals import ground
from service.adapters.sqlgen.mend import mend
from service.adapters.sqlgen.prompt_text import question_text, repair_text, schema_text, system_text
from service.adapters.sqlgen.reply import GRAMMAR, Declined, parse_reply
from service.adapters.sqlgen.restate import OPTIONS as RESTATING
from service.adapters.sqlgen.restate import restated_question, restating_messages
from service.adapters.sqlgen.shape import complete
from service.adapters.sqlgen.shape_counts import check_counts
from service.adapters.sqlgen.style import style_messages
from service.adapters.sqlgen.units import conversions
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.schema_keys import with_inferred_keys
from service.domain.schema_linking import Links, link, name_parts, relevant_tables, words_of
from service.domain.sql import MAX_STATEMENT_ROWS, Schema
from service.domain.sql_guard import GuardedSql, guard
from service.errors import SqlExecutionFailed, SqlNotGenerated, SqlRejected, SqlTimeout
from service.ports import CannotAnswer, ChatMessage, ChatModel, ChatOptions, Database, SqlDraft, SqlRequest

_MAX_TABLES = 25
_MAX_TOKENS = 250
_SECONDS = 180.0
_WARM_SECONDS = 600.0
_TEMPERATURES = (0.0, 0.0, 0.7)
"""A first try, its repair, and a fresh try: a small model repeats a wrong statement word for word when asked again."""
_WRITE = re.compile(
    r"^\W*(please\s+|can you\s+|could you\s+)?"
    r"(delete|drop|truncate|insert|update|remove|erase|alter|create|grant|revoke)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PromptSqlGenerator:
    """A SqlGenerator over any chat model, for one database."""

    chat: ChatModel
    database: Database

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        if _WRITE.match(request.question):
            return CannotAnswer("The question asks to change data, and only reading is possible.", Usage())
        request = replace(request, schema=with_inferred_keys(request.schema))
        usage = Usage()
        if request.rule:
            reply = await self.chat.complete(caller, restating_messages(request), RESTATING)
            usage += reply.usage
            restated = restated_question(reply.text, request)
            if not restated:
                return CannotAnswer("The rule does not decide what to select.", usage)
            request = replace(request, question=restated, rule="")
        return await self._write(caller, request, usage)

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """Have the model read both prompts up to the question, so that its server keeps them."""
        request = SqlRequest(".", with_inferred_keys(schema), rule=".")
        options = ChatOptions(max_tokens=1, timeout_seconds=_WARM_SECONDS)
        for messages in (restating_messages(request), _first_messages(request, link(".", schema, ()))):
            await self.chat.complete(caller, messages, options)

    async def _write(self, caller: Caller, request: SqlRequest, usage: Usage) -> SqlDraft | CannotAnswer:
        values = await self.database.find_values(caller, words_of(request.question))
        # A number of a question is rarely the text that a column of keys happens to hold.
        values = [match for match in values if not match.value.isdigit()]
        links = link(request.question, request.schema, values)
        first = _first_messages(request, links)
        messages, problem = first, ""
        for temperature in _TEMPERATURES:
            options = ChatOptions(
                max_tokens=_MAX_TOKENS,
                temperature=temperature,
                grammar=GRAMMAR,
                timeout_seconds=_SECONDS,
                logprobs=True,
            )
            reply = await self.chat.complete(caller, messages, options)
            usage += reply.usage
            parsed = parse_reply(reply.text)
            if isinstance(parsed, Declined):
                return CannotAnswer(parsed.reason, usage)
            result = await self._check(caller, parsed, request)
            if isinstance(result, GuardedSql):
                return await asyncio.to_thread(_draft, result, request, links, usage)
            repairable = not problem and not reply.cut
            problem = result
            messages = [*first, *_repairing(reply.text, problem, request.schema)] if repairable else first
        raise SqlNotGenerated(f"No valid SQL could be written for this question. The last problem: {problem}")

    async def _check(self, caller: Caller, sql: str | None, request: SqlRequest) -> GuardedSql | str:
        """The guarded statement, or what is wrong with it."""
        if sql is None:
            return "The reply must be exactly one fenced sql block with one SELECT."
        try:
            guarded = await asyncio.to_thread(_guard_mended, sql, request)
            grounded = await ground(caller, self.database, guarded.sql, request.schema)
            if grounded != guarded.sql:
                guarded = await asyncio.to_thread(_guard_mended, grounded, request)
            await self.database.explain(caller, guarded.sql)
        except (SqlRejected, SqlExecutionFailed, SqlTimeout) as error:
            return error.message
        return guarded


def _first_messages(request: SqlRequest, links: Links) -> list[ChatMessage]:
    tables = relevant_tables(request.schema, links, _MAX_TABLES)
    knowledge = nearest(request.question, request.knowledge)
    asked = question_text(request, links.values, knowledge)
    return [
        ChatMessage("system", system_text(request.schema.dialect)),
        *style_messages(request.schema.dialect),
        ChatMessage(
            "user", f"Now another database, with no other tables than these:\n{schema_text(tables)}\n\n{asked}"
        ),
    ]


def _guard_mended(sql: str, request: SqlRequest) -> GuardedSql:
    mended = mend(sql, request.question, request.schema)
    completed = complete(mended.sql, request.question, request.schema, conversions(request.question, request.schema))
    guarded = guard(completed, request.schema, MAX_STATEMENT_ROWS)
    check_counts(guarded.sql, request.schema.dialect)
    return guarded


def _draft(guarded: GuardedSql, request: SqlRequest, links: Links, usage: Usage) -> SqlDraft:
    draft = SqlDraft(guarded.sql, guarded.tables, explain(guarded.sql, request.schema.dialect), usage)
    return replace(draft, confidence=rate(guarded, request, links))


def _repairing(reply: str, problem: str, schema: Schema) -> list[ChatMessage]:
    text = repair_text(problem, _nearest_names(problem, schema))
    return [ChatMessage("assistant", reply), ChatMessage("user", text)]


def _nearest_names(problem: str, schema: Schema) -> list[str]:
    """Real names that are spelled like the ones quoted in a problem."""
    wanted = re.findall(r"'([^']+)'|(?:table|column:?) (?:\w+\.)?(\w+)", problem)
    names = {f"{t.name}.{c.name}": c.name for t in schema.tables for c in t.columns} | {
        t.name: t.name for t in schema.tables
    }
    if "no table" in problem:
        return [table.name for table in schema.tables][:_MAX_TABLES]
    lowered = {full: short.lower() for full, short in names.items()}
    found: list[str] = []
    for first, second in wanted[:3]:
        name = first or second
        close = set(difflib.get_close_matches(name.lower(), set(lowered.values()), n=3, cutoff=0.6))
        parts = set(name_parts(name))
        found.extend(full for full, short in lowered.items() if short in close)
        found.extend(full for full, short in names.items() if parts.intersection(name_parts(short)))
    return list(dict.fromkeys(found))[:8]
