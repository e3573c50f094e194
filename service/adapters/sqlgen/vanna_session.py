"""What vanna's legacy class works on: the knowledge of one question, and our chat model. Nothing can be run by it."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NoReturn, cast

from service.domain.knowledge import KnowledgeKind, KnowledgeRecord, kind_of, record_of
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.ports import ChatMessage

_MAX_PROMPT_TOKENS = 6000
_NOW = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_RUNNING = ("ask", "run_sql", "generate_plotly_code", "get_plotly_figure")
_DIALECTS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class VannaSession:
    """A vector store and a chat model in the words of vanna.legacy.base.VannaBase, which open_session adds.

    Records have the layout that vanna's own stores give them. ask sends messages to the model and returns its text.
    """

    def __init__(self, dialect: str, ask: Callable[[Sequence[ChatMessage]], str]) -> None:
        base: Any = super()
        base.__init__(config={"dialect": _DIALECTS[dialect], "max_tokens": _MAX_PROMPT_TOKENS})
        self._ask = ask
        self._records: dict[KnowledgeKind, dict[str, KnowledgeRecord]] = {kind: {} for kind in KnowledgeKind}
        self.prompt: list[ChatMessage] = []
        self.reply = ""

    def learn(self, items: Sequence[KnowledgeItem]) -> None:
        """Train on the items: vanna's training plan, which adds each in its namespace."""
        vanna_types: Any = importlib.import_module("vanna.legacy.types")
        item_type = vanna_types.TrainingPlanItem
        kinds = {
            KnowledgeKind.DDL: item_type.ITEM_TYPE_DDL,
            KnowledgeKind.DOCUMENTATION: item_type.ITEM_TYPE_IS,
            KnowledgeKind.EXAMPLE: item_type.ITEM_TYPE_SQL,
        }
        plan = [
            item_type(
                item_type=kinds[kind_of(item)],
                item_group="",
                item_name=item.example.question if item.example else "",
                item_value=item.example.sql if item.example else item.ddl or item.documentation,
            )
            for item in items
        ]
        cast(Any, self).train(plan=vanna_types.TrainingPlan(plan))

    def write(self, question: str) -> str:
        """What the model replies to vanna's prompt."""
        cast(Any, self).generate_sql(question)
        return self.reply

    def submit_prompt(self, prompt: Sequence[ChatMessage], **_: Any) -> str:
        """Send a prompt to our model."""
        self.prompt = list(prompt)
        self.reply = self._ask(prompt)
        return self.reply

    def extract_sql(self, llm_response: str) -> str:
        """The whole reply: the generator takes the statement out of it, because vanna would take the last of many."""
        return llm_response

    def add_ddl(self, ddl: str, **_: Any) -> str:
        """The record's id."""
        return self._add(KnowledgeItem("", _NOW, ddl=ddl))

    def add_documentation(self, documentation: str, **_: Any) -> str:
        """The record's id."""
        return self._add(KnowledgeItem("", _NOW, documentation=documentation))

    def add_question_sql(self, question: str, sql: str, **_: Any) -> str:
        """The record's id."""
        return self._add(KnowledgeItem("", _NOW, example=ExampleQuery(question, sql)))

    def get_related_ddl(self, question: str, **_: Any) -> list[str]:
        """All of them: what is here was retrieved for the question."""
        return self._contents(KnowledgeKind.DDL)

    def get_related_documentation(self, question: str, **_: Any) -> list[str]:
        """All of them: what is here was retrieved for the question."""
        return self._contents(KnowledgeKind.DOCUMENTATION)

    def get_similar_question_sql(self, question: str, **_: Any) -> list[dict[str, str]]:
        """All of them: what is here was retrieved for the question."""
        return [json.loads(content) for content in self._contents(KnowledgeKind.EXAMPLE)]

    def get_training_data(self, **_: Any) -> Any:
        """A data frame with the columns of vanna's own stores."""
        pandas: Any = importlib.import_module("pandas")
        rows = [
            (
                record.id,
                json.loads(content)["question"] if kind is KnowledgeKind.EXAMPLE else None,
                content,
                kind.value,
            )
            for kind, records in self._records.items()
            for record in records.values()
            for content in record.metadata.values()
        ]
        return pandas.DataFrame(rows, columns=["id", "question", "content", "training_data_type"])

    def remove_training_data(self, id: str, **_: Any) -> bool:
        """Whether it was here."""
        return any(records.pop(id, None) for records in self._records.values())

    def generate_embedding(self, data: str, **_: Any) -> NoReturn:
        """What is here was found by vectors before; none is made here."""
        raise NotImplementedError("The knowledge of a question is retrieved before vanna sees it.")

    def system_message(self, message: str) -> ChatMessage:
        """In vanna's words."""
        return ChatMessage("system", message)

    def user_message(self, message: str) -> ChatMessage:
        """In vanna's words."""
        return ChatMessage("user", message)

    def assistant_message(self, message: str) -> ChatMessage:
        """In vanna's words."""
        return ChatMessage("assistant", message)

    def log(self, message: str, title: str = "") -> None:
        """Prompts are not printed: they hold what is stored."""

    def _add(self, item: KnowledgeItem) -> str:
        record = record_of(item)
        self._records[record.namespace].setdefault(record.id, record)
        return record.id

    def _contents(self, kind: KnowledgeKind) -> list[str]:
        return [record.metadata[kind.value] for record in self._records[kind].values()]


def open_session(dialect: str, ask: Callable[[Sequence[ChatMessage]], str]) -> VannaSession:
    """A session of vanna's class. The first one imports vanna, which takes seconds: call it in a thread."""
    return _session_class()(dialect, ask)


@cache
def _session_class() -> type[VannaSession]:
    base: Any = importlib.import_module("vanna.legacy.base").VannaBase
    refused = {name: _refuse for name in dir(base) if name in _RUNNING or name.startswith("connect_to_")}
    made = types.new_class("VannaBaseSession", (VannaSession, base), exec_body=lambda body: body.update(refused))
    return cast("type[VannaSession]", made)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("vanna writes SQL here and runs nothing.")
