"""Every backend switched to its server form at once: the main job, and a load during which servers are killed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragsql.v1.answer_pb2 import Answer
from ragsql.v1.document_pb2 import DOCUMENT_STATE_ACTIVE, DocumentState
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest, ListDocumentsRequest, UploadRequest
from ragsql.v1.feedback_service_pb2 import RATING_GOOD, CreateFeedbackRequest, ListFeedbackRequest
from ragsql.v1.health_service_pb2 import (
    HEALTH_STATUS_DEGRADED,
    HEALTH_STATUS_SERVING,
    GetStatsRequest,
)
from ragsql.v1.query_service_pb2 import QueryResponse
from ragsql.v1.usage_service_pb2 import USAGE_KIND_DOCUMENTS, USAGE_KIND_QUESTIONS, USAGE_KIND_SQL, GetUsageRequest
from ragsql_client import Client, RagsqlError
from tests.documents.files import simple_pdf
from tests.e2e.all_servers import AllServers, Node, all_servers, until
from tests.e2e.load import Load, more

BONUS = b"""# Bonus

Steve receives a bonus of ten dollars on his birthday. Jane receives a bonus of ninety dollars in spring. Nobody else
receives a bonus from the firm.
"""
OLD = b"# Lockers\n\nThe red locker is opened with the code 4711.\n"
NEW = b"# Lockers\n\nThe red locker is opened with the code 9983.\n"
ASKED = "What is the code of the red locker?"
BOATS = simple_pdf([("Boats", 16), ("The boat to the island leaves at quarter past seven.", 10)])
LARGE = BOATS.replace(b"startxref", b"%" * 4_300_000 + b"\nstartxref")


@pytest.fixture(scope="module", params=["pgvector", "pinecone"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, s3_url: str
) -> Iterator[AllServers]:
    with all_servers(request.param, tmp_path_factory.mktemp("all"), s3_url) as started:
        for node in started.nodes:
            until(lambda node=node: node.tells(HEALTH_STATUS_SERVING), "SERVING")
        yield started


def quotes(reply: QueryResponse) -> str:
    return "\n".join(citation.quote for citation in reply.answer.citations)


def test_the_main_job(servers: AllServers, tmp_path: Path) -> None:
    """What one process is told the other knows."""
    first, second = (Client(node.url) for node in servers.nodes)
    with first, second:
        for adapters in (
            {one.component: one.adapter for one in client.health().components} for client in (first, second)
        ):
            assert adapters["cache"] == "redis"
        upload_and_ask(first, second, tmp_path)
        ask_the_database(first, second)
        replace_and_delete(first, second)
        found = second.usage.get_usage(GetUsageRequest()).totals
        assert {USAGE_KIND_DOCUMENTS, USAGE_KIND_QUESTIONS, USAGE_KIND_SQL} <= {one.kind for one in found}
    spans = servers.collector.wait(lambda spans: any(span.name == "execute" for span in spans))
    assert {"retrieve", "embed", "search", "generate_sql", "guard", "execute", "index"} <= {span.name for span in spans}


def upload_and_ask(first: Client, second: Client, folder: Path) -> None:
    (folder / "boats.pdf").write_bytes(LARGE)
    large = first.upload(folder / "boats.pdf").document
    assert large.state == DOCUMENT_STATE_ACTIVE
    assert large.usage.models
    assert large.usage.embedding_tokens > 0
    small = second.documents.upload(UploadRequest(filename="bonus.md", content=BONUS)).document
    first.documents.upload(UploadRequest(filename="lockers.md", content=OLD))
    reply = second.ask("When does the boat to the island leave?", route="documents")
    assert "quarter past seven" in quotes(reply)
    assert reply.answer.citations[0].document == large.name
    assert not reply.cache_hit
    again: list[QueryResponse] = []

    def is_cached() -> bool:
        again.append(first.ask("When does the boat to the island leave?", route="documents"))
        return again[-1].cache_hit

    until(is_cached, "a cache that is slow on a busy machine is left out, but not for long")
    assert all("quarter past seven" in quotes(one) for one in again)
    assert "4711" in quotes(second.ask(ASKED, route="documents"))
    stats = first.status.get_stats(GetStatsRequest())
    assert stats.document_count == 3
    assert stats.chunk_count >= 3
    listed = second.documents.list_documents(ListDocumentsRequest()).documents
    assert {one.name for one in listed} >= {large.name, small.name}


def ask_the_database(first: Client, second: Client) -> None:
    pending = first.ask("How many agents are there?", route="sql", sql_policy="require_approval").pending_sql
    assert "COUNT" in pending.sql_statement.sql
    result = second.execute_sql(pending.sql_statement)
    assert [value.int_value for row in result.table.rows for value in row.values] == [3]
    with pytest.raises(RagsqlError) as twice:
        first.execute_sql(pending.sql_statement)
    assert twice.value.reason == "SQL_STATE_CONFLICT"
    answer = second.ask("What bonus goes to the agent who has the most customers?", route="hybrid").answer
    assert "Jane" in answer.text
    assert "ninety dollars" in " ".join(citation.quote for citation in answer.citations)
    rate(first, answer)
    assert [one.comment for one in second.feedback.list_feedback(ListFeedbackRequest()).feedback] == ["As it is."]


def rate(client: Client, answer: Answer) -> None:
    client.feedback.create_feedback(CreateFeedbackRequest(parent=answer.name, rating=RATING_GOOD, comment="As it is."))


def replace_and_delete(first: Client, second: Client) -> None:
    newer = second.documents.upload(UploadRequest(filename="lockers.md", content=NEW)).document
    for client in (first, second):
        assert re.findall(r"\d{4}", quotes(client.ask(ASKED, route="documents"))) == ["9983"]
    first.documents.delete_document(DeleteDocumentRequest(name=newer.name))
    for client in (first, second):
        assert not re.search("4711|9983", quotes(client.ask(ASKED, route="documents")))
        assert newer.name not in {one.name for one in client.documents.list_documents(ListDocumentsRequest()).documents}


def test_servers_are_killed_while_a_load_runs(servers: AllServers) -> None:
    """What was acknowledged is found afterwards, what was deleted is not, and callers were told what was down."""
    load = Load([node.url for node in servers.nodes])
    load.start()
    try:
        until(more(load, 3), "the load begins")
        outage(servers, servers.redis.kill, servers.redis.start, lambda node: node.tells(HEALTH_STATUS_DEGRADED))
        until(more(load, 2), "uploads without a restart")
        for stop, start in (
            (servers.pooler.kill, servers.pooler.start),
            (servers.postgres.stop, servers.postgres.start),
            (servers.vectors.stop, servers.vectors.start),
        ):
            outage(servers, stop, start, lambda node: not node.answers())
            until(more(load, 2), "uploads without a restart")
        for node in servers.nodes:
            node.kill()
            node.start()
            node.wait()
            until(more(load, 2), "uploads after a restart")
    finally:
        load.stop()
    assert load.untyped() == []
    assert load.wrong == []
    assert load.errors
    assert load.deleted
    assert [line for node in servers.nodes for line in node.internal_errors()] == []
    for node in servers.nodes:
        until(lambda node=node: node.tells(HEALTH_STATUS_SERVING), "SERVING")
    first, second = (Client(node.url) for node in servers.nodes)
    with first, second:
        check(first, second, load)


def outage(
    servers: AllServers, stop: Callable[[], None], start: Callable[[], None], is_met: Callable[[Node], bool]
) -> None:
    """Until every process has met it, and its end."""
    stop()
    for node in servers.nodes:
        until(lambda node=node: is_met(node), "the outage is met")
    start()
    for node in servers.nodes:
        until(lambda node=node: not is_met(node) and node.answers(), "its end is met")


def check(first: Client, second: Client, load: Load) -> None:
    """What each process knows of what the load did."""
    until(
        lambda: load.acknowledged.keys() <= names(first, DOCUMENT_STATE_ACTIVE), "all that was acknowledged is ACTIVE"
    )
    assert load.acknowledged.keys() <= names(second, DOCUMENT_STATE_ACTIVE)
    assert names(second).isdisjoint(load.deleted)
    asked = list(zip(itertools.cycle((first, second)), load.acknowledged.values(), strict=False))
    assert [fact for client, fact in asked if not fact.is_in(client.ask(fact.question, route="documents"))] == []
    gone = list(zip(itertools.cycle((first, second)), load.deleted.items(), strict=False))
    for client, (name, fact) in gone:
        reply = client.ask(fact.question, route="documents")
        assert not fact.is_in(reply)
        assert name not in {citation.document for citation in reply.answer.citations}


def names(client: Client, *states: DocumentState) -> set[str]:
    """Of every document in one of the states, or of all."""
    found, token = set[str](), ""
    while True:
        request = ListDocumentsRequest(page_size=250, page_token=token, states=states)
        page = client.documents.list_documents(request)
        found |= {one.name for one in page.documents}
        if not (token := page.next_page_token):
            return found
