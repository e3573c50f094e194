"""The composition root: settings in, ASGI application out. Only this file sees adapters and use cases at once."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from service import __version__, backends, samples
from service.components import capabilities_of, components_of
from service.deferred import deferred
from service.transport.app import build_transport
from service.usecases.bundle import UseCases
from service.usecases.check_health import CheckHealth

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from starlette.applications import Starlette

    from service.ports import (
        BlobStore,
        Cache,
        ChatModel,
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
    from service.usecases.bundle import CacheUseCases
    from service.usecases.manage_documents import ManageDocuments
    from service.usecases.measure_usage import MeasureUsage
    from service.usecases.reindex import Reindex
    from service.usecases.retrieve_passages import RetrievePassages
    from service.usecases.route_question import RouteQuestion
    from service.wiring import Questions


@dataclass(frozen=True, slots=True)
class Ports:
    """One adapter a port. database and sqlgen are None when no database is connected."""

    blobs: BlobStore
    parser: Parser
    embedder: Embedder
    chat: ChatModel
    vectors: VectorIndex
    reader: Reader
    records: RecordStore
    cache: Cache
    database: Database | None
    sqlgen: SqlGenerator | None


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that was put together for one process. close ends the processes and threads of the adapters."""

    settings: Settings
    ports: Ports
    use_cases: UseCases
    documents: ManageDocuments
    for_documents: Embedder
    questions: Questions
    usage: MeasureUsage
    tracer: Tracer | None
    close: Callable[[], None]

    @property
    def retrieve(self) -> RetrievePassages:
        """What finds passages."""
        return self.questions.retrieve

    @property
    def route(self) -> RouteQuestion:
        """What decides between documents and SQL."""
        return self.questions.route

    @property
    def reindex(self) -> Reindex:
        """What embeds everything anew."""
        from service.usecases.reindex import Reindex

        ports = self.ports
        return Reindex(ports.vectors, ports.records, ports.blobs, ports.parser, self.for_documents, ports.cache)


def build_app(settings: Settings, *, reflection: bool = False, **overrides: Any) -> Starlette:
    """The application. overrides replace adapters by the name of their port, for tests."""
    return application(assemble(settings, **overrides), reflection=reflection)


def application(assembly: Assembly, *, reflection: bool = False) -> Starlette:
    """What clients reach of an assembly."""
    settings = assembly.settings
    app = build_transport(
        assembly.use_cases,
        cors_origins=settings.cors_origins,
        lifespan=_lifespan(assembly),
        reflection=reflection,
    )
    if settings.log_format == "json":
        from service import request_log

        request_log.attach(app, settings)
    if assembly.tracer:
        from service.transport.tracing import TraceRequests

        # Around the records, which hand on to its spans what they are told.
        app.add_middleware(TraceRequests, tracer=assembly.tracer)
        app.state.flush_traces = assembly.tracer.flush
    return app


def assemble(settings: Settings, **overrides: Any) -> Assembly:
    """Adapters and use cases. Nothing connects, starts or loads before it is used, but docling's models for PDF."""
    closing = ExitStack()
    usage = deferred(lambda: _meter(chosen))
    chosen = replace(_choose(settings, closing, overrides, usage), **overrides)
    if tracer := backends.make_tracer(settings):
        closing.callback(tracer.close)
    kept = settings.cache_embedding_ttl_seconds
    ports = replace(chosen, embedder=deferred(lambda: _embedder(chosen, usage, "QUESTIONS", kept)))
    left = settings.ingest_events_from_bytes
    for_documents = deferred(lambda: _embedder(chosen, usage, "DOCUMENTS", kept))
    documents = deferred(lambda: _documents(ports, left, for_documents))
    questions = deferred(lambda: _questions(settings, ports, usage))
    records, parts = ports.records, components_of(chosen, settings, tracer)
    use_cases = UseCases(
        documents=documents,
        questions=deferred(lambda: questions.questions),
        sql=deferred(lambda: questions.sql),
        knowledge=deferred(lambda: questions.knowledge),
        feedback=deferred(lambda: questions.feedback),
        caches=deferred(lambda: _caches(ports, documents)),
        usage=usage,
        health=CheckHealth(parts, capabilities_of(chosen), records, records, ports.vectors, __version__),
    )
    return Assembly(settings, ports, use_cases, documents, for_documents, questions, usage, tracer, closing.close)


def _choose(settings: Settings, closing: ExitStack, overrides: Mapping[str, Any], usage: MeasureUsage) -> Ports:
    """The adapters of the settings, each made on its first use; one that is overridden never is."""
    url = _database_url(settings)
    minilm = deferred(lambda: backends.make_minilm(settings))
    embedder: Embedder = overrides.get("embedder") or deferred(lambda: backends.make_embedder(settings, minilm))
    chat: ChatModel = overrides.get("chat") or deferred(lambda: backends.make_chat(settings, closing))
    database: Database | None = overrides.get("database") or (
        deferred(lambda: backends.make_database(url, settings)) if url else None
    )
    parser: Parser = overrides.get("parser") or (
        backends.make_parser(settings, closing)
        if settings.use_docling
        else deferred(lambda: backends.make_parser(settings, closing))
    )
    return Ports(
        blobs=deferred(lambda: backends.make_blobs(settings)),
        parser=parser,
        embedder=embedder,
        chat=chat,
        vectors=deferred(lambda: backends.make_vectors(settings, embedder, closing)),
        reader=deferred(lambda: backends.make_reader(minilm)),
        records=deferred(lambda: backends.make_records(settings, closing)),
        cache=deferred(lambda: backends.make_cache(settings, closing)),
        database=database,
        sqlgen=deferred(lambda: _sqlgen(settings, chat, database, usage)) if database else None,
    )


def _database_url(settings: Settings) -> str:
    """The user's database, empty when there is none."""
    return settings.database_url or (samples.DATABASE_URL if settings.sample_data else "")


def _questions(settings: Settings, ports: Ports, usage: MeasureUsage) -> Questions:
    from service import wiring

    return wiring.wire(settings, ports, usage, _database_url(settings))


def _embedder(ports: Ports, usage: MeasureUsage, kind: str, ttl_seconds: float) -> Embedder:
    from service import wiring

    return wiring.embedder_of(ports.embedder, ports.cache, usage, kind, ttl_seconds)


def _sqlgen(settings: Settings, chat: ChatModel, database: Database, usage: MeasureUsage) -> SqlGenerator:
    from service import wiring

    return backends.make_sqlgen(settings, wiring.writer_of_sql(chat, usage), database)


def _documents(ports: Ports, left_from_bytes: int | None, embedder: Embedder) -> ManageDocuments:
    from service.usecases.manage_documents import ManageDocuments

    stores = ports.records, ports.vectors, ports.blobs, ports.parser, embedder, ports.cache
    return ManageDocuments(*stores, left_from_bytes=left_from_bytes)


def _caches(ports: Ports, documents: ManageDocuments) -> CacheUseCases:
    from service.usecases.manage_caches import ManageCaches

    return ManageCaches(ports.cache, documents)


def _meter(ports: Ports) -> MeasureUsage:
    from service.usecases.measure_usage import MeasureUsage

    return MeasureUsage(ports.records)


def _lifespan(assembly: Assembly) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        from service import startup
        from service.usecases.tidy_sql import TidySql

        with startup.sole_server(assembly.settings.data_dir) as alone:
            async with assembly.usage.buffering(), assembly.documents.working(recover=alone):
                working: list[asyncio.Task[None]] = []
                if assembly.settings.sample_data:
                    loading = startup.load_samples(assembly.use_cases.documents, assembly.settings.data_dir)
                    working.append(asyncio.create_task(loading))
                if assembly.settings.embedder == "minilm":  # another one may be slow or down
                    await asyncio.gather(*working)
                # A remote model keeps no prompt for us, and reading one costs money.
                warms = assembly.ports if assembly.settings.chat == "local" else replace(assembly.ports, sqlgen=None)
                tidy = TidySql(assembly.ports.records)
                await tidy(alone and not assembly.ports.records.shared)
                warming = startup.keep_warm(assembly.route, warms)
                working += [asyncio.create_task(warming), asyncio.create_task(tidy.repeat())]
                try:
                    yield
                finally:
                    for task in working:
                        task.cancel()
            await asyncio.to_thread(assembly.close)

    return lifespan
