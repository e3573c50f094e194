"""What the database has to be asked before the documents can be: a question that rests on a name only it knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain.caller import Caller
from service.domain.question_form import PERIOD
from service.domain.questions import Usage
from service.domain.sql import Schema, SchemaTable
from service.ports import ChatMessage, ChatModel, ChatOptions

INSTRUCTION = (
    "Rules and a question come together. You write the question that must be asked of the tables first, so that it is "
    "known which rule applies. Ask for what is stored alone, named as the tables name it, and keep every name and date "
    "of the question. Reply with one question."
)
_TOY = (
    "Tables: Coach(FirstName, LastName), Member(FirstName, LastName, Level, Country), Visit(VisitDate, Fee), "
    "Purchase(Price, Pieces), Item(Name, Seconds), Brand(Name)"
)
EXAMPLES = (
    ("Brand: Acme, Bolt; Discount: 5 %", "What discount is there on the brand that has sold best?",
     "Which brand has the highest total sales?"),
    ("Fee: above $50.00; Agreed by: Head Coach", "Bo Lee wants the money for her visits in May 2019 back. Who agrees?",
     "What are the visit dates and fees of the member Bo Lee in May 2019?"),
    ("Gold members keep a locker for a year, silver members for a month.", "How long may Ana Ruiz keep her locker?",
     "What is the level of the member Ana Ruiz?"),
    ("No coach trains more than 15 members.", "Does Carl Orff train more people than he may?",
     "How many members does the coach Carl Orff train?"),
    ("Guests from Italy pay $3, guests from Spain $4.", "What do people from our commonest country pay?",
     "Which country has the most members?"),
)  # fmt: skip
"""The rules, a question, and what is looked up for it."""
_OPTIONS = ChatOptions(max_tokens=60)
_MAX_TABLES = 25
_MAX_RULES = 3
_LONGEST_RULE = 300


@dataclass(frozen=True, slots=True)
class LookUp:
    """One short reply of a chat model."""

    chat: ChatModel

    async def __call__(
        self, caller: Caller, question: str, rules: Sequence[str], schema: Schema, names: Sequence[str]
    ) -> tuple[str, Usage]:
        """The question for the database, empty when there is none, and what it cost.

        Raises NotConfigured, UpstreamUnavailable.
        """
        tables = ", ".join(_table_text(table) for table in schema.tables[:_MAX_TABLES])
        shown = " ".join(rule[:_LONGEST_RULE] for rule in rules[:_MAX_RULES])
        asked = ChatMessage("user", f"Now other tables: {tables}\n{_asked(shown, question)}")
        reply = await self.chat.complete(caller, [*_examples(), asked], _OPTIONS)
        return looked_up(reply.text, question, names), reply.usage


def looked_up(reply: str, question: str, names: Sequence[str]) -> str:
    """The question of the reply with the names and the periods that it lost; empty when it is the first one again."""
    text = reply.strip().split("\n")[0].strip()
    if not text.endswith("?") or text.casefold() == question.strip().casefold():
        return ""
    said = text.casefold()
    lost = [name for name in names if name.casefold() not in said]
    periods = [period for period in PERIOD.findall(question) if period.casefold() not in said]
    added = "".join(f" of {name}" for name in lost) + "".join(f" in {period}" for period in periods)
    return f"{text.rstrip('? ')}{added}?"


@lru_cache(maxsize=1)
def _examples() -> tuple[ChatMessage, ...]:
    messages = [ChatMessage("system", INSTRUCTION)]
    for rules, question, reply in EXAMPLES:
        tables = f"{_TOY}\n" if len(messages) == 1 else ""
        messages += [ChatMessage("user", f"{tables}{_asked(rules, question)}"), ChatMessage("assistant", reply)]
    return tuple(messages)


def _asked(rules: str, question: str) -> str:
    return f"Rules: {rules}\nQuestion: {question}"


def _table_text(table: SchemaTable) -> str:
    keys = {name for key in table.foreign_keys for name in key.columns} | set(table.primary_key)
    names = re.sub(r"\s+", " ", ", ".join(column.name for column in table.columns if column.name not in keys))
    return f"{table.name}({names})"
