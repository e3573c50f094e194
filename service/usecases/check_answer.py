"""Ask a chat model whether passages state the answer: what a reader finds likely may still be about something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain.caller import Caller
from service.domain.questions import Usage
from service.ports import ChatMessage, ChatModel
from service.usecases.compose_answer import best_of, statement_of
from service.usecases.first_word import examples, first_word
from service.usecases.read_passages import Evidence

INSTRUCTION = (
    "You check whether a text states the answer to a question. The text must state the exact fact that is asked for; "
    "related facts are not enough. Reply with yes or no."
)
EXAMPLES = (
    (
        "Tickets: Adult: Ticket: Adult; Price: 9 euro; Under 15: free. The museum shop sells posters.",
        "How much do I pay to get in as a grown-up?",
        "yes",
    ),
    (
        "Tickets: The museum shop sells posters. Guided tours start at 11:00 and last an hour.",
        "What does a guided tour cost?",
        "no",
    ),
    (
        "Staff parking: Park in rows A to C. Cars that stand elsewhere are towed away after ten minutes.",
        "What happens if I leave my car in row F?",
        "yes",
    ),
    (
        "Heating: Room: Attic; Heater: gas; Checked: 12 May. Call the caretaker if the heater is cold.",
        "When was the attic heater bought?",
        "no",
    ),
    (
        "Returns: Unused goods are taken back within 30 days. A receipt is needed.",
        "Can I hand back a lamp I bought two weeks ago?",
        "yes",
    ),
    (
        "Returns: Unused goods are taken back within 30 days. A receipt is needed.",
        "What if I have lost my receipt, is there a fee?",
        "no",
    ),
)
"""A text, a question and the right reply: what a small model takes for an answer is learnt from these."""
TIMEOUT_SECONDS = 12.0
LONGEST_STATEMENT = 500
_UNSEEN = -15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """margin is ln(P(yes) / P(no)), None when no model said either. final is false when one may say so next time."""

    margin: float | None
    usage: Usage = Usage()
    final: bool = True


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """One token of a chat model over what would be shown, after examples, which a local model keeps in its cache."""

    chat: ChatModel

    async def __call__(self, caller: Caller, question: str, evidence: Sequence[Evidence]) -> Verdict:
        """Evidence is the best first. A model that fails or is too slow gives no margin."""
        messages = [*_examples(), ChatMessage("user", _asked(_shown(evidence), question))]
        said = await first_word(self.chat, caller, messages, TIMEOUT_SECONDS)
        return Verdict(_margin(said.logarithms), said.usage, said.final)


@lru_cache(maxsize=1)
def _examples() -> tuple[ChatMessage, ...]:
    return examples(INSTRUCTION, [(_asked(text, question), reply) for text, question, reply in EXAMPLES])


def _asked(text: str, question: str) -> str:
    return f"Text:\n{text}\n\nQuestion: {question}\n\nDoes the text state the answer, yes or no?"


def _margin(logarithms: Mapping[str, float]) -> float | None:
    """None when the reply is neither yes nor no."""
    if "yes" not in logarithms and "no" not in logarithms:
        return None
    return logarithms.get("yes", _UNSEEN) - logarithms.get("no", _UNSEEN)


def _shown(evidence: Sequence[Evidence]) -> str:
    """The best of it, one a line, each as it would be answered and below its heading."""
    lines: list[str] = []
    for item in best_of(evidence):
        headings = item.passage.chunk.headings
        lines.append(f"{headings[-1]}: {statement_of(item)}" if headings else statement_of(item))
    return "\n".join(line[:LONGEST_STATEMENT] for line in lines)
