"""Choose the source of a question from what the sources hold."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.documents import Chunk, Span
from service.domain.questions import Question, Route, Routing
from service.domain.routing import SourceEvidence, choose
from service.domain.schema_phrases import schema_phrases
from service.domain.sql import Schema
from service.errors import UpstreamUnavailable
from service.ports import Database, Embedder
from service.usecases.retrieve_passages import Retrieved

if TYPE_CHECKING:
    from service.ports import Vectors

NEAREST_NAMES = 3


@dataclass(frozen=True, slots=True)
class RouteQuestion:
    """Routes by evidence. database is None when none is connected."""

    embedder: Embedder
    database: Database | None
    _names: dict[str, Vectors] = field(default_factory=dict[str, "Vectors"])
    _embedding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, caller: Caller, question: Question, found: Retrieved) -> Routing:
        """The route that the caller forced, the only one there is, or the likeliest."""
        if question.route is not Route.UNSPECIFIED:
            return Routing(question.route, 1.0, "The caller chose this route.")
        if self.database is None:
            return Routing(Route.DOCUMENTS, 1.0, "No database is connected, so only documents can answer.")
        try:
            schema = await self.database.schema(caller)
        except UpstreamUnavailable as error:
            return Routing(Route.DOCUMENTS, 0.5, f"Only documents can answer now. {error.message}")
        if not schema.tables:
            return Routing(Route.DOCUMENTS, 1.0, "The database has no table to read, so only documents can answer.")
        if not found.evidence:
            return Routing(Route.SQL, 1.0, "No document is searchable, so only the database can answer.")
        return choose(question.text, await self.weigh(caller, question, found))

    async def warm(self, caller: Caller) -> None:
        """Embed the names of the schema before the first question needs them."""
        if self.database is not None:
            await self._name_vectors(caller, await self.database.schema(caller))

    async def weigh(self, caller: Caller, question: Question, found: Retrieved) -> SourceEvidence:
        """What the documents and the database hold for the question. Needs a database and evidence."""
        assert self.database is not None
        schema = await self.database.schema(caller)
        values, names = await asyncio.gather(
            self.database.find_values(caller, question.text.split()), self._name_vectors(caller, schema)
        )
        best = max(found.evidence, key=lambda evidence: evidence.relevance)
        nearest = sorted((float(cosine) for cosine in names @ found.vector), reverse=True)[:NEAREST_NAMES]
        return SourceEvidence(
            best.meaning,
            sum(nearest) / len(nearest),
            len({match.value.casefold() for match in values}),
            best.passage.filename,
        )

    async def _name_vectors(self, caller: Caller, schema: Schema) -> Vectors:
        """The vectors of the schema's names, shape (names, dimension), kept for one epoch."""
        async with self._embedding:
            if schema.epoch not in self._names:
                import numpy as np

                chunks = [Chunk(i, text, Span(0, len(text))) for i, text in enumerate(schema_phrases(schema))]
                embedded = await self.embedder.embed_chunks(caller, chunks)
                self._names.clear()
                self._names[schema.epoch] = np.stack([item.vector for item in embedded])
        return self._names[schema.epoch]
