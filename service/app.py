"""The composition root: settings in, ASGI application out. Only this file sees adapters and use cases at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette

from service import __version__, backends, samples, startup
from service.deferred import deferred
from service.domain.questions import SqlPolicy
from service.domain.sql import ExecutionLimits
from service.domain.usage import UsageKind
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
    VectorStore,
)
from service.ports.traces import Tracer
from service.settings import Settings
from service.transport.app import build_transport
from service.transport.tracing import TraceRequests
from service.usecases.answer_cache import AnswerCache
from service.usecases.answer_question import AnswerQuestion
from service.usecases.bundle import UseCases
from service.usecases.check_answer import CheckAnswer
from service.usecases.check_health import CheckHealth
from service.usecases.choose_evidence import ChooseEvidence
from service.usecases.execute_sql import ManageSql
from service.usecases.feedback import ManageFeedback
from service.usecases.finish_answer import FinishAnswer
from service.usecases.knowledge import ManageKnowledge
from service.usecases.manage_caches import ManageCaches
from service.usecases.manage_documents import ManageDocuments
from service.usecases.measure_usage import MeasureUsage
from service.usecases.metered import MeteredChat, MeteredEmbedder, MeteredQuestions
from service.usecases.phrase_rows import PhraseRows
from service.usecases.retrieve_knowledge import RetrieveKnowledge
from service.usecases.retrieve_passages import RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.run_sql import RunSql
from service.usecases.sql_caches import DraftCache, ResultCache
from service.usecases.sql_statements import ProposeSql
from service.usecases.tidy_sql import TidySql


@dataclass(frozen=True, slots=True)
class Ports:
    """One adapter a port. database and sqlgen are None when no database is connected."""

    blobs: BlobStore
    parser: Parser
    embedder: Embedder
    chat: ChatModel
    vectors: VectorStore
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
    retrieve: RetrievePassages
    route: RouteQuestion
    usage: MeasureUsage
    tracer: Tracer | None
    close: Callable[[], None]


def build_app(settings: Settings, *, reflection: bool = False, **overrides: Any) -> Starlette:
    """The application. overrides replace adapters by the name of their port, for tests."""
    assembly = assemble(settings, **overrides)
    app = build_transport(
        assembly.use_cases,
        cors_origins=settings.cors_origins,
        lifespan=_lifespan(assembly),
        reflection=reflection,
    )
    if assembly.tracer:
        app.add_middleware(TraceRequests, tracer=assembly.tracer)
        app.state.flush_traces = assembly.tracer.flush
    return app


def assemble(settings: Settings, **overrides: Any) -> Assembly:
    """Adapters and use cases. Nothing connects, starts or loads before it is used, but docling's models for PDF."""
    closing = ExitStack()
    usage = MeasureUsage(deferred(lambda: ports.records))
    chosen = replace(_choose(settings, closing, overrides, usage), **overrides)

    def metered(kind: UsageKind) -> Embedder:
        return deferred(lambda: backends.make_cached(MeteredEmbedder(chosen.embedder, usage, kind), chosen.cache))

    ports = replace(chosen, embedder=metered(UsageKind.QUESTIONS))
    for_documents = metered(UsageKind.DOCUMENTS)
    retrieve = RetrievePassages(ports.embedder, ports.vectors, ports.reader)
    route = RouteQuestion(ports.embedder, ports.database)
    documents = ManageDocuments(ports.records, ports.vectors, ports.blobs, ports.parser, for_documents, ports.cache)
    tracer = backends.make_tracer(settings)
    if tracer:
        closing.callback(tracer.close)
    use_cases = _use_cases(settings, ports, documents, retrieve, route, usage, tracer)
    return Assembly(settings, ports, use_cases, documents, retrieve, route, usage, tracer, closing.close)


def _choose(settings: Settings, closing: ExitStack, overrides: Mapping[str, Any], usage: MeasureUsage) -> Ports:
    """The adapters of the settings, each made on its first use; one that is overridden never is."""
    data = settings.data_dir
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
        records=deferred(lambda: backends.make_records(data, closing)),
        cache=deferred(lambda: backends.make_cache(settings, closing)),
        database=database,
        sqlgen=deferred(lambda: backends.make_sqlgen(settings, MeteredChat(chat, usage, UsageKind.SQL), database))
        if database
        else None,
    )


def _database_url(settings: Settings) -> str:
    """The user's database, empty when there is none."""
    return settings.database_url or (samples.DATABASE_URL if settings.sample_data else "")


def _use_cases(
    settings: Settings,
    ports: Ports,
    documents: ManageDocuments,
    retrieve: RetrievePassages,
    route: RouteQuestion,
    usage: MeasureUsage,
    tracer: Tracer | None,
) -> UseCases:
    limits = ExecutionLimits(timeout_seconds=settings.sql_timeout_seconds, max_rows=settings.sql_max_rows)
    database_id = hashlib.sha256(_database_url(settings).encode()).hexdigest()
    sql = ProposeSql(
        ports.records,
        ports.database,
        ports.sqlgen,
        DraftCache(ports.cache, database_id),
        SqlPolicy(settings.sql_policy.upper()),
        dt.timedelta(seconds=settings.sql_statement_ttl_seconds),
        knowledge=RetrieveKnowledge(ports.records, ports.embedder),
    )
    kept = settings.sql_result_ttl_seconds
    run = RunSql(sql, ResultCache(ports.cache, database_id, kept) if kept else None)
    chat = deferred(lambda: MeteredChat(ports.chat, usage, UsageKind.QUESTIONS))
    phrase = PhraseRows(chat if settings.rows_to_model else None)
    knowledge = ManageKnowledge(ports.records, ports.embedder, ports.database)
    choose = ChooseEvidence(CheckAnswer(chat))
    cache = AnswerCache(
        ports.cache, ports.vectors, ports.database, ports.embedder, ports.reader, ports.chat, ports.records
    )
    questions = AnswerQuestion(retrieve, route, choose, sql, run, phrase, limits, ports.records, cache)
    return UseCases(
        documents=documents,
        questions=MeteredQuestions(questions, usage),
        sql=ManageSql(sql, run, FinishAnswer(ports.records, phrase), limits),
        knowledge=knowledge,
        feedback=ManageFeedback(ports.records, knowledge),
        caches=ManageCaches(ports.cache),
        usage=usage,
        health=CheckHealth(_components(ports, tracer), ports.records, ports.records, ports.vectors, __version__),
    )


def _components(ports: Ports, tracer: Tracer | None) -> dict[str, tuple[Checkable, bool]]:
    """What Health asks. Documents need the first four; SQL needs the others."""
    components: dict[str, tuple[Checkable, bool]] = {
        "embedder": (ports.embedder, True),
        "vectors": (ports.vectors, True),
        "records": (ports.records, True),
        "blobs": (ports.blobs, True),
        "reader": (ports.reader, False),
        "chat": (ports.chat, False),
        "cache": (ports.cache, False),
    }
    optional: dict[str, Checkable | None] = {"database": ports.database, "traces": tracer}
    return components | {name: (part, False) for name, part in optional.items() if part}


def _lifespan(assembly: Assembly) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
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
                await tidy(alone)
                working += [
                    asyncio.create_task(startup.warm(assembly.route, warms)),
                    asyncio.create_task(tidy.repeat()),
                ]
                try:
                    yield
                finally:
                    for task in working:
                        task.cancel()
            await asyncio.to_thread(assembly.close)

    return lifespan
