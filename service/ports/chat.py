"""Language models that chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from service.ports.checks import Checkable

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.questions import Usage


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How to sample. grammar is GBNF, used only by models whose supports_grammar is true.

    alternatives asks for that many of the likeliest first tokens, logprobs for how likely each token of the reply was.
    seed makes a temperature above 0 repeatable where the server can.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    timeout_seconds: float = 60.0
    grammar: str = ""
    alternatives: int = 0
    logprobs: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole reply. cut says that max_tokens ended it.

    alternatives are the likeliest first tokens with the natural logarithms of their probabilities, where they were
    asked for and the server tells them; logprobs are all tokens of the reply with the same.
    """

    text: str
    usage: Usage
    cut: bool = False
    alternatives: tuple[tuple[str, float], ...] = ()
    logprobs: tuple[tuple[str, float], ...] = ()


class ChatModel(Checkable, Protocol):
    """A language model that chats. model names it in Usage."""

    model: str
    supports_grammar: bool

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        """One reply. Raises NotConfigured when no model is installed, UpstreamUnavailable when it fails."""
        ...

    def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        """Text as it is written, then the whole reply. Closing the iterator stops the model."""
        ...
