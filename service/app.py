"""The composition root: settings in, ASGI application out. Only this file sees adapters and use cases at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette

from service import __version__, backends, samples, startup
from service.deferred import deferred
from service.domain.questions import SqlPolicy
from service.domain.sql import ExecutionLimits
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
from service.settings import Settings
from service.transport.app import build_transport
from service.usecases.answer_cache import AnswerCache
from service.usecases.answer_question import AnswerQuestion
from service.usecases.bundle import UseCases
from service.usecases.check_answer import CheckAnswer
from service.usecases.check_health import CheckHealth
from service.usecases.choose_evidence import ChooseEvidence
from service.usecases.execute_sql import ManageSql
from service.usecases.feedback import RecordFeedback
from service.usecases.knowledge import ManageKnowledge
from service.usecases.manage_caches import ManageCaches
from service.usecases.manage_documents import ManageDocuments
from service.usecases.retrieve_passages import RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.sql_statements import SqlRunner


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
    close: Callable[[], None]


def build_app(settings: Settings, *, reflection: bool = False, **overrides: Any) -> Starlette:
    """The application. overrides replace adapters by the name of their port, for tests."""
    assembly = assemble(settings, **overrides)
    return build_transport(
        assembly.use_cases,
        cors_origins=settings.cors_origins,
        lifespan=_lifespan(assembly),
        reflection=reflection,
    )


def assemble(settings: Settings, **overrides: Any) -> Assembly:
    """Adapters and use cases. Nothing connects, starts or loads before it is used, but docling's models for PDF."""
    closing = ExitStack()
    ports = replace(_choose(settings, closing, overrides), **overrides)
    retrieve = RetrievePassages(ports.embedder, ports.vectors, ports.reader)
    route = RouteQuestion(ports.embedder, ports.database)
    documents = ManageDocuments(ports.records, ports.vectors, ports.blobs, ports.parser, ports.embedder, ports.cache)
    use_cases = _use_cases(settings, ports, documents, retrieve, route)
    return Assembly(settings, ports, use_cases, documents, retrieve, route, closing.close)


def _choose(settings: Settings, closing: ExitStack, overrides: Mapping[str, Any]) -> Ports:
    """The adapters of the settings, each made on its first use; one that is overridden never is."""
    data = settings.data_dir
    url = settings.database_url or (samples.DATABASE_URL if settings.sample_data else "")
    minilm = deferred(lambda: backends.make_minilm(settings))
    embedder: Embedder = overrides.get("embedder") or deferred(lambda: backends.make_embedder(settings, minilm))
    chat: ChatModel = overrides.get("chat") or deferred(lambda: backends.make_chat(settings, closing))
    database: Database | None = overrides.get("database") or (
        deferred(lambda: backends.make_database(url)) if url else None
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
        sqlgen=deferred(lambda: backends.make_sqlgen(chat, database)) if database else None,
    )


def _use_cases(
    settings: Settings, ports: Ports, documents: ManageDocuments, retrieve: RetrievePassages, route: RouteQuestion
) -> UseCases:
    limits = ExecutionLimits(timeout_seconds=settings.sql_timeout_seconds, max_rows=settings.sql_max_rows)
    runner = SqlRunner(ports.records, ports.database, ports.sqlgen, SqlPolicy(settings.sql_policy.upper()))
    choose = ChooseEvidence(CheckAnswer(ports.chat))
    cache = AnswerCache(ports.cache, ports.vectors, ports.database, ports.embedder, ports.reader, ports.chat)
    return UseCases(
        documents=documents,
        questions=AnswerQuestion(retrieve, route, choose, runner, limits, ports.records, cache),
        sql=ManageSql(runner),
        knowledge=ManageKnowledge(ports.records),
        feedback=RecordFeedback(ports.records),
        caches=ManageCaches(ports.cache),
        health=CheckHealth(_components(ports), ports.records, ports.records, ports.vectors, __version__),
    )


def _components(ports: Ports) -> dict[str, tuple[Checkable, bool]]:
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
    return components | ({"database": (ports.database, False)} if ports.database else {})


def _lifespan(assembly: Assembly) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        with startup.sole_server(assembly.settings.data_dir) as alone:
            async with assembly.documents.working(recover=alone):
                if assembly.settings.sample_data:
                    await startup.load_samples(assembly.use_cases.documents, assembly.settings.data_dir)
                # A remote model keeps no prompt for us, and reading one costs money.
                warms = assembly.ports if assembly.settings.chat == "local" else replace(assembly.ports, sqlgen=None)
                warming = asyncio.create_task(startup.warm(assembly.route, warms))
                try:
                    yield
                finally:
                    warming.cancel()
            await asyncio.to_thread(assembly.close)

    return lifespan
