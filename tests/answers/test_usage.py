"""What a whole service used is told by tenant, day, kind and model."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
from pyqwest import Client

from ragsql.v1.cache_service_connect import CacheServiceClient
from ragsql.v1.cache_service_pb2 import (
    CACHE_KIND_ANSWER,
    CACHE_KIND_DOCUMENT,
    CacheStats,
    ClearCacheRequest,
    GetCacheStatsRequest,
)
from ragsql.v1.document_service_connect import DocumentServiceClient
from ragsql.v1.document_service_pb2 import CreateUploadRequest, IngestRequest, UploadRequest
from ragsql.v1.feedback_service_connect import FeedbackServiceClient
from ragsql.v1.feedback_service_pb2 import CreateFeedbackRequest, PromoteFeedbackRequest
from ragsql.v1.knowledge_service_connect import KnowledgeServiceClient
from ragsql.v1.knowledge_service_pb2 import (
    CreateKnowledgeItemRequest,
    ImportKnowledgeRequest,
    KnowledgeItem,
)
from ragsql.v1.query_service_connect import QueryServiceClient
from ragsql.v1.query_service_pb2 import QueryRequest
from ragsql.v1.sql_service_connect import SqlServiceClient
from ragsql.v1.sql_service_pb2 import GenerateSqlRequest
from ragsql.v1.usage_service_connect import UsageServiceClient
from ragsql.v1.usage_service_pb2 import GetUsageRequest
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.questions import Answer, Question, Route
from service.domain.usage import UsageKind
from tests.answers.conftest import World, draft

pytestmark = pytest.mark.anyio
QUESTION = Question("How many days may a video be returned?", Route.DOCUMENTS)


async def used(world: World, caller: Caller = DEFAULT_CALLER) -> dict[tuple[str, str], int]:
    """Calls by kind and model."""
    return {(item.kind, item.model): item.calls for item in await world.assembly.use_cases.usage.totals(caller, 1)}


async def test_documents_questions_and_cached_answers_are_counted_apart(world: World) -> None:
    world.chat.says = [("yes", -0.1)]
    await world.upload("terms.md", "# Returns\n\nA video may be returned within five days.")
    assert await used(world) == {(UsageKind.DOCUMENTS, "words"): 1}
    first = await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, QUESTION)
    assert isinstance(first.outcome, Answer)
    spent = await used(world)
    assert spent[UsageKind.QUESTIONS, "words"] >= 1
    assert spent[UsageKind.QUESTIONS, "scripted"] == 1
    assert not any(kind is UsageKind.CACHED for kind, _ in spent)
    second = await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, QUESTION)
    assert (second.cache_hit, second.usage) == (True, first.usage)
    saved = {(UsageKind.CACHED, model): 1 for model in first.usage.models}
    assert await used(world) == spent | saved
    assert await used(world, Caller("another")) == {}


async def embedded(rpc: Client) -> int:
    """All tokens that were ever embedded."""
    response = await UsageServiceClient("http://test", http_client=rpc).get_usage(GetUsageRequest())
    return sum(total.embedding_tokens for total in response.totals)


async def test_whatever_embeds_says_what_it_cost(world: World, rpc: Client) -> None:
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    documents = DocumentServiceClient("http://test", http_client=rpc)
    file = UploadRequest(filename="terms.md", content=b"# Returns\n\nA video may be returned within five days.")
    first = await documents.upload(file)
    assert (first.usage.embedding_tokens, list(first.usage.models)) == (await embedded(rpc), ["words"])
    assert (await documents.upload(file)).usage.embedding_tokens == 0
    spent = await embedded(rpc)
    knowledge = KnowledgeServiceClient("http://test", http_client=rpc)
    item = KnowledgeItem(documentation="A busy agent looks after more than 20 customers.")
    created = await knowledge.create_knowledge_item(CreateKnowledgeItemRequest(knowledge_item=item))
    assert created.usage.embedding_tokens == await embedded(rpc) - spent > 0
    spent = await embedded(rpc)
    others = [KnowledgeItem(documentation=f"Rule {number} is good.") for number in range(3)]
    imported = await knowledge.import_knowledge(ImportKnowledgeRequest(knowledge_items=others))
    assert imported.usage.embedding_tokens == await embedded(rpc) - spent > 0
    question = QueryRequest(query="How many agents are there?", route="ROUTE_SQL")
    answer = (await QueryServiceClient("http://test", http_client=rpc).query(question)).answer
    feedback = FeedbackServiceClient("http://test", http_client=rpc)
    given = CreateFeedbackRequest(parent=answer.name, rating="RATING_BAD", corrected_sql="SELECT COUNT(id) FROM agent")
    name = (await feedback.create_feedback(given)).name
    spent = await embedded(rpc)
    promoted = await feedback.promote_feedback(PromoteFeedbackRequest(name=name))
    assert promoted.usage.embedding_tokens == await embedded(rpc) - spent > 0


async def test_generated_sql_says_what_looking_up_knowledge_cost(world: World, rpc: Client) -> None:
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    sql = SqlServiceClient("http://test", http_client=rpc)
    question = GenerateSqlRequest(question="How many busy agents are there?")
    untaught = (await sql.generate_sql(question)).usage
    item = KnowledgeItem(documentation="A busy agent looks after more than 20 customers.")
    request = CreateKnowledgeItemRequest(knowledge_item=item)
    await KnowledgeServiceClient("http://test", http_client=rpc).create_knowledge_item(request)
    before = await embedded(rpc)
    taught = (await sql.generate_sql(question)).usage
    assert untaught.embedding_tokens == 0 < taught.embedding_tokens == await embedded(rpc) - before
    assert (taught.input_tokens, "words" in taught.models) == (untaught.input_tokens, True)


async def test_two_uploads_at_once_pay_for_one(rpc: Client) -> None:
    documents = DocumentServiceClient("http://test", http_client=rpc)
    content = b"# Returns\n\nA video may be returned within five days."
    both = await asyncio.gather(
        *(documents.upload(UploadRequest(filename=name, content=content)) for name in ("a.md", "b.md"))
    )
    assert sum(one.usage.embedding_tokens for one in both) == await embedded(rpc)


async def stats(rpc: Client) -> dict[str, CacheStats]:
    response = await CacheServiceClient("http://test", http_client=rpc).get_cache_stats(GetCacheStatsRequest())
    return dict(zip(("document", "embedding", "answer", "sql", "sql_result"), response.caches, strict=True))


async def test_documents_are_counted_and_cleared_and_stay_searchable(world: World, rpc: Client) -> None:
    documents = DocumentServiceClient("http://test", http_client=rpc)
    caches = CacheServiceClient("http://test", http_client=rpc)
    content = b"# Returns\n\nA video may be returned within five days."
    first = await documents.upload(UploadRequest(filename="a.md", content=content))
    assert (await documents.upload(UploadRequest(filename="a.md", content=content))).cache_hit
    assert (await documents.upload(UploadRequest(filename="b.md", content=content))).cache_hit
    found = (await stats(rpc))["document"]
    assert (found.hits, found.misses) == (2, 1)
    assert found.saved_embedding_tokens == first.usage.embedding_tokens > 0
    assert (await caches.clear_cache(ClearCacheRequest(kind=CACHE_KIND_DOCUMENT))).removed_count == 1
    assert (await caches.clear_cache(ClearCacheRequest(kind=CACHE_KIND_DOCUMENT))).removed_count == 0
    anew = await documents.upload(UploadRequest(filename="c.md", content=content))
    assert (anew.cache_hit, anew.usage.embedding_tokens) == (False, first.usage.embedding_tokens)
    answered = await world.assembly.use_cases.questions.ask(DEFAULT_CALLER, QUESTION)
    assert isinstance(answered.outcome, Answer)


async def test_the_caches_say_what_they_saved_by_kind(world: World, rpc: Client) -> None:
    world.chat.says = [("yes", -0.1)]
    world.generator.reply = draft("SELECT COUNT(*) AS n FROM agent")
    await world.upload("terms.md", "# Returns\n\nA video may be returned within five days.")
    client = QueryServiceClient("http://test", http_client=rpc)
    documents = QueryRequest(query="How many days may a video be returned?", route="ROUTE_DOCUMENTS")
    sql = QueryRequest(query="How many agents are there?", route="ROUTE_SQL")
    first = await client.query(documents)
    again = [await client.query(documents) for _ in range(2)]
    assert [one.cache_hit for one in again] == [True, True]
    asked = [await client.query(sql) for _ in range(3)]
    assert [one.answer.sql_results[0].cache_hit for one in asked] == [False, True, True]
    found = await stats(rpc)
    assert (found["answer"].hits, found["answer"].misses) == (2, 4)
    assert found["answer"].saved_input_tokens == 2 * first.usage.input_tokens == 200
    assert found["answer"].saved_embedding_tokens == 2 * first.usage.embedding_tokens
    assert (found["sql"].hits, found["sql"].misses) == (2, 1)
    assert (found["sql"].saved_input_tokens, found["sql"].saved_output_tokens) == (20, 10)
    assert (found["sql_result"].hits, found["sql_result"].misses) == (2, 1)
    caches = CacheServiceClient("http://test", http_client=rpc)
    assert (await caches.clear_cache(ClearCacheRequest(kind=CACHE_KIND_ANSWER))).removed_count == 1
    assert not (await client.query(documents)).cache_hit
    assert (await client.query(sql)).answer.sql_results[0].cache_hit
    found = await stats(rpc)
    assert (found["answer"].hits, found["answer"].misses) == (2, 6)
    assert (found["embedding"].hits, found["embedding"].saved_embedding_tokens) == (1, len(documents.query.split()))


async def test_ingest_says_what_it_spent_before_it_returned(rpc: Client) -> None:
    """Outside of a server, as on AWS Lambda, that is all."""
    content = b"# Returns\n\nA video may be returned within five days."
    documents = DocumentServiceClient("http://test", http_client=rpc)
    announced = CreateUploadRequest(filename="a.md", size_bytes=len(content), sha256=sha256(content).hexdigest())
    upload = await documents.create_upload(announced)
    put = await rpc.put(f"http://test{upload.url}", content=content, headers=dict(upload.headers))
    assert put.status == 200
    ingested = await documents.ingest(IngestRequest(upload=upload.upload))
    assert ingested.usage.embedding_tokens == await embedded(rpc) > 0
