"""Every backend switched to its server form at once: the main job, and a load during which servers are killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragsql.v1.answer_pb2 import Answer
from ragsql.v1.document_pb2 import DOCUMENT_STATE_ACTIVE
from ragsql.v1.document_service_pb2 import DeleteDocumentRequest, ListDocumentsRequest, UploadRequest
from ragsql.v1.feedback_service_pb2 import RATING_GOOD, CreateFeedbackRequest, ListFeedbackRequest
from ragsql.v1.health_service_pb2 import HEALTH_STATUS_SERVING, GetStatsRequest
from ragsql.v1.query_service_pb2 import QueryResponse
from ragsql.v1.usage_service_pb2 import USAGE_KIND_DOCUMENTS, USAGE_KIND_QUESTIONS, USAGE_KIND_SQL, GetUsageRequest
from ragsql_client import Client, RagsqlError
from tests.documents.files import simple_pdf
from tests.e2e.all_servers import AllServers, all_servers, until

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
    small = second.documents.upload(UploadRequest(filename="bonus.md", content=BONUS)).document
    first.documents.upload(UploadRequest(filename="lockers.md", content=OLD))
    reply = second.ask("When does the boat to the island leave?", route="documents")
    assert "quarter past seven" in quotes(reply)
    assert reply.answer.citations[0].document == large.name
    assert not reply.cache_hit
    # Several times: a cache that is slow on a busy machine is left out.
    again = [first.ask("When does the boat to the island leave?", route="documents") for _ in range(10)]
    assert any(one.cache_hit for one in again)
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
