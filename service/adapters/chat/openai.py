"""Chat through the openai SDK: OpenAI, any compatible server, or the local llama.cpp process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from service.adapters.openai_sdk import Clients, Endpoint, as_domain_error
from service.domain.caller import Caller
from service.domain.health import ComponentHealth, HealthStatus
from service.errors import RagsqlError, UpstreamUnavailable
from service.ports import ChatMessage, ChatOptions, ChatReply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CHECK_SECONDS = 3.0


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

    The SDK is loaded on first use. Every call ends at its options' timeout_seconds, retries included.
    """

    def __init__(self, model: str, *, api_key: str = "", base_url: str = "", server: ChatServer | None = None) -> None:
        self.model = model
        self.supports_grammar = server is not None
        self._server = server
        self._endpoint = Endpoint(base_url, api_key)
        self._clients = Clients()

    async def complete(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> ChatReply:
        options = options or ChatOptions()
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(options.timeout_seconds):
                endpoint = await self._where()
                reply: Any = await self._create(endpoint, messages, options)
            choice = reply.choices[0]
            whole = self._reply(choice.message.content or "", reply.usage, choice.finish_reason)
            tokens: Any = choice.logprobs.content or () if choice.logprobs else ()
            return replace(
                whole,
                alternatives=_alternatives(tokens) if options.alternatives else (),
                logprobs=tuple((item.token, item.logprob) for item in tokens) if options.logprobs else (),
            )
        except Exception as error:
            raise as_domain_error(error, endpoint, self.model) from error

    async def stream(
        self, caller: Caller, messages: Sequence[ChatMessage], options: ChatOptions | None = None
    ) -> AsyncGenerator[str | ChatReply]:
        options = options or ChatOptions()
        deadline = asyncio.get_running_loop().time() + options.timeout_seconds
        endpoint = self._endpoint
        chunks: Any = None
        try:
            async with asyncio.timeout_at(deadline):
                endpoint = await self._where()
                chunks = await self._create(endpoint, messages, options, stream=True)
            async with aclosing(self._read(chunks, deadline)) as items:
                async for item in items:
                    yield item
        except Exception as error:
            raise as_domain_error(error, endpoint, self.model) from error
        finally:
            if chunks is not None:
                await chunks.close()

    async def check(self) -> ComponentHealth:
        problem = self._server.problem() if self._server else await self._probe()
        status = HealthStatus.NOT_SERVING if problem else HealthStatus.SERVING
        return ComponentHealth("chat", "local" if self._server else "openai", status, problem)

    async def _where(self) -> Endpoint:
        return await self._server.endpoint() if self._server else self._endpoint

    async def _create(
        self, endpoint: Endpoint, messages: Sequence[ChatMessage], options: ChatOptions, *, stream: bool = False
    ) -> Any:
        client = self._clients.get(endpoint)
        more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        body: dict[str, Any] = {"cache_prompt": True} if self._server else {}
        if self.supports_grammar and options.grammar:
            body["grammar"] = options.grammar
        if options.alternatives or options.logprobs:
            more |= {"logprobs": True, "top_logprobs": max(1, options.alternatives)}
        if options.seed:
            more["seed"] = options.seed
        create = cast(Any, client.chat.completions.create)
        return await create(
            model=self.model,
            messages=[{"role": message.role, "content": message.content} for message in messages],
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            timeout=options.timeout_seconds,
            extra_body=body,
            **more,
        )

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
        cost = cost_usd(self.model, tokens_in, tokens_out)
        return ChatReply(text, Usage(tokens_in, tokens_out, cost_usd=cost, models=(self.model,)), finish == "length")

    async def _probe(self) -> str:
        try:
            client: AsyncOpenAI = self._clients.get(self._endpoint)
            async with asyncio.timeout(_CHECK_SECONDS):
                await client.with_options(max_retries=0).models.list()
        except Exception as error:
            if getattr(error, "status_code", 0) in (404, 405):
                return ""
            problem: RagsqlError = as_domain_error(error, self._endpoint, self.model)
            return problem.message
        return ""


def _alternatives(tokens: Any) -> tuple[tuple[str, float], ...]:
    """Of the first token of a reply; empty from a server that does not tell them."""
    return tuple((item.token, item.logprob) for item in tokens[0].top_logprobs) if tokens else ()
