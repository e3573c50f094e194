"""One word of a chat model, with how likely it and the others were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.questions import Usage
from service.errors import NotConfigured, UpstreamUnavailable
from service.ports import ChatMessage, ChatModel, ChatOptions

ALTERNATIVES = 10


@dataclass(frozen=True, slots=True)
class FirstWord:
    """Natural logarithms of the probabilities of the likeliest first words, in lower case.

    Empty where no model said any; final is false when one may next time.
    """

    logarithms: dict[str, float]
    usage: Usage = Usage()
    final: bool = True


async def first_word(
    chat: ChatModel, caller: Caller, messages: Sequence[ChatMessage], timeout_seconds: float
) -> FirstWord:
    """What a model says that tells no probabilities is certain. One that fails or is too slow says nothing."""
    options = ChatOptions(max_tokens=1, timeout_seconds=timeout_seconds, alternatives=ALTERNATIVES)
    try:
        reply = await chat.complete(caller, messages, options)
    except NotConfigured:
        return FirstWord({})
    except UpstreamUnavailable:
        return FirstWord({}, final=False)
    likely: dict[str, float] = {}
    for token, logarithm in reply.alternatives or ((reply.text, 0.0),):
        word = token.strip().strip(".").casefold()
        likely[word] = max(logarithm, likely.get(word, logarithm))
    return FirstWord(likely, reply.usage)


def examples(instruction: str, pairs: Sequence[tuple[str, str]]) -> tuple[ChatMessage, ...]:
    """An instruction, then what is asked and the right reply, in turn: a local model keeps them in its cache."""
    messages = [ChatMessage("system", instruction)]
    for asked, reply in pairs:
        messages += [ChatMessage("user", asked), ChatMessage("assistant", reply)]
    return tuple(messages)
