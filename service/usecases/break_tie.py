"""Ask a chat model which sources a question needs, where the evidence leaves that open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from service.domain.caller import Caller
from service.domain.questions import Question, Route
from service.ports import ChatMessage, ChatModel
from service.usecases.first_word import examples, first_word

INSTRUCTION = (
    "A question is answered from documents, which hold rules, prices and procedures, from a database, which holds "
    "records of what is and what happened, or from both. Say what is needed.\n"
    "A: the documents alone. The question asks what the rule is.\n"
    "B: the database alone. The question asks what the records say.\n"
    "C: both. Records have to be held against a rule, or a rule applied to somebody in the records.\n"
    "Reply with one letter."
)
LETTERS = {"a": Route.DOCUMENTS, "b": Route.SQL, "c": Route.HYBRID}
EXAMPLES = (
    ("What does a day ticket cost?", "A"),
    ("How much did we spend with suppliers in Lyon?", "B"),
    ("By when must Anna Roth bring her drill back?", "C"),
    ("Who has to agree to an expensive order?", "A"),
    ("Which cars stood longer than they may?", "C"),
    ("Which tools has Anna Roth not returned?", "B"),
    ("Which car came most often in May?", "B"),
    ("How many tools may I take home?", "A"),
    ("How many orders had to be approved last year?", "C"),
)
TIMEOUT_SECONDS = 8.0
LONGEST_QUESTION = 1000
"""Characters: of a longer question the end is shown, where it asks."""
LEAST = 0.05
"""No route counts as less likely to the model: a reply without probabilities must not outweigh all evidence."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """How likely each route is to the model; empty when it said none. final is false when it may say so next time."""

    routes: dict[Route, float]
    final: bool = True


@dataclass(frozen=True, slots=True)
class BreakTie:
    """One token of a chat model over the question alone: what the sources hold was weighed already."""

    chat: ChatModel

    async def __call__(self, caller: Caller, question: Question) -> Opinion:
        """A model that fails or is too slow has no opinion."""
        messages = [*_examples(), ChatMessage("user", _asked(question.text[-LONGEST_QUESTION:]))]
        said = await first_word(self.chat, caller, messages, TIMEOUT_SECONDS)
        likely = {LETTERS[word]: math.exp(said.logarithms[word]) for word in LETTERS if word in said.logarithms}
        routes = {route: max(LEAST, likely.get(route, 0.0)) for route in LETTERS.values()} if likely else {}
        return Opinion(routes, said.final)


@lru_cache(maxsize=1)
def _examples() -> tuple[ChatMessage, ...]:
    return examples(INSTRUCTION, [(_asked(question), reply) for question, reply in EXAMPLES])


def _asked(question: str) -> str:
    return f"Question: {question}\nA, B or C?"
