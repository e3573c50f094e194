"""The use cases, put together from their ports. Imported when the first of them is needed: Health needs none."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from service import backends
from service.deferred import deferred
from service.domain.questions import SqlPolicy
from service.domain.sql import ExecutionLimits
from service.domain.usage import UsageKind
from service.usecases.answer_cache import AnswerCache
from service.usecases.answer_from_both import AnswerFromBoth
from service.usecases.answer_question import AnswerQuestion
from service.usecases.ask_database import AskDatabase
from service.usecases.ask_once import AskOnce
from service.usecases.break_tie import BreakTie
from service.usecases.check_answer import CheckAnswer
from service.usecases.choose_evidence import ChooseEvidence
from service.usecases.execute_sql import ManageSql
from service.usecases.feedback import ManageFeedback
from service.usecases.finish_answer import FinishAnswer
from service.usecases.knowledge import ManageKnowledge
from service.usecases.look_up import LookUp
from service.usecases.metered import MeteredChat, MeteredEmbedder, MeteredQuestions
from service.usecases.phrase_rows import PhraseRows
from service.usecases.read_again import ReadAgain
from service.usecases.reconsider import Reconsider
from service.usecases.retrieve_knowledge import RetrieveKnowledge
from service.usecases.retrieve_passages import RetrievePassages
from service.usecases.route_question import RouteQuestion
from service.usecases.run_sql import RunSql
from service.usecases.sql_caches import DraftCache, ResultCache
from service.usecases.sql_statements import ProposeSql

if TYPE_CHECKING:
    from service.app import Ports
    from service.ports import Cache, ChatModel, Embedder
    from service.settings import Settings
    from service.usecases.measure_usage import MeasureUsage


class Questions(NamedTuple):
    """Everything that answers, and what is asked beside it: they share their parts."""

    questions: MeteredQuestions
    sql: ManageSql
    knowledge: ManageKnowledge
    feedback: ManageFeedback
    retrieve: RetrievePassages
    route: RouteQuestion


def wire(settings: Settings, ports: Ports, usage: MeasureUsage, database_url: str) -> Questions:
    """The use cases around a question. database_url is empty when there is no database."""
    retrieve = RetrievePassages(ports.embedder, ports.vectors, ports.reader)
    limits = ExecutionLimits(timeout_seconds=settings.sql_timeout_seconds, max_rows=settings.sql_max_rows)
    database_id = hashlib.sha256(database_url.encode()).hexdigest()
    sql = ProposeSql(
        ports.records,
        ports.database,
        ports.sqlgen,
        DraftCache(ports.cache, database_id, settings.cache_sql_ttl_seconds),
        SqlPolicy(settings.sql_policy.upper()),
        dt.timedelta(seconds=settings.sql_statement_ttl_seconds),
        knowledge=RetrieveKnowledge(ports.records, ports.embedder),
    )
    kept = settings.sql_result_ttl_seconds
    run = RunSql(sql, ResultCache(ports.cache, database_id, kept) if kept else None)
    chat = deferred(lambda: MeteredChat(ports.chat, usage, UsageKind.QUESTIONS))
    route = RouteQuestion(ports.embedder, ports.database, BreakTie(chat))
    phrase = PhraseRows(chat if settings.rows_to_model else None)
    knowledge = ManageKnowledge(ports.records, ports.embedder, ports.database)
    choose = ChooseEvidence(CheckAnswer(chat))
    cache = AnswerCache(
        ports.cache,
        ports.vectors,
        ports.database,
        ports.embedder,
        ports.reader,
        ports.chat,
        ports.records,
        settings.cache_answer_ttl_seconds,
    )
    ask_database = AskDatabase(sql, run, phrase, limits)
    read = ReadAgain(retrieve, settings.rows_to_model or settings.embedder != "openai")
    both = AnswerFromBoth(ask_database, LookUp(chat), read)
    answer = AnswerQuestion(retrieve, route, choose, ask_database, both, Reconsider(both), ports.records, cache)
    return Questions(
        questions=MeteredQuestions(AskOnce(answer, cache), usage),
        sql=ManageSql(sql, run, FinishAnswer(ports.records, phrase, both), limits),
        knowledge=knowledge,
        feedback=ManageFeedback(ports.records, knowledge),
        retrieve=retrieve,
        route=route,
    )


def embedder_of(embedder: Embedder, cache: Cache, usage: MeasureUsage, kind: str, ttl_seconds: float) -> Embedder:
    """The embedder, with what it does counted under kind and its vectors of questions remembered."""
    return backends.make_cached(MeteredEmbedder(embedder, usage, UsageKind(kind)), cache, ttl_seconds)


def writer_of_sql(chat: ChatModel, usage: MeasureUsage) -> ChatModel:
    """The chat model, with what it does counted as SQL."""
    return MeteredChat(chat, usage, UsageKind.SQL)
