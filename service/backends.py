"""Which adapter serves a port, by the settings. Each is imported when it is made."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from service.deferred import FirstCheck
from service.errors import NotConfigured, SettingsError

if TYPE_CHECKING:
    from service.adapters.embedders.minilm import MiniLmEmbedder
    from service.adapters.vectors.pgvector import PgVectorStore
    from service.adapters.vectors.pinecone import PineconeVectorStore
    from service.adapters.vectors.sqlite import SqliteVectorStore
    from service.ports import (
        BlobStore,
        Cache,
        ChatModel,
        Checkable,
        Database,
        Embedder,
        Parser,
        Reader,
        RecordStore,
        SqlGenerator,
        VectorIndex,
    )
    from service.ports.traces import Tracer
    from service.settings import Settings

UPGRADE_SECONDS = 3600.0
CACHE_BYTES = 64 * 1024 * 1024


def make_blobs(settings: Settings) -> BlobStore:
    """Files below the data folder, or an S3 bucket."""
    if settings.blobs == "s3":
        from service.adapters.blobs.s3 import S3BlobStore

        return S3BlobStore(settings.s3_cache_bucket)
    from service.adapters.blobs.local import LocalBlobStore

    return LocalBlobStore(settings.data_dir / "blobs")


def make_parser(settings: Settings, closing: ExitStack) -> Parser:
    """Parsers in processes that closing ends. Raises SettingsError when docling's models cannot be loaded."""
    from service.adapters.parsers.parser import DocumentParser

    artifacts = settings.docling_artifacts_path if settings.use_docling else None
    parser = DocumentParser(artifacts=artifacts, fallback=settings.pdf_fallback)
    closing.callback(parser.close)
    try:
        parser.warm()
    except NotConfigured as error:
        closing.close()
        raise SettingsError({"USE_DOCKLING": error.message}) from None
    return parser


def make_embedder(settings: Settings, minilm: MiniLmEmbedder) -> Embedder:
    """MiniLM here, or OpenAI."""
    if settings.embedder == "openai":
        from service.adapters.embedders.openai import OpenAIEmbedder

        return OpenAIEmbedder(
            settings.openai_api_key, settings.openai_base_url, settings.embedding_model, settings.embedding_dimension
        )
    return minilm


def make_minilm(settings: Settings) -> MiniLmEmbedder:
    """MiniLM, loaded once however many ports it serves."""
    from service.adapters.embedders.minilm import MiniLmEmbedder
    from service.models.catalog import MINILM
    from service.models.store import ModelStore

    return MiniLmEmbedder(ModelStore(settings.model_dir).folder(MINILM), settings.threads)


def make_cached(embedder: Embedder, cache: Cache, ttl_seconds: float) -> Embedder:
    """The embedder, with the vectors of questions remembered for so long."""
    if not ttl_seconds:
        return embedder
    from service.adapters.embedders.cached import CachedEmbedder

    return CachedEmbedder(embedder, cache, ttl_seconds)


def make_chat(settings: Settings, closing: ExitStack) -> ChatModel:
    """A llama.cpp process that closing ends, or any OpenAI-compatible server."""
    from service.adapters.chat.openai import OpenAIChat

    if settings.chat == "openai":
        return OpenAIChat(settings.chat_model, api_key=settings.openai_api_key, base_url=settings.openai_base_url)
    from service.adapters.chat.llama import LlamaServer
    from service.models.catalog import QWEN_CODER
    from service.models.store import ModelStore

    gguf = settings.local_model or ModelStore(settings.model_dir).weights(QWEN_CODER)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    server = LlamaServer(gguf, settings.data_dir / "llama.log", settings.threads)
    closing.callback(server.close)
    return OpenAIChat(server.model, server=server)


def make_vectors(settings: Settings, embedder: Embedder, closing: ExitStack) -> VectorIndex:
    """One SQLite file, PostgreSQL with pgvector, or a Pinecone index."""
    store: SqliteVectorStore | PgVectorStore | PineconeVectorStore
    if settings.vectors == "pinecone":
        from service.adapters.vectors.pinecone import PineconeVectorStore

        store = PineconeVectorStore(
            settings.pinecone_api_key, settings.pinecone_index_name, embedder.model, embedder.dimension
        )
    elif settings.vectors == "pgvector":
        from service.adapters.vectors.pgvector import PgVectorStore

        store = PgVectorStore(
            settings.vectors_url,
            embedder.model,
            embedder.dimension,
            connections=settings.postgres_connections,
        )
    else:
        from service.adapters.vectors.sqlite import SqliteVectorStore

        settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = SqliteVectorStore(settings.data_dir / "vectors.db", embedder.model, embedder.dimension)
    closing.callback(store.close)
    return store


def make_reader(minilm: MiniLmEmbedder) -> Reader:
    """The cosines of MiniLM."""
    from service.adapters.readers.minilm import MiniLmReader

    return MiniLmReader(minilm)


def make_records(settings: Settings, closing: ExitStack) -> RecordStore:
    """One SQLite file, or PostgreSQL."""
    from service.adapters.records.sql import SqlRecordStore

    records = SqlRecordStore(_records_url(settings), settings.postgres_connections)
    closing.callback(records.close)
    return records


def make_records_check(settings: Settings, records: RecordStore) -> Checkable:
    """The health of records. A file is asked without the store, until something has needed that."""
    if settings.records == "postgresql":
        return records
    from service.adapters.records.file_check import RecordFileCheck

    return FirstCheck(RecordFileCheck(settings.data_dir / "records.db"), records)


def upgrade_records(settings: Settings) -> tuple[str, str]:
    """Bring the tables to this version, and return the revisions before, empty if there was none, and now."""
    from service.adapters.records.sql import SqlRecordStore

    return SqlRecordStore(_records_url(settings), 1, UPGRADE_SECONDS).upgrade()


def _records_url(settings: Settings) -> str:
    return settings.records_url if settings.records == "postgresql" else f"sqlite:///{settings.data_dir / 'records.db'}"


def make_cache(settings: Settings, closing: ExitStack) -> Cache:
    """Memory of this process, or Redis."""
    if settings.cache == "redis":
        from service.adapters.caches.redis import RedisCache

        cache = RedisCache(settings.redis_url)
        closing.callback(cache.close)
        return cache
    from service.adapters.caches.memory import MemoryCache

    return MemoryCache(CACHE_BYTES)


def make_database(url: str, settings: Settings) -> Database:
    """The user's database."""
    from service.adapters.databases.open import open_database

    return open_database(url, settings.schema_hidden_columns, settings.postgres_connections)


def make_sqlgen(settings: Settings, chat: ChatModel, database: Database) -> SqlGenerator:
    """SQL by a chat model, with our prompt or with vanna's."""
    if settings.sql_generator == "vanna":
        from service.adapters.sqlgen.vanna import VannaSqlGenerator

        return VannaSqlGenerator(chat, database)
    from service.adapters.sqlgen.prompt import PromptSqlGenerator

    return PromptSqlGenerator(chat, database)


def make_tracer(settings: Settings) -> Tracer | None:
    """Traces over OTLP to a collector, to Opik, or to both; None when none is set."""
    if not (settings.otlp_endpoint or settings.otlp_traces_endpoint or settings.opik_api_key or settings.opik_url):
        return None
    from service import __version__
    from service.adapters.traces.collectors import collector, opik, pairs
    from service.adapters.traces.otlp import OtlpTracer

    collectors = (
        collector(settings.otlp_endpoint, settings.otlp_traces_endpoint, settings.otlp_headers),
        opik(settings.opik_url, settings.opik_api_key, settings.opik_workspace, settings.opik_project_name),
    )
    chosen = [found for found in collectors if found]
    named = {"service.name": settings.trace_service_name} if settings.trace_service_name else {}
    return OtlpTracer(
        chosen,
        __version__,
        keeps_questions=settings.trace_questions,
        attributes=pairs(settings.trace_resource) | named,
        sampler=(settings.trace_sampler, settings.trace_sampler_argument),
    )
