"""SQL by vanna's prompt and training, over our knowledge and our chat model. Nothing is run."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from service.adapters.sqlgen.candidates import Candidate, check
from service.adapters.sqlgen.checks import ONLY_READING, asks_to_write, draft
from service.adapters.sqlgen.coverage import asked_back
from service.adapters.sqlgen.prompt_text import question_text, table_line
from service.adapters.sqlgen.repair import repair_text
from service.adapters.sqlgen.reply import Declined
from service.adapters.sqlgen.vanna_reply import parse_vanna_reply
from service.adapters.sqlgen.vanna_session import VannaSession, open_session
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.schema_linking import Links, link, relevant_tables, words_of
from service.domain.sql import KnowledgeItem, Schema
from service.errors import SqlNotGenerated
from service.ports import CannotAnswer, ChatMessage, ChatModel, ChatOptions, ChatReply, Database, SqlDraft, SqlRequest

PROMPT_VERSION = 3
"""Raised whenever the same request would be prompted, trained, mended or rated differently."""
_MAX_TABLES = 25
_TEMPERATURES = (0.0, 0.0, 0.7)
_OPTIONS = ChatOptions(max_tokens=400, timeout_seconds=180.0)
_WARMING = ChatOptions(max_tokens=1, timeout_seconds=600.0)


@dataclass(slots=True)
class _Model:
    """A chat model for code that blocks in a thread. usage is that of all calls, cut that of the last."""

    chat: ChatModel
    caller: Caller
    loop: asyncio.AbstractEventLoop
    options: ChatOptions = _OPTIONS
    usage: Usage = field(default_factory=Usage)
    cut: bool = False
    _stopped: bool = False
    _asked: Future[ChatReply] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, messages: Sequence[ChatMessage]) -> str:
        """The reply's text. Raises what the model raises."""
        with self._lock:  # the model may begin, and its question be given up, before its future is known here
            if self._stopped:
                raise RuntimeError("the question was given up")
            asked = self._asked = asyncio.run_coroutine_threadsafe(
                self.chat.complete(self.caller, messages, self.options), self.loop
            )
        reply = asked.result()
        self.usage += reply.usage
        self.cut = reply.cut
        return reply.text

    async def waiting_for(self, blocking: Callable[[], str]) -> str:
        """What blocking returns in a thread. Whoever gives up waiting stops the model."""
        try:
            return await asyncio.to_thread(blocking)
        except BaseException:
            with self._lock:
                self._stopped = True
                if self._asked:
                    self._asked.cancel()
            raise


@dataclass(frozen=True, slots=True)
class VannaSqlGenerator:
    """A SqlGenerator over any chat model, for one database. Needs the extra `vanna`."""

    chat: ChatModel
    database: Database

    @property
    def version(self) -> str:
        return f"vanna {PROMPT_VERSION}, {self.chat.model}"

    @property
    def side_by_side(self) -> bool:
        """A model of this machine, which is the one that reads grammars, answers one after the other."""
        return not self.chat.supports_grammar

    async def generate(self, caller: Caller, request: SqlRequest) -> SqlDraft | CannotAnswer:
        if asks_to_write(request.question):
            return CannotAnswer(ONLY_READING, Usage())
        values = await self.database.find_values(caller, words_of(request.question))
        links = link(request.question, request.schema, values)
        asked = question_text(request, links.values, ())
        model = _Model(self.chat, caller, asyncio.get_running_loop())
        session = await asyncio.to_thread(_trained, request, links, model)
        write = partial(session.write, asked)
        problem = ""
        for attempt, temperature in enumerate(_TEMPERATURES):
            model.options = ChatOptions(_OPTIONS.max_tokens, temperature, _OPTIONS.timeout_seconds)
            text = await model.waiting_for(write)
            parsed = parse_vanna_reply(text)
            if isinstance(parsed, Declined) and not model.cut:
                return CannotAnswer(asked_back(parsed.reason, request, links), model.usage)
            sql = None if isinstance(parsed, Declined) else parsed
            result = await check(caller, self.database, sql, request, ChatReply(text, model.usage), attempt)
            if isinstance(result, Candidate):
                return await asyncio.to_thread(draft, result, request, links, model.usage)
            write = partial(session.write, asked)
            if not problem and not model.cut:
                write = partial(session.submit_prompt, _repairing(session, result, request.schema))
            problem = result
        raise SqlNotGenerated(f"No valid SQL could be written for this question. The last problem: {problem}")

    async def warm(self, caller: Caller, schema: Schema) -> None:
        """Import vanna, and have the model read its prompt up to the question, so that its server keeps it."""
        model = _Model(self.chat, caller, asyncio.get_running_loop(), _WARMING)
        session = await asyncio.to_thread(_trained, SqlRequest(".", schema), link(".", schema, ()), model)
        await model.waiting_for(partial(session.write, "."))


def _trained(request: SqlRequest, links: Links, model: _Model) -> VannaSession:
    """A session that knows the tables, and what was retrieved for the question."""
    session = open_session(request.schema.dialect, model.ask)
    tables = relevant_tables(request.schema, links, _MAX_TABLES)
    session.learn([_item(ddl=table_line(table)) for table in tables])
    session.learn(request.knowledge)
    if request.rule:
        session.learn([_item(documentation=request.rule)])
    return session


def _item(ddl: str = "", documentation: str = "") -> KnowledgeItem:
    return KnowledgeItem("", dt.datetime.now(dt.UTC), ddl, documentation)


def _repairing(session: VannaSession, problem: str, schema: Schema) -> list[ChatMessage]:
    text = repair_text(problem, schema)
    return [*session.prompt, ChatMessage("assistant", session.reply), ChatMessage("user", text)]
