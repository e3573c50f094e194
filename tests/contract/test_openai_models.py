"""What models of OpenAI are asked for, and how Health sees them and their servers."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from service.adapters.chat.openai import OpenAIChat
from service.adapters.embedders.openai import OpenAIEmbedder
from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.ports import ChatOptions
from tests.contract.openai_server import REPLY, OpenAIServer
from tests.contract.test_openai import ASK, KEY, asking, failure

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("model", ["o3", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1", "gpt-5-mini"])
async def test_a_reasoning_model_is_asked_for_what_it_takes(server: OpenAIServer, model: str) -> None:
    chat = OpenAIChat(model, api_key=KEY, base_url=server.base_url)
    options = ChatOptions(max_tokens=1, alternatives=5, logprobs=True, seed=3)
    reply = await chat.complete(DEFAULT_CALLER, ASK, options)
    assert (reply.text, reply.alternatives) == (REPLY, ())
    assert server.requests[0]["max_completion_tokens"] > 1000


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", "olmo-2", "my/qwen"])
async def test_other_models_are_asked_as_before(server: OpenAIServer, model: str) -> None:
    chat = OpenAIChat(model, api_key=KEY, base_url=server.base_url)
    await chat.complete(DEFAULT_CALLER, ASK, ChatOptions(max_tokens=7, alternatives=5))
    sent = server.requests[0]
    assert (sent["max_tokens"], sent["temperature"], sent["top_logprobs"]) == (7, 0.0, 5)


async def test_a_wrong_key_is_seen_by_health_and_a_right_one_serves(server: OpenAIServer) -> None:
    server.key = KEY
    for made in (OpenAIChat("m", api_key="old", base_url=server.base_url), OpenAIEmbedder("old", server.base_url)):
        health = await made.check()
        assert (health.status, "OPENAI_API_KEY" in health.detail) == (HealthStatus.NOT_SERVING, True)
    assert (await OpenAIChat("m", api_key=KEY, base_url=server.base_url).check()).status is HealthStatus.SERVING


@pytest.mark.parametrize(
    ("fault", "serves"), [("unknown model", False), ("404", True), ("405", True), ("500", False), ("no right", False)]
)
async def test_health_tells_what_the_server_knows(server: OpenAIServer, fault: str, serves: bool) -> None:
    """A server that cannot be asked for one model serves; one that says that it has none does not."""
    server.behaviour = fault
    health = await OpenAIChat("m", base_url=server.base_url).check()
    assert (health.status is HealthStatus.SERVING, bool(health.detail)) == (serves, not serves)


@pytest.mark.parametrize("make", [lambda: OpenAIChat("gpt-4o"), lambda: OpenAIEmbedder("")])
async def test_a_missing_key_is_named(make: Callable[[], OpenAIChat | OpenAIEmbedder]) -> None:
    health = await make().check()
    assert health.status is HealthStatus.NOT_SERVING
    assert "OPENAI_API_KEY" in health.detail


@pytest.mark.parametrize("kind", ["chat", "stream", "embeddings"])
async def test_a_server_that_starts_later_is_used(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ask = asking(kind, f"http://127.0.0.1:{port}/v1")
    assert "cannot be reached" in (await failure(ask)).message
    server = OpenAIServer(port)
    try:
        await ask()
    finally:
        server.close()
