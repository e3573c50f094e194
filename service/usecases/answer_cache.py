"""Answers that were given before, for as long as nothing they depend on has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from service.domain.caller import Caller
from service.domain.codec import decode_cached, encode
from service.domain.questions import Answer, QueryResult, Question, Route
from service.errors import UpstreamUnavailable
from service.ports import Cache, ChatModel, Database, Embedder, KnowledgeRecords, Reader, VectorStore
from service.usecases.steps import traced

KIND = "answer"
FLOW_VERSION = "4"
"""Raised whenever the same evidence would be routed, read, prompted or phrased differently."""
MOST_DECODED = 256
CLAIM_SECONDS = 15.0
"""So long the others wait for a process that has died."""
WAIT_SECONDS = 0.05


class AnswerKey(NamedTuple):
    """digest stands for everything that an answer depends on. state is what of that does not stand in the question."""

    digest: str
    state: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A stored answer as it was last found under key. stored is what it was decoded from."""

    key: AnswerKey
    stored: bytes
    result: QueryResult


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """embedder, reader and chat are here for their names: whatever has a part in an answer is part of its key.

    ttl_seconds is 0 where no answer is kept.
    """

    cache: Cache
    vectors: VectorStore
    database: Database | None
    embedder: Embedder
    reader: Reader
    chat: ChatModel
    knowledge: KnowledgeRecords
    ttl_seconds: float = 3600.0
    _decoded: OrderedDict[tuple[Caller, Question], Decoded] = field(
        default_factory=OrderedDict[tuple[Caller, Question], Decoded]
    )

    async def key(self, caller: Caller, question: Question) -> AnswerKey:
        """The key of an answer that is given now."""
        state = await self._state(caller)
        parts = (
            caller.tenant,
            question.text,
            question.route,
            question.sql_policy,
            question.documents,
            question.top_k,
            *state,
        )
        return AnswerKey(hashlib.sha256(json.dumps(parts).encode()).hexdigest(), state)

    @traced("cache", lambda found: {"kind": KIND, "cache_hit": found is not None})
    async def get(self, caller: Caller, question: Question, key: AnswerKey) -> QueryResult | None:
        """The stored result with cache_hit set, unless the question wants none. What is found is counted."""
        if question.no_cache or not self.ttl_seconds:
            return None
        result = await self._find(caller, question, key)
        if result is not None:
            self.count_saved(caller, result)
        return result

    async def again(self, caller: Caller, question: Question) -> QueryResult | None:
        """What get returned for this question before, if it would return it now: the very same object.

        Raises UpstreamUnavailable.
        """
        known = self._decoded.get((caller, question))
        if known is None or await self._state(caller) != known.key.state:
            return None
        return await self.get(caller, question, known.key)

    async def claim(self, caller: Caller, question: Question, key: AnswerKey) -> tuple[str, QueryResult | None]:
        """Wait while another process answers this. Its result, or none when this one is to answer.

        The first of both is to be passed to release then. A process that waited for nothing answers without a claim:
        so do all that waited with it, and at once.
        """
        token = uuid.uuid4().hex
        if not self.ttl_seconds or await self.cache.claim(caller, KIND, key.digest, token, CLAIM_SECONDS):
            self.cache.count(caller, KIND, None)
            return token, None
        until = time.monotonic() + CLAIM_SECONDS
        while time.monotonic() < until and await self.cache.is_claimed(caller, KIND, key.digest):
            await asyncio.sleep(WAIT_SECONDS)
        result = await self.get(caller, question, key)
        if result is None:
            self.cache.count(caller, KIND, None)
        return "", result

    async def release(self, caller: Caller, key: AnswerKey, token: str) -> None:
        """Let the others look at what was put, or answer. Doing it twice does no harm."""
        if token:
            await self.cache.release(caller, KIND, key.digest, token)

    def count_saved(self, caller: Caller, result: QueryResult) -> None:
        """Count a result that was not worked out again."""
        self.cache.count(caller, KIND, result.usage)

    async def put(self, caller: Caller, key: AnswerKey, result: QueryResult) -> None:
        """Keep an answer from documents. Rows may change without notice, so what rests on them is asked anew."""
        if isinstance(result.outcome, Answer) and result.routing.route is Route.DOCUMENTS:
            await self.cache.set(caller, KIND, key.digest, encode(result), self.ttl_seconds)

    async def _find(self, caller: Caller, question: Question, key: AnswerKey) -> QueryResult | None:
        """The stored result. The same bytes are decoded once."""
        stored = await self.cache.get(caller, KIND, key.digest)
        if stored is None:
            return None
        place = caller, question
        known = self._decoded.get(place)
        if known is None or known.key != key or known.stored != stored:
            result = decode_cached(stored)
            if not isinstance(result, QueryResult):
                return None
            known = self._decoded[place] = Decoded(key, stored, replace(result, cache_hit=True))
            while len(self._decoded) > MOST_DECODED:
                self._decoded.popitem(last=False)
        self._decoded.move_to_end(place)
        return known.result

    async def _state(self, caller: Caller) -> tuple[str, ...]:
        return (
            FLOW_VERSION,
            self.embedder.model,
            self.reader.model,
            self.chat.model,
            await self.vectors.epoch(caller),
            await self._schema_epoch(caller),
            await self.knowledge.knowledge_epoch(caller),
        )

    async def _schema_epoch(self, caller: Caller) -> str:
        try:
            return (await self.database.schema(caller, fresh=True)).epoch if self.database else "none"
        except UpstreamUnavailable:
            return "unavailable"
