"""Answers that were given before, for as long as nothing they depend on has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from service.domain.caller import Caller
from service.domain.codec import decode, encode
from service.domain.questions import Answer, QueryResult, Question, Route
from service.errors import UpstreamUnavailable
from service.ports import Cache, ChatModel, Database, Embedder, KnowledgeRecords, Reader, VectorStore
from service.usecases.steps import traced

KIND = "answer"
FLOW_VERSION = "3"
"""Raised whenever the same evidence would be read, prompted or phrased differently."""
TTL_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """embedder, reader and chat are here for their names: whatever has a part in an answer is part of its key."""

    cache: Cache
    vectors: VectorStore
    database: Database | None
    embedder: Embedder
    reader: Reader
    chat: ChatModel
    knowledge: KnowledgeRecords

    async def key(self, caller: Caller, question: Question) -> str:
        """Everything that the answer depends on, as SHA-256 in hex."""
        parts = (
            caller.tenant,
            question.text,
            question.route,
            question.sql_policy,
            question.documents,
            question.top_k,
            FLOW_VERSION,
            self.embedder.model,
            self.reader.model,
            self.chat.model,
            await self.vectors.epoch(caller),
            await self._schema_epoch(caller),
            await self.knowledge.knowledge_epoch(caller),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @traced("cache", lambda found: {"kind": KIND, "cache_hit": found is not None})
    async def get(self, caller: Caller, key: str) -> QueryResult | None:
        """The stored result with cache_hit set."""
        stored = await self.cache.get(caller, KIND, key)
        return replace(decode(stored), cache_hit=True) if stored is not None else None

    async def put(self, caller: Caller, key: str, result: QueryResult) -> None:
        """Keep an answer from documents. Rows may change without notice, so what rests on them is asked anew."""
        if isinstance(result.outcome, Answer) and result.routing.route is Route.DOCUMENTS:
            await self.cache.set(caller, KIND, key, encode(result), TTL_SECONDS)

    async def _schema_epoch(self, caller: Caller) -> str:
        try:
            return (await self.database.schema(caller)).epoch if self.database else "none"
        except UpstreamUnavailable:
            return "unavailable"
