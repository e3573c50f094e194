"""A chat model that replies what it is told to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.questions import Usage
from service.ports import ChatMessage, ChatOptions, ChatReply


class ScriptedChat:
    """Replies in order; the last one again when they run out."""

    model = "scripted"
    supports_grammar = False

    def __init__(self, *replies: str) -> None:
        self._replies = list(replies)
        self.asked: list[Sequence[ChatMessage]] = []

    async def check(self) -> ComponentHealth:
        return ComponentHealth("chat", "scripted", HealthStatus.SERVING)

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        self.asked.append(messages)
        text = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return ChatReply(text, Usage(input_tokens=10, output_tokens=5, models=(self.model,)))

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        yield await self.complete(caller, messages, options)


def fenced(sql: str) -> str:
    """The only form in which SQL is accepted."""
    return f"```sql\n{sql}\n```"
