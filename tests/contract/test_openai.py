"""Each way in which OpenAI or a server like it fails, for chat, streams and embeddings alike."""

from __future__ import annotations

import email.utils
import logging
import time
from dataclasses import dataclass

import anyio
import pytest
import stamina

from service.adapters.chat.openai import OpenAIChat
from service.adapters.embedders.openai import OpenAIEmbedder
from service.adapters.retries import ATTEMPTS, LONGEST_PAUSE_SECONDS
from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.errors import NotConfigured, RagsqlError, UpstreamUnavailable
from service.ports import ChatMessage, ChatOptions, ChatReply
from tests.contract.openai_server import HANG_SECONDS, REPLY, SECRET, OpenAIServer

pytestmark = pytest.mark.anyio
ASK = [ChatMessage("user", "What colour is the sky?")]
KEY = "sk-key"


@dataclass
class Asking:
    """One way to use the server. setting chooses its model."""

    model: OpenAIChat | OpenAIEmbedder
    streams: bool = False

    @property
    def setting(self) -> str:
        return "RAGSQL_CHAT_MODEL" if isinstance(self.model, OpenAIChat) else "RAGSQL_EMBEDDING_MODEL"

    async def __call__(self, seconds: float = 30) -> None:
        options = ChatOptions(timeout_seconds=seconds)
        if isinstance(self.model, OpenAIEmbedder):
            vector = await self.model.embed_query(DEFAULT_CALLER, "anything")
            assert len(vector) == self.model.dimension
        elif self.streams:
            *_, reply = [item async for item in self.model.stream(DEFAULT_CALLER, ASK, options)]
            assert isinstance(reply, ChatReply)
            assert reply.text == REPLY
        else:
            assert (await self.model.complete(DEFAULT_CALLER, ASK, options)).text == REPLY


def asking(kind: str, base_url: str) -> Asking:
    if kind == "embeddings":
        return Asking(OpenAIEmbedder(KEY, base_url, dimension=64))
    return Asking(OpenAIChat("gpt-4o", api_key=KEY, base_url=base_url), kind == "stream")


@pytest.fixture
def patient_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not try again while the test runs."""
    monkeypatch.setattr("service.adapters.openai_sdk._RETRY_SECONDS", 600.0)


@pytest.fixture(params=["chat", "stream", "embeddings"])
def ask(request: pytest.FixtureRequest, server: OpenAIServer) -> Asking:
    return asking(request.param, server.base_url)


async def failure(ask: Asking, seconds: float = 30) -> RagsqlError:
    with pytest.raises(RagsqlError) as caught:
        await ask(seconds)
    assert "secret" not in caught.value.message
    assert KEY not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("fault", "kind", "named"),
    [
        ("wrong key", NotConfigured, "OPENAI_API_KEY"),
        ("no right", NotConfigured, "OPENAI_API_KEY"),
        ("unknown model", NotConfigured, "the setting of the model"),
        ("404", NotConfigured, "OPENAI_BASE_URL"),
        ("quota", UpstreamUnavailable, "OPENAI_API_KEY"),
        ("throttled", UpstreamUnavailable, "OPENAI_API_KEY"),
        ("context", UpstreamUnavailable, "the setting of the model"),
        ("filter", UpstreamUnavailable, "the setting of the model"),
        ("400", UpstreamUnavailable, "the setting of the model"),
        ("500", UpstreamUnavailable, "OPENAI_BASE_URL"),
        ("503", UpstreamUnavailable, "OPENAI_BASE_URL"),
        ("drop", UpstreamUnavailable, "OPENAI_BASE_URL"),
        ("malformed", UpstreamUnavailable, ""),
    ],
)
async def test_a_failure_names_the_setting_and_is_over_with_its_cause(
    server: OpenAIServer, ask: Asking, caplog: pytest.LogCaptureFixture, fault: str, kind: type[Exception], named: str
) -> None:
    caplog.set_level(logging.INFO)
    server.faults = [fault]
    error = await failure(ask)
    assert type(error) is kind
    assert (ask.setting if named == "the setting of the model" else named) in error.message
    assert SECRET not in caplog.text
    await ask()


@pytest.mark.parametrize("fault", ["empty", "refusal", "stopped"])
async def test_a_reply_without_text_is_a_failure(server: OpenAIServer, fault: str) -> None:
    for kind in ("chat", "stream"):
        ask = asking(kind, server.base_url)
        server.faults = [fault]
        said = (await failure(ask)).message
        assert "RAGSQL_CHAT_MODEL" in said or "broke off" in said
        assert "declines" in said or fault == "empty"
        await ask()


@pytest.mark.parametrize(
    ("fault", "named"),
    [("dimension", "RAGSQL_EMBEDDING_DIMENSION"), ("count", "OPENAI_BASE_URL"), ("empty", "OPENAI_BASE_URL")],
)
async def test_vectors_that_do_not_fit_are_refused(server: OpenAIServer, fault: str, named: str) -> None:
    server.faults = [fault]
    ask = asking("embeddings", server.base_url)
    assert named in (await failure(ask)).message
    await ask()


@pytest.mark.parametrize("fault", ["throttled", "500", "503", "drop"])
async def test_what_passes_is_asked_again(server: OpenAIServer, ask: Asking, retries: None, fault: str) -> None:
    server.faults = [fault] * (ATTEMPTS - 1)
    await ask()
    assert len(server.requests) == ATTEMPTS
    server.faults = [fault] * ATTEMPTS
    assert isinstance(await failure(ask), UpstreamUnavailable)
    assert len(server.requests) == 2 * ATTEMPTS


@pytest.mark.parametrize(
    "fault", ["quota", "wrong key", "no right", "unknown model", "context", "filter", "400", "malformed"]
)
async def test_what_does_not_pass_is_asked_once(server: OpenAIServer, ask: Asking, retries: None, fault: str) -> None:
    server.faults = [fault]
    await failure(ask)
    assert len(server.requests) == 1


@pytest.mark.parametrize("dated", [False, True])
async def test_it_waits_as_long_as_the_server_says(server: OpenAIServer, dated: bool) -> None:
    """A date has whole seconds, so that it says up to one less."""
    server.retry_after = {"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True) if dated else "1"}
    server.faults = ["throttled"]
    begun = time.monotonic()
    with stamina.set_testing(False):
        await asking("chat", server.base_url)()
    assert 0.9 < time.monotonic() - begun < 30
    assert len(server.requests) == 2


@pytest.mark.parametrize(("wait", "seconds"), [(LONGEST_PAUSE_SECONDS + 1, 100.0), (LONGEST_PAUSE_SECONDS - 1, 18.0)])
async def test_it_does_not_wait_for_longer_than_there_is_time(
    server: OpenAIServer, wait: float, seconds: float
) -> None:
    server.retry_after = {"Retry-After": str(wait)}
    server.faults = ["throttled"]
    begun = time.monotonic()
    with stamina.set_testing(False):
        assert "no more requests" in (await failure(asking("chat", server.base_url), seconds)).message
    assert time.monotonic() - begun < wait
    assert len(server.requests) == 1


async def test_pauses_grow_and_differ(server: OpenAIServer) -> None:
    begun = time.monotonic()
    server.faults = ["500"] * (ATTEMPTS - 1)
    with stamina.set_testing(False):
        await asking("embeddings", server.base_url)()
    assert 0.75 <= time.monotonic() - begun < 30


async def test_a_server_that_hangs_is_given_up_at_the_deadline(
    server: OpenAIServer, ask: Asking, retries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.adapters.embedders.openai._QUERY_TIMEOUT_SECONDS", 0.3)
    server.behaviour = "hang"
    with anyio.fail_after(HANG_SECONDS / 2):
        assert "in time" in (await failure(ask, 0.3)).message
    assert len(server.requests) <= 1, "it is not asked again"


async def test_the_deadline_holds_for_all_attempts(server: OpenAIServer, retries: None) -> None:
    server.faults, server.behaviour = ["500"], "hang"
    begun = time.monotonic()
    assert "in time" in (await failure(asking("chat", server.base_url), 1.0)).message
    assert time.monotonic() - begun < HANG_SECONDS / 2
    assert len(server.requests) <= 2


async def test_a_dead_server_costs_its_timeout_three_times_and_is_used_again(
    server: OpenAIServer, patient_circuit: None, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.adapters.embedders.openai._QUERY_TIMEOUT_SECONDS", 0.2)
    server.behaviour = "hang"
    for _ in range(3):
        assert "in time" in (await failure(ask, 0.2)).message
    begun = time.monotonic()
    for _ in range(5):
        assert "asked again within 600 seconds" in (await failure(ask)).message
    assert time.monotonic() - begun < HANG_SECONDS / 2, "five cost less than one"
    assert len(server.requests) <= 3
    server.behaviour = "ok"
    assert (await ask.model.check()).status is HealthStatus.SERVING
    await ask()


@pytest.mark.parametrize("fault", ["throttled", "wrong key", "400"])
async def test_a_server_that_refuses_is_not_dead(server: OpenAIServer, ask: Asking, fault: str) -> None:
    server.behaviour = fault
    for _ in range(5):
        await failure(ask)
    assert len(server.requests) == 5


async def test_a_stream_that_breaks_off_is_an_error(server: OpenAIServer) -> None:
    server.faults = ["cut"]
    ask = asking("stream", server.base_url)
    assert "broke off" in (await failure(ask)).message
    await ask()
