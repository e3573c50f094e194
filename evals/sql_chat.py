"""The chat model that the SQL measurements use: any OpenAI-compatible URL, at temperature 0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.questions import Usage
from service.ports import ChatMessage, ChatOptions, ChatReply


class OpenAIEvalChat:
    """A ChatModel without retries or streaming, so that what is measured is one call."""

    supports_grammar = True

    def __init__(self, base_url: str, model: str) -> None:
        from openai import AsyncOpenAI

        self.model = model
        self._client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)

    async def check(self) -> ComponentHealth:
        return ComponentHealth("chat", self.model, HealthStatus.SERVING)

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        options = options or ChatOptions()
        reply = await self._client.chat.completions.create(
            model=self.model,
            messages=[{"role": m.role, "content": m.content} for m in messages],  # pyright: ignore
            temperature=options.temperature,
            max_tokens=options.max_tokens,
            extra_body={"grammar": options.grammar, "cache_prompt": True} if options.grammar else None,
        )
        usage = reply.usage
        tokens = Usage(usage.prompt_tokens, usage.completion_tokens, models=(self.model,)) if usage else Usage()
        return ChatReply(reply.choices[0].message.content or "", tokens, reply.choices[0].finish_reason == "length")

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncIterator[str | ChatReply]:
        yield await self.complete(caller, messages, options)
