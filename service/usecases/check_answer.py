"""Ask a chat model whether passages state the answer: what a reader finds likely may still be about something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.questions import Usage
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import ChatMessage, ChatModel, ChatOptions
from service.usecases.read_passages import Evidence

INSTRUCTION = (
    "You check whether a text states the answer to a question. The text must state the exact fact that is asked for; "
    "related facts are not enough. Reply with yes or no."
)
TIMEOUT_SECONDS = 12.0
MAX_WINDOWS = 3
WINDOW_CHARACTERS = 500
_UNSEEN = -15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """margin is ln(P(yes) / P(no)), None when no model said either. final is false when one may say so next time."""

    margin: float | None
    usage: Usage = Usage()
    final: bool = True


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """One token of a chat model over at most three short windows."""

    chat: ChatModel

    async def __call__(self, caller: Caller, question: str, evidence: Sequence[Evidence]) -> Verdict:
        """Evidence is the best first. A model that fails or is too slow gives no margin."""
        text = "\n".join(f"[{number}] {window}" for number, window in enumerate(_windows(evidence), start=1))
        asked = f"Text:\n{text}\n\nQuestion: {question}\n\nDoes the text state the answer, yes or no?"
        messages = [ChatMessage("system", INSTRUCTION), ChatMessage("user", asked)]
        options = ChatOptions(max_tokens=1, timeout_seconds=TIMEOUT_SECONDS, alternatives=10)
        try:
            reply = await self.chat.complete(caller, messages, options)
        except NotConfigured:
            return Verdict(None)
        except UpstreamUnavailable:
            return Verdict(None, final=False)
        return Verdict(_margin(reply.alternatives or ((reply.text, 0.0),)), reply.usage)


def _margin(alternatives: Sequence[tuple[str, float]]) -> float | None:
    """None when the reply is neither yes nor no."""
    best: dict[str, float] = {}
    for token, logarithm in alternatives:
        word = token.strip().strip(".").casefold()
        best[word] = max(logarithm, best.get(word, _UNSEEN))
    if "yes" not in best and "no" not in best:
        return None
    return best.get("yes", _UNSEEN) - best.get("no", _UNSEEN)


def _windows(evidence: Sequence[Evidence]) -> list[str]:
    """The best units with their neighbours, below their heading; none that stands in another."""
    taken: list[tuple[str, Span]] = []
    windows: list[str] = []
    for item in evidence:
        chunk, document = item.passage.chunk, item.passage.document_id
        around = _around(chunk, item.unit)
        place = chunk.place(around)
        if any(document == other and place.start < seen.end and seen.start < place.end for other, seen in taken):
            continue
        taken.append((document, place))
        heading = f"{chunk.headings[-1]}: " if chunk.headings else ""
        windows.append(f"{heading}{chunk.text[around.start : around.end]}"[:WINDOW_CHARACTERS])
        if len(windows) == MAX_WINDOWS:
            break
    return windows


def _around(chunk: Chunk, unit: Span) -> Span:
    """From the unit before to the unit after."""
    before = [other.start for other in chunk.units if other.end <= unit.start]
    after = [other.end for other in chunk.units if other.start >= unit.end]
    return Span(before[-1] if before else unit.start, after[0] if after else unit.end)
