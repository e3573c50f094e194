"""Domain objects to messages of the contract, and requests to domain objects.

Resource names are made and taken apart here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from ragsql.v1 import (
    cache_service_pb2,
    document_pb2,
    document_service_pb2,
    feedback_service_pb2,
    knowledge_service_pb2,
    sql_statement_pb2,
)
from service.domain.documents import Document, DocumentState, IngestProgress
from service.domain.feedback import Feedback
from service.domain.sql import ExampleQuery, KnowledgeItem, SqlStatement
from service.ports import CacheCounters
from service.transport.mapping_usage import usage
from service.usecases.bundle import ReservedUpload

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 250
DEFAULT_MAX_ROWS = 100

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND = dt.timedelta(seconds=1)


def id_of(name: str) -> str:
    """The last segment of a resource name."""
    return name.rpartition("/")[2]


def feedback_name(answer_id: str, feedback_id: str) -> str:
    """The resource name of feedback on an answer."""
    return f"answers/{answer_id}/feedback/{feedback_id}"


def page_size(requested: int) -> int:
    """The number of items of a page: 0 stands for the default, too many for the maximum."""
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def timestamp(moment: dt.datetime) -> Timestamp:
    """An instant, exact to the microsecond. A datetime without a zone is read as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    seconds, rest = divmod(aware - _EPOCH, _SECOND)
    return Timestamp(seconds=seconds, nanos=rest.microseconds * 1000)


def document(item: Document) -> document_pb2.Document:
    """A document."""
    return document_pb2.Document(
        name=f"documents/{item.id}",
        filename=item.filename,
        media_type=item.media_type,
        size_bytes=item.size_bytes,
        sha256=item.sha256,
        page_count=item.page_count,
        chunk_count=item.chunk_count if item.state is DocumentState.ACTIVE else 0,
        state=f"DOCUMENT_STATE_{item.state}",
        failure_reason=item.failure_reason,
        create_time=timestamp(item.create_time),
        update_time=timestamp(item.update_time),
        parser=item.parser,
        progress=_progress(item.progress) if item.progress else None,
        error_reason=f"ERROR_REASON_{item.error_reason or 'UNSPECIFIED'}",
        usage=usage(item.usage) if item.usage else None,
    )


def _progress(item: IngestProgress) -> document_pb2.IngestProgress:
    return document_pb2.IngestProgress(phase=f"INGEST_PHASE_{item.phase}", done=item.done, total=item.total)


def reserved_upload(item: ReservedUpload) -> document_service_pb2.CreateUploadResponse:
    """An upload and where to PUT it."""
    return document_service_pb2.CreateUploadResponse(
        upload=f"uploads/{item.upload.id}",
        url=item.target.url,
        headers=item.target.headers,
        expire_time=timestamp(item.target.expire_time),
    )


def document_states(request: document_service_pb2.ListDocumentsRequest) -> list[DocumentState]:
    """The states that are asked for."""
    names = (document_pb2.DocumentState.Name(state) for state in request.states)
    return [DocumentState(name.removeprefix("DOCUMENT_STATE_")) for name in names]


def sql_statement(item: SqlStatement) -> sql_statement_pb2.SqlStatement:
    """A generated statement."""
    return sql_statement_pb2.SqlStatement(
        name=f"sqlStatements/{item.id}",
        question=item.question,
        sql=item.sql,
        dialect=item.dialect,
        explanation=item.explanation,
        tables=item.tables,
        etag=item.etag,
        state=f"SQL_STATEMENT_STATE_{item.state}",
        create_time=timestamp(item.create_time),
        expire_time=timestamp(item.expire_time),
    )


def knowledge_item(item: KnowledgeItem) -> knowledge_service_pb2.KnowledgeItem:
    """A knowledge item with the one kind that is set."""
    message = knowledge_service_pb2.KnowledgeItem(
        name=f"knowledgeItems/{item.id}", create_time=timestamp(item.create_time)
    )
    if item.example is not None:
        message.example_query.question = item.example.question
        message.example_query.sql = item.example.sql
    elif item.ddl:
        message.ddl = item.ddl
    else:
        message.documentation = item.documentation
    return message


def new_knowledge_item(message: knowledge_service_pb2.KnowledgeItem) -> KnowledgeItem:
    """An item to add. It has no id yet; its name and its time are ignored."""
    example = message.example_query
    return KnowledgeItem(
        id="",
        create_time=dt.datetime.now(dt.UTC),
        ddl=message.ddl,
        documentation=message.documentation,
        example=ExampleQuery(example.question, example.sql) if message.HasField("example_query") else None,
    )


def feedback(item: Feedback) -> feedback_service_pb2.Feedback:
    """Feedback with what was made of it."""
    message = feedback_service_pb2.Feedback(
        name=feedback_name(item.answer_id, item.id),
        question=item.question,
        rating=f"RATING_{item.rating}",
        comment=item.comment,
        corrected_sql=item.corrected_sql,
        principal=item.principal,
        create_time=timestamp(item.create_time),
    )
    if item.promotion is not None:
        message.promotion.knowledge_item = f"knowledgeItems/{item.promotion.item_id}"
        message.promotion.principal = item.promotion.principal
        message.promotion.create_time.CopyFrom(timestamp(item.promotion.create_time))
    return message


def rating(value: feedback_service_pb2.Rating) -> str:
    """GOOD or BAD."""
    return feedback_service_pb2.Rating.Name(value).removeprefix("RATING_")


def cache_kind(value: cache_service_pb2.CacheKind) -> str:
    """The name of a cache as the use cases know it."""
    return _cache_kind(cache_service_pb2.CacheKind.Name(value))


def cache_stats(counters: dict[str, CacheCounters]) -> Iterable[cache_service_pb2.CacheStats]:
    """One entry a cache, in the order of the contract."""
    for name in cache_service_pb2.CacheKind.keys()[1:]:
        counts = counters.get(_cache_kind(name), CacheCounters())
        yield cache_service_pb2.CacheStats(
            kind=name,
            hits=counts.hits,
            misses=counts.misses,
            saved_usd=counts.saved.cost_usd,
            saved_input_tokens=counts.saved.input_tokens,
            saved_output_tokens=counts.saved.output_tokens,
            saved_embedding_tokens=counts.saved.embedding_tokens,
        )


def _cache_kind(name: str) -> str:
    return name.removeprefix("CACHE_KIND_").lower()
