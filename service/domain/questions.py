"""Questions, the events of answering one, and outcomes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.documents import PageBox, Span
from service.domain.sql import SqlResult, SqlStatement


class Route(StrEnum):
    """Where an answer comes from."""

    UNSPECIFIED = "UNSPECIFIED"
    DOCUMENTS = "DOCUMENTS"
    SQL = "SQL"
    HYBRID = "HYBRID"


class SqlPolicy(StrEnum):
    """What may happen with generated SQL."""

    UNSPECIFIED = "UNSPECIFIED"
    REQUIRE_APPROVAL = "REQUIRE_APPROVAL"
    AUTO_READ_ONLY = "AUTO_READ_ONLY"


class NoAnswerReason(StrEnum):
    """Why there is no answer."""

    NO_RELEVANT_CONTENT = "NO_RELEVANT_CONTENT"
    AMBIGUOUS_QUESTION = "AMBIGUOUS_QUESTION"
    SQL_NOT_GENERATED = "SQL_NOT_GENERATED"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what the caller fixed about how to answer it. documents is empty for all.

    no_cache has everything found, written and read anew.
    """

    text: str
    route: Route = Route.UNSPECIFIED
    sql_policy: SqlPolicy = SqlPolicy.UNSPECIFIED
    documents: tuple[str, ...] = ()
    top_k: int = 8
    no_cache: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """The route taken, the probability that it is right, and what decided it in one sentence."""

    route: Route
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that supports parts of an answer.

    quote stands word for word in the document's extracted text at source_span.
    answer_spans are the parts of Answer.text it supports.
    """

    document_id: str
    filename: str
    headings: tuple[str, ...]
    first_page: int
    last_page: int
    boxes: tuple[PageBox, ...]
    source_span: Span
    quote: str
    score: float
    answer_spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a question cost: tokens, US dollars by the dated price table, models in order of first use.

    parts are the summands that each name one model; they are empty where no sum was made.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    cost_usd: float = 0.0
    models: tuple[str, ...] = ()
    parts: tuple[Usage, ...] = field(default=(), compare=False)

    def __add__(self, other: Usage) -> Usage:
        models = tuple(dict.fromkeys(self.models + other.models))
        return Usage(*self.sums(other), models, self.by_model + other.by_model)

    def sums(self, other: Usage) -> tuple[int, int, int, float]:
        """The numbers of both, in the order of the fields."""
        return (
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.embedding_tokens + other.embedding_tokens,
            self.cost_usd + other.cost_usd,
        )

    @property
    def by_model(self) -> tuple[Usage, ...]:
        """The summands, each of one model."""
        return self.parts or ((self,) if self.models else ())


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with the evidence it rests on."""

    id: str
    text: str
    create_time: dt.datetime
    citations: tuple[Citation, ...] = ()
    sql_results: tuple[SqlResult, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingSql:
    """A statement that waits for approval, with the part of the answer that needs no SQL."""

    statement: SqlStatement
    answer_so_far: Answer | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no answer, and what a person could do about it."""

    reason: NoAnswerReason
    hint: str


@dataclass(frozen=True, slots=True)
class FinishedSql:
    """What running an approved statement returned, the answer to its question, and what finishing that cost."""

    result: SqlResult
    answer: Answer
    usage: Usage


Outcome = Answer | PendingSql | NoAnswer


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What Query returns."""

    routing: Routing
    outcome: Outcome
    usage: Usage = field(default_factory=Usage)
    cache_hit: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text to append to the answer."""

    text: str


Event = Routing | Citation | SqlStatement | SqlResult | TextDelta | QueryResult
"""What answering yields, in order; the last is always the QueryResult."""
