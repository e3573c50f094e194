"""Chat through the openai SDK: OpenAI, any compatible server, or the local llama.cpp process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from service import ports
from service.adapters.openai_errors import Asked
from service.adapters.openai_sdk import Endpoint, OpenAICalls, within
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.ports import ChatMessage, ChatOptions, ChatReply

_REASONING = r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!-chat))"
_REASONING_TOKENS = 4096
"""What a reasoning model may write for itself next to its reply: both count against its limit."""


_MARK = re.compile(r"<(?=\|[\w-]{1,40}\|>)")
"""Begins what llama.cpp and others read as the end of a turn or the beginning of another, wherever it stands."""


class ChatServer(Protocol):
    """A server that is started when it is needed, and that reads grammars and keeps prompts."""

    async def endpoint(self) -> Endpoint:
        """Where it listens, once it does. Raises NotConfigured, UpstreamUnavailable."""
        ...

    def problem(self) -> str:
        """Why it cannot serve, as a sentence; empty when it can."""
        ...


class OpenAIChat:
    """ChatModel over HTTP, at server if it is given, else at base_url, else at OpenAI.

    The SDK is loaded on first use. Every call ends at its options' timeout_seconds, retries included. A reasoning
    model, told by its name, is asked without temperature, seed and probabilities: it refuses them.
    """

    def __init__(self, model: str, *, api_key: str = "", base_url: str = "", server: ChatServer | None = None) -> None:
        self.model = model
        self.supports_grammar = server is not None
        self._server = server
        self._endpoint = Endpoint(base_url, api_key)
        setting = "RAGSQL_LOCAL_MODEL" if server else "RAGSQL_CHAT_MODEL"
        self._asked = Asked(model, "this machine" if server else self._endpoint.host, setting)
        self._calls = OpenAICalls(self._asked, local=server is not None)

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        options = options or ports.ChatOptions()
        with self._calls.guarded():
            reply = await self._calls.send(lambda: self._create(messages, options), options.timeout_seconds)
            choice = reply.choices[0]
            if choice.finish_reason == "content_filter" or choice.message.refusal:
                raise self._asked.refusal
            whole = self._reply(choice.message.content or "", reply.usage, choice.finish_reason)
            tokens: Any = choice.logprobs.content or () if choice.logprobs else ()
            return replace(
                whole,
                alternatives=_alternatives(tokens) if options.alternatives else (),
                logprobs=tuple((item.token, item.logprob) for item in tokens) if options.logprobs else (),
            )

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncGenerator[str | ChatReply]:
        options = options or ports.ChatOptions()
        deadline = asyncio.get_running_loop().time() + options.timeout_seconds
        chunks: Any = None
        with self._calls.guarded():
            try:
                chunks = await self._calls.send(
                    lambda: self._create(messages, options, stream=True), options.timeout_seconds
                )
                async with aclosing(self._read(chunks, deadline)) as items:
                    async for item in items:
                        yield item
            finally:
                if chunks is not None:
                    await chunks.close()

    async def check(self) -> ComponentHealth:
        problem = self._server.problem() if self._server else await self._calls.problem(self._endpoint)
        status = HealthStatus.NOT_SERVING if problem else HealthStatus.SERVING
        return ComponentHealth("chat", "local" if self._server else "openai", status, problem)

    async def _create(self, messages: Sequence[ChatMessage], options: ChatOptions, *, stream: bool = False) -> Any:
        endpoint = await self._server.endpoint() if self._server else self._endpoint
        create = cast(Any, self._calls.client(endpoint).chat.completions.create)
        streamed: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return await create(
            model=self.model,
            messages=[{"role": message.role, "content": _as_text(message.content)} for message in messages],
            timeout=within(options.timeout_seconds),
            **self._sampling(options),
            **streamed,
        )

    def _sampling(self, options: ChatOptions) -> dict[str, Any]:
        """The options as the model takes them."""
        if self._server is None and re.match(_REASONING, self.model):
            return {"max_completion_tokens": options.max_tokens + _REASONING_TOKENS, "reasoning_effort": "low"}
        taken: dict[str, Any] = {"max_tokens": options.max_tokens, "temperature": options.temperature}
        if options.alternatives or options.logprobs:
            taken |= {"logprobs": True, "top_logprobs": max(1, options.alternatives)}
        if options.seed:
            taken["seed"] = options.seed
        if self._server:
            taken["extra_body"] = {"cache_prompt": True} | ({"grammar": options.grammar} if options.grammar else {})
        return taken

    async def _read(self, chunks: Any, deadline: float) -> AsyncGenerator[str | ChatReply]:
        parts: list[str] = []
        usage: Any = None
        finish = ""
        while True:
            # The deadline is set anew for each chunk: a timeout must not span a yield, which may change tasks.
            async with asyncio.timeout_at(deadline):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            usage = chunk.usage or usage
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                if finish == "content_filter" or choice.delta.refusal:
                    raise self._asked.refusal
                if choice.delta.content:
                    parts.append(choice.delta.content)
                    yield choice.delta.content
        if not finish:
            raise UpstreamUnavailable(f"{self.model} broke off in the middle of its reply. Try again.")
        yield self._reply("".join(parts), usage, finish)

    def _reply(self, text: str, usage: Any, finish: str) -> ChatReply:
        from service.domain.prices import cost_usd
        from service.domain.questions import Usage

        tokens_in = usage.prompt_tokens if usage else 0
        tokens_out = usage.completion_tokens if usage else 0
        kept: Any = getattr(usage, "prompt_tokens_details", None)
        cost = cost_usd(self.model, tokens_in, tokens_out, (kept.cached_tokens or 0) if kept else 0)
        return ports.ChatReply(
            text, Usage(tokens_in, tokens_out, cost_usd=cost, models=(self.model,)), finish == "length"
        )


def _as_text(content: str) -> str:
    """The content without marks of turns: a document or a question must not speak for somebody else."""
    return _MARK.sub("< ", content)


def _alternatives(tokens: Any) -> tuple[tuple[str, float], ...]:
    """Of the first token of a reply; empty from a server that does not tell them."""
    return tuple((item.token, item.logprob) for item in tokens[0].top_logprobs) if tokens else ()
