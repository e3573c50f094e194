"""What answers say they cost, what GetUsage adds up and what the caches say they saved agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyqwest import Client

from ragsql.v1.document_service_connect import DocumentServiceClient
from ragsql.v1.document_service_pb2 import UploadRequest
from ragsql.v1.knowledge_service_connect import KnowledgeServiceClient
from ragsql.v1.knowledge_service_pb2 import CreateKnowledgeItemRequest, KnowledgeItem
from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.query_service_pb2 import QueryRequest, Usage
from ragsql.v1.usage_service_connect import UsageServiceClient
from ragsql.v1.usage_service_pb2 import USAGE_KIND_CACHED, GetUsageRequest, UsageTotal
from service.adapters.parsers.parser import DocumentParser
from service.app import assemble
from service.domain.prices import cost_usd
from service.settings import load
from tests.answers.conftest import WordEmbedder, WordReader, World, http_client
from tests.answers.test_answer_question import RULES
from tests.answers.test_usage import QUESTION, stats
from tests.contract.openai_server import OpenAIServer

pytestmark = pytest.mark.anyio
PRICED = "text-embedding-3-small"


async def spent(rpc: Client) -> Usage:
    """All that was ever spent, by GetUsage."""
    response = await UsageServiceClient("http://test", http_client=rpc).get_usage(GetUsageRequest())
    return summed([total for total in response.totals if total.kind != USAGE_KIND_CACHED])


def summed(usages: Iterable[Usage | UsageTotal]) -> Usage:
    """The numbers of all of them; dollars are rounded, as they are added up in another order."""
    total = Usage()
    for one in usages:
        total.input_tokens += one.input_tokens
        total.output_tokens += one.output_tokens
        total.embedding_tokens += one.embedding_tokens
        total.cost_usd = round(total.cost_usd + one.cost_usd, 12)
    return total


async def test_a_vector_from_the_cache_is_saved_and_not_spent(
    world: World, rpc: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WordEmbedder, "model", PRICED)
    world.chat.says = [("yes", -0.1)]
    documents, questions = (
        DocumentServiceClient("http://test", http_client=rpc),
        QueryServiceClient("http://test", http_client=rpc),
    )
    file = b"# Returns\n\nA video may be returned within five days."
    usages = [(await documents.upload(UploadRequest(filename="terms.md", content=file))).usage]
    asked = QueryRequest(query=QUESTION.text, route="ROUTE_DOCUMENTS")
    anew = QueryRequest(query=QUESTION.text, route="ROUTE_DOCUMENTS", no_cache=True)
    first, second = await questions.query(anew), await questions.query(anew)
    other = b"# Opening\n\nThe shop opens at nine."
    usages.append((await documents.upload(UploadRequest(filename="opening.md", content=other))).usage)
    third = await questions.query(asked)
    tokens = len(QUESTION.text.split())
    assert [one.cache_hit for one in (first, second, third)] == [False] * 3
    assert [one.usage.embedding_tokens for one in (first, second, third)] == [tokens, 0, 0]
    assert [list(one.usage.models) for one in (first, second)] == [[PRICED, "scripted"], ["scripted"]]
    embedding = (await stats(rpc))["embedding"]
    assert (embedding.hits, embedding.misses, embedding.saved_embedding_tokens) == (2, 1, 2 * tokens)
    assert embedding.saved_usd == pytest.approx(2 * cost_usd(PRICED, tokens), rel=1e-6)
    assert embedding.saved_usd > 0
    assert await spent(rpc) == summed([*usages, *(one.usage for one in (first, second, third))])
    fourth = await questions.query(asked)
    assert (fourth.cache_hit, fourth.usage) == (True, third.usage)
    assert (await stats(rpc))["answer"].saved_embedding_tokens == 0


@pytest.fixture
def writing(world: World, tmp_path: Path, parser: DocumentParser) -> Iterator[World]:
    """The world with a generator that has its chat model write."""
    settings = load({"RAGSQL_DATA_DIR": str(tmp_path / "writing"), "DATABASE_URL": f"sqlite:///{world.database}"})
    assembly = assemble(settings, embedder=WordEmbedder(), reader=WordReader(), parser=parser, chat=world.chat)
    yield replace(world, assembly=assembly)
    assembly.close()


@pytest.mark.parametrize("said", ["SELECT nothing FROM nowhere", "SELECT COUNT(*) AS n FROM agent", "no idea"])
async def test_answers_state_all_that_was_spent_on_them(writing: World, said: str) -> None:
    """Also for names of the schema, for what was taught, and for statements that came to nothing."""
    rpc = http_client(writing)
    writing.chat.says = [(said, -0.1)]
    documents, questions, knowledge = (
        DocumentServiceClient("http://test", http_client=rpc),
        QueryServiceClient("http://test", http_client=rpc),
        KnowledgeServiceClient("http://test", http_client=rpc),
    )
    usages = [(await documents.upload(UploadRequest(filename="rules.md", content=RULES.encode()))).usage]
    item = KnowledgeItem(documentation="A busy agent looks after more than 20 customers.")
    usages.append((await knowledge.create_knowledge_item(CreateKnowledgeItemRequest(knowledge_item=item))).usage)
    for route in ("ROUTE_UNSPECIFIED", "ROUTE_SQL", "ROUTE_HYBRID", "ROUTE_DOCUMENTS"):
        for _ in range(2):
            before = await spent(rpc)
            asked = QueryRequest(query="Which agent looks after too many customers?", route=route, no_cache=True)
            usages.append((await questions.query(asked)).usage)
            assert summed([before, usages[-1]]) == await spent(rpc), route
    assert summed(usages) == await spent(rpc)


async def test_tokens_are_those_that_the_server_counted(world: World, tmp_path: Path, parser: DocumentParser) -> None:
    """Also where it counts none: then by an estimate."""
    server = OpenAIServer()
    environ = {
        "RAGSQL_DATA_DIR": str(tmp_path / "served"),
        "RAGSQL_SAMPLE_DATA": "false",
        "RAGSQL_EMBEDDER": "openai",
        "OPENAI_BASE_URL": server.base_url,
    }
    assembly = assemble(load(environ), reader=WordReader(), parser=parser, chat=world.chat)
    rpc = http_client(replace(world, assembly=assembly))
    documents, questions = (
        DocumentServiceClient("http://test", http_client=rpc),
        QueryServiceClient("http://test", http_client=rpc),
    )
    file = UploadRequest(filename="terms.md", content=b"A video may be returned within five days.")
    uploaded = await documents.upload(file)
    embedded = sum(len(text.split()) for request in server.requests for text in request["input"])
    asked = QueryRequest(query=QUESTION.text, no_cache=True)
    first, second = await questions.query(asked), await questions.query(asked)
    tokens = len(QUESTION.text.split())
    assert uploaded.usage.embedding_tokens == embedded > 0
    assert [one.usage.embedding_tokens for one in (first, second)] == [tokens, 0]
    assert (await stats(rpc))["embedding"].saved_embedding_tokens == tokens
    assert await spent(rpc) == summed([uploaded.usage, first.usage, second.usage])
    server.behaviour = "uncounted"
    other = await questions.query(QueryRequest(query="Where is the shop?"))
    assert other.usage.embedding_tokens == assembly.ports.embedder.count_tokens("Where is the shop?")
    server.close()
    assembly.close()
