"""SQL by a chat model: link, prompt, mend, guard, plan, and repair at most twice. Nothing is run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.adapters.sqlgen.candidates import Candidate, check
from service.adapters.sqlgen.checks import ONLY_READING, asks_to_write, draft
from service.adapters.sqlgen.confidence import Rater, rate
from service.adapters.sqlgen.coverage import asked_back
from service.adapters.sqlgen.prompt_text import question_text, schema_text, system_text
from service.adapters.sqlgen.repair import repairing
from service.adapters.sqlgen.reply import GRAMMAR, Declined, parse_reply
from service.adapters.sqlgen.restate import OPTIONS as RESTATING
from service.adapters.sqlgen.restate import by_kinds, restated_question, restating_messages
from service.adapters.sqlgen.style import style_messages
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.rule_clauses import spelled_out
from service.domain.schema_linking import Links, link, relevant_tables, with_singulars, words_of
from service.domain.sql import Schema
from service.errors import SqlNotGenerated
from service.ports import CannotAnswer, ChatMessage, ChatModel, ChatOptions, Database, SqlDraft, SqlRequest

PROMPT_VERSION = 5
"""Raised whenever the same request would be prompted, mended or rated differently."""
_MAX_TABLES = 25
_MAX_TOKENS = 250
_SECONDS = 60.0
_LOCAL_SECONDS = 180.0
_WARM_SECONDS = 600.0
_ATTEMPTS = 3
_REPAIR_TEMPERATURE = 0.4
"""A small model repeats a wrong statement word for word when it is asked again at 0."""
_FRESH_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class PromptSqlGenerator:
    """A SqlGenerator over any chat model, for one database. rating says how far a statement may be trusted."""

    chat: ChatModel
    database: Database
    rating: Rater = rate

    @property
    def version(self) -> str:
        return f"prompt {PROMPT_VERSION}, {self.chat.model}"

    @property
    def side_by_side(self) -> bool:
        """A model of this machine, which is the one that reads grammars, answers one after the other."""
        return not self.chat.supports_grammar

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        if asks_to_write(request.question):
            return CannotAnswer(ONLY_READING, Usage())
        usage = Usage()
        words = words_of(request.question)
        if request.rule:
            request = replace(request, rule=spelled_out(request.rule))
            reply = await self.chat.complete(caller, restating_messages(request), RESTATING)
            usage += reply.usage
            named = await self.database.find_values(caller, with_singulars(words_of(request.question)))
            restated = restated_question(reply.text, request, named)
            if not restated:
                kinds = await self.database.find_values(caller, with_singulars(words_of(request.rule)))
                restated = by_kinds(request, kinds)
            if not restated:
                return CannotAnswer("The rule does not decide what to select.", usage)
            request = replace(request, question=restated, rule="")
            words = with_singulars(words_of(restated))
        return await self._write(caller, request, usage, words)

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """Have the model read both prompts up to the question, so that its server keeps them."""
        request = SqlRequest(".", schema, rule=".")
        options = ChatOptions(max_tokens=1, timeout_seconds=_WARM_SECONDS)
        for messages in (restating_messages(request), _first_messages(request, link(".", schema, ()))):
            await self.chat.complete(caller, messages, options)

    async def _write(
        self, caller: Caller, request: SqlRequest, usage: Usage, words: Sequence[str]
    ) -> SqlDraft | CannotAnswer:
        values = await self.database.find_values(caller, words)
        # A number of a question is rarely the text that a column of keys happens to hold.
        links = link(request.question, request.schema, [match for match in values if not match.value.isdigit()])
        first = _first_messages(request, links)
        messages, problem = first, ""
        for attempt in range(_ATTEMPTS):
            reply = await self.chat.complete(caller, messages, self._options(attempt, messages is not first))
            usage += reply.usage
            parsed = parse_reply(reply.text)
            if isinstance(parsed, Declined):
                return CannotAnswer(asked_back(parsed.reason, request, links), usage)
            result = await check(caller, self.database, parsed, request, reply, attempt)
            if isinstance(result, Candidate):
                return await asyncio.to_thread(draft, result, request, links, usage, self.rating)
            messages = first if problem or reply.cut else [*first, *repairing(reply.text, result, request.schema)]
            problem = result
        raise SqlNotGenerated(f"No valid SQL could be written for this question. The last problem: {problem}")

    def _options(self, attempt: int, repairs: bool) -> ChatOptions:
        temperature = 0.0 if not attempt else _REPAIR_TEMPERATURE if repairs else _FRESH_TEMPERATURE
        return ChatOptions(
            max_tokens=_MAX_TOKENS,
            temperature=temperature,
            grammar=GRAMMAR,
            timeout_seconds=_LOCAL_SECONDS if self.chat.supports_grammar else _SECONDS,
            logprobs=self.chat.supports_grammar,
            seed=attempt,
        )


def _first_messages(request: SqlRequest, links: Links) -> list[ChatMessage]:
    tables = relevant_tables(request.schema, links, _MAX_TABLES)
    known = schema_text(request.schema, tables)
    asked = question_text(request, links.values, request.knowledge)
    return [
        ChatMessage("system", system_text(request.schema.dialect)),
        *style_messages(request.schema.dialect),
        ChatMessage("user", f"Now another database, with no other tables than these:\n{known}\n\n{asked}"),
    ]
