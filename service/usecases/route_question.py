"""Choose the source of a question from what the sources hold."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.questions import Question, Route, Routing, Usage
from service.domain.routing import SourceEvidence, choose, is_close
from service.domain.schema_linking import words_of
from service.domain.schema_phrases import schema_phrases
from service.domain.spending import spending
from service.domain.sql import Schema
from service.errors import UpstreamUnavailable
from service.ports import Database, Embedder
from service.usecases.break_tie import BreakTie
from service.usecases.retrieve_passages import Retrieved
from service.usecases.steps import traced
from service.usecases.weigh_sources import SchemaNames, schema_terms, weigh_sources

LOOKED_UP = 150
"""The last words of a question that are looked up among the stored values: a longer one asks at its end."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A routing and what it cost. final is false when a chat model that may answer next time did not."""

    routing: Routing
    usage: Usage = Usage()
    final: bool = True


@dataclass(frozen=True, slots=True)
class RouteQuestion:
    """Routes by evidence, and by a chat model too where that is close. database is None when none is connected."""

    embedder: Embedder
    database: Database | None
    break_tie: BreakTie
    _names: dict[str, SchemaNames] = field(default_factory=dict[str, SchemaNames])
    _embedding: asyncio.Lock = field(default_factory=asyncio.Lock)

    @traced("route", lambda routed: {"route": routed.routing.route, "confidence": routed.routing.confidence})
    async def __call__(self, caller: Caller, question: Question, found: Retrieved) -> Routed:
        """The route that the caller forced, the only one there is, or the likeliest."""
        with spending() as spent:
            routed = await self._route(caller, question, found)
        return replace(routed, usage=spent())

    async def _route(self, caller: Caller, question: Question, found: Retrieved) -> Routed:
        if question.route is not Route.UNSPECIFIED:
            return Routed(Routing(question.route, 1.0, "The caller chose this route."))
        try:
            evidence = await self.weigh(caller, question, found)
        except UpstreamUnavailable as error:
            return Routed(Routing(Route.DOCUMENTS, 0.5, f"Only documents can answer now. {error.message}"))
        if evidence.documents and not evidence.database:
            return Routed(Routing(Route.DOCUMENTS, 1.0, f"{self._lacking} so only documents can answer."))
        routing = choose(question.text, evidence)
        if found.problem:
            return Routed(replace(routing, reason=f"{routing.reason} {found.problem}"))
        if not is_close(routing, evidence):
            return Routed(routing)
        told = await self.break_tie(caller, question)
        return Routed(choose(question.text, evidence, told.routes), final=told.final)

    @property
    def _lacking(self) -> str:
        return "No database is connected," if self.database is None else "The database has no table to read,"

    async def warm(self, caller: Caller) -> None:
        """Embed the names of the schema before the first question needs them."""
        if self.database is not None:
            await self._schema_names(caller, await self.database.schema(caller))

    async def weigh(self, caller: Caller, question: Question, found: Retrieved) -> SourceEvidence:
        """What the documents and the database hold for the question. Raises UpstreamUnavailable."""
        if self.database is None:
            return weigh_sources(question.text, found.vector, found.evidence, None)
        schema = await self.database.schema(caller)
        values, names = await asyncio.gather(
            self.database.find_values(caller, words_of(question.text)[-LOOKED_UP:]), self._schema_names(caller, schema)
        )
        return weigh_sources(question.text, found.vector, found.evidence, names, values)

    async def _schema_names(self, caller: Caller, schema: Schema) -> SchemaNames:
        """The names of the schema with their vectors, kept for one epoch."""
        async with self._embedding:
            if schema.epoch not in self._names:
                import numpy as np

                phrases = tuple(schema_phrases(schema))
                chunks = [Chunk(i, text, Span(0, len(text))) for i, text in enumerate(phrases)]
                embedded = await self.embedder.embed_chunks(caller, chunks) if chunks else []
                vectors = np.stack([item.vector for item in embedded]) if embedded else np.zeros((0, 1), np.float32)
                self._names.clear()
                self._names[schema.epoch] = SchemaNames(phrases, vectors, schema_terms(schema))
        return self._names[schema.epoch]
