"""The bounds of every request field, as one table. The comments of the contract state the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from ragsql.v1 import (
    answer_pb2,
    cache_service_pb2,
    document_pb2,
    document_service_pb2,
    feedback_service_pb2,
    knowledge_service_pb2,
    query_service_pb2,
    sql_service_pb2,
    usage_service_pb2,
)
from service.domain.filenames import filename_problem
from service.errors import FieldViolation, InvalidRequest
from service.transport.checks import (
    MAX_QUESTION_CHARS,
    MAX_SQL_CHARS,
    Check,
    Each,
    content,
    enum,
    flag,
    name,
    number,
    sha256,
    some,
    text,
    upload_size,
)

Table = tuple[tuple[str, Check | Each], ...]

_PAGE: Table = (("page_size", number(0)), ("page_token", text(0, 2048)))
_QUESTION = text(1, MAX_QUESTION_CHARS)

BOUNDS: dict[type[Message], Table] = {
    query_service_pb2.QueryRequest: (
        ("query", _QUESTION),
        ("route", enum(answer_pb2.Route)),
        ("sql_policy", enum(query_service_pb2.SqlPolicy)),
        ("documents", Each(100, name("documents"))),
        ("top_k", number(1, 50)),
        ("no_cache", flag),
    ),
    document_service_pb2.UploadRequest: (("filename", filename_problem), ("content", content)),
    document_service_pb2.CreateUploadRequest: (
        ("filename", filename_problem),
        ("size_bytes", upload_size),
        ("sha256", sha256),
    ),
    document_service_pb2.IngestRequest: (("upload", name("uploads")),),
    document_service_pb2.GetDocumentRequest: (("name", name("documents")),),
    document_service_pb2.DeleteDocumentRequest: (("name", name("documents")),),
    document_service_pb2.ListDocumentsRequest: (
        *_PAGE,
        ("states", Each(10, enum(document_pb2.DocumentState, required=True))),
    ),
    sql_service_pb2.GenerateSqlRequest: (("question", _QUESTION),),
    sql_service_pb2.ExecuteSqlRequest: (
        ("name", name("sqlStatements")),
        ("etag", text(1, 128)),
        ("max_rows", number(0, 1000)),
    ),
    sql_service_pb2.GetSqlStatementRequest: (("name", name("sqlStatements")),),
    sql_service_pb2.RejectSqlRequest: (("name", name("sqlStatements")),),
    sql_service_pb2.ListSqlStatementsRequest: _PAGE,
    sql_service_pb2.ListAuditEventsRequest: _PAGE,
    knowledge_service_pb2.KnowledgeItem: (
        ("ddl", text(1, MAX_SQL_CHARS)),
        ("documentation", text(1, MAX_SQL_CHARS)),
    ),
    knowledge_service_pb2.ExampleQuery: (("question", _QUESTION), ("sql", text(1, MAX_SQL_CHARS))),
    knowledge_service_pb2.ImportKnowledgeRequest: (("knowledge_items", some(2000)),),
    knowledge_service_pb2.ListKnowledgeItemsRequest: _PAGE,
    knowledge_service_pb2.DeleteKnowledgeItemRequest: (("name", name("knowledgeItems")),),
    feedback_service_pb2.CreateFeedbackRequest: (
        ("parent", name("answers")),
        ("rating", enum(feedback_service_pb2.Rating, required=True)),
        ("comment", text(0, MAX_QUESTION_CHARS)),
        ("corrected_sql", text(0, MAX_SQL_CHARS)),
    ),
    feedback_service_pb2.ListFeedbackRequest: _PAGE,
    feedback_service_pb2.PromoteFeedbackRequest: (("name", name("answers", "feedback")),),
    cache_service_pb2.ClearCacheRequest: (("kind", enum(cache_service_pb2.CacheKind, required=True)),),
    usage_service_pb2.GetUsageRequest: (("days", number(0, 366)),),
}

REQUIRED: dict[type[Message], str] = {
    query_service_pb2.StreamQueryRequest: "request",
    document_service_pb2.IngestRequest: "source",
    knowledge_service_pb2.CreateKnowledgeItemRequest: "knowledge_item",
    knowledge_service_pb2.KnowledgeItem: "kind",
}
"""The message field, or the oneof, that must be set."""

NESTED: dict[type[Message], str] = {
    query_service_pb2.StreamQueryRequest: "request",
    knowledge_service_pb2.CreateKnowledgeItemRequest: "knowledge_item",
    knowledge_service_pb2.ImportKnowledgeRequest: "knowledge_items",
    knowledge_service_pb2.KnowledgeItem: "example_query",
}
"""The message field that has bounds of its own, or each of whose messages has."""


def check_bounds(request: Message) -> None:
    """Raises InvalidRequest with every violation, fields named by their path, or PayloadTooLarge."""
    if violations := list(_violations(request, "")):
        raise InvalidRequest(*violations)


def _violations(message: Message, prefix: str) -> Iterator[FieldViolation]:
    kind = type(message)
    required, nested = REQUIRED.get(kind), NESTED.get(kind)
    if required and not message.HasField(required):
        yield FieldViolation(prefix + required, "Required.")
    for field, check in BOUNDS.get(kind, ()):
        if message.DESCRIPTOR.fields_by_name[field].has_presence and not message.HasField(field):
            continue
        for path, problem in _problems(prefix + field, getattr(message, field), check):
            yield FieldViolation(path, problem)
    if nested and message.DESCRIPTOR.fields_by_name[nested].is_repeated:
        for index, item in enumerate(getattr(message, nested)):
            yield from _violations(item, f"{prefix}{nested}[{index}].")
    elif nested and message.HasField(nested):
        yield from _violations(getattr(message, nested), f"{prefix}{nested}.")


def _problems(path: str, value: Any, check: Check | Each) -> Iterator[tuple[str, str]]:
    if not isinstance(check, Each):
        if problem := check(value):
            yield path, problem
        return
    if len(value) > check.high:
        yield path, f"Must have at most {check.high} items, not {len(value)}."
        return
    for index, item in enumerate(value):
        if problem := check.check(item):
            yield f"{path}[{index}]", problem
