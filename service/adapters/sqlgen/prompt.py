"""SQL by a chat model: link, prompt, parse, guard, plan, and repair at most twice. Nothing is run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from service.adapters.sqlgen.checks import ONLY_READING, asks_to_write, check, draft, nearest_names
from service.adapters.sqlgen.prompt_text import question_text, repair_text, schema_text, system_text
from service.adapters.sqlgen.reply import GRAMMAR, Declined, parse_reply
from service.adapters.sqlgen.restate import OPTIONS as RESTATING
from service.adapters.sqlgen.restate import restated_question, restating_messages
from service.adapters.sqlgen.style import style_messages
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.schema_linking import Links, link, relevant_tables, words_of
from service.domain.sql import Schema
from service.domain.sql_guard import GuardedSql
from service.errors import SqlNotGenerated
from service.ports import CannotAnswer, ChatMessage, ChatModel, ChatOptions, Database, SqlDraft, SqlRequest

PROMPT_VERSION = 1
"""Raised whenever the same request would be prompted, mended or rated differently."""
_MAX_TABLES = 25
_MAX_TOKENS = 250
_SECONDS = 180.0
_WARM_SECONDS = 600.0
_TEMPERATURES = (0.0, 0.0, 0.7)
"""A first try, its repair, and a fresh try: a small model repeats a wrong statement word for word when asked again."""


@dataclass(frozen=True, slots=True)
class PromptSqlGenerator:
    """A SqlGenerator over any chat model, for one database."""

    chat: ChatModel
    database: Database

    @property
    def version(self) -> str:
        return f"prompt {PROMPT_VERSION}, {self.chat.model}"

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        if asks_to_write(request.question):
            return CannotAnswer(ONLY_READING, Usage())
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
        request = SqlRequest(".", schema, rule=".")
        options = ChatOptions(max_tokens=1, timeout_seconds=_WARM_SECONDS)
        for messages in (restating_messages(request), _first_messages(request, link(".", schema, ()))):
            await self.chat.complete(caller, messages, options)

    async def _write(self, caller: Caller, request: SqlRequest, usage: Usage) -> SqlDraft | CannotAnswer:
        values = await self.database.find_values(caller, words_of(request.question))
        links = link(request.question, request.schema, values)
        first = _first_messages(request, links)
        messages, problem = first, ""
        for temperature in _TEMPERATURES:
            options = ChatOptions(
                max_tokens=_MAX_TOKENS, temperature=temperature, grammar=GRAMMAR, timeout_seconds=_SECONDS
            )
            reply = await self.chat.complete(caller, messages, options)
            usage += reply.usage
            parsed = parse_reply(reply.text)
            if isinstance(parsed, Declined):
                return CannotAnswer(parsed.reason, usage)
            result = await check(caller, self.database, parsed, request)
            if isinstance(result, GuardedSql):
                return await asyncio.to_thread(draft, result, request, links, usage)
            repairable = not problem and not reply.cut
            problem = result
            messages = [*first, *_repairing(reply.text, problem, request.schema)] if repairable else first
        raise SqlNotGenerated(f"No valid SQL could be written for this question. The last problem: {problem}")


def _first_messages(request: SqlRequest, links: Links) -> list[ChatMessage]:
    tables = relevant_tables(request.schema, links, _MAX_TABLES)
    asked = question_text(request, links.values, request.knowledge)
    return [
        ChatMessage("system", system_text(request.schema.dialect)),
        *style_messages(),
        ChatMessage(
            "user", f"Now another database, with no other tables than these:\n{schema_text(tables)}\n\n{asked}"
        ),
    ]


def _repairing(reply: str, problem: str, schema: Schema) -> list[ChatMessage]:
    text = repair_text(problem, nearest_names(problem, schema))
    return [ChatMessage("assistant", reply), ChatMessage("user", text)]
