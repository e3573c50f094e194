"""SQL that was written before and rows that were read before, for as long as nothing they depend on has changed."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, fields
from typing import Any, cast

from service.domain.caller import Caller
from service.domain.codec import decode_cached, encode
from service.domain.questions import Usage
from service.domain.sql import ExecutionLimits, SqlResult, SqlStatement
from service.domain.tables import Table
from service.ports import Cache, CannotAnswer, SqlDraft, SqlGenerator, SqlRequest
from service.usecases.steps import traced

DRAFT_KIND = "sql"
RESULT_KIND = "sql_result"


@dataclass(frozen=True, slots=True)
class DraftCache:
    """Generated SQL of one database. What a model declined or failed to write is asked for again."""

    cache: Cache
    database_id: str
    ttl_seconds: float = 24 * 3600.0

    async def generate(
        self, caller: Caller, generator: SqlGenerator, request: SqlRequest, no_cache: bool = False
    ) -> SqlDraft | CannotAnswer:
        """A draft that was written for exactly this request, or a new one. Raises like generating."""
        key = self._key(caller, generator, request)
        looks = self.ttl_seconds > 0 and not no_cache
        draft = await self._stored(caller, key) if looks else None
        if draft is not None:
            self.cache.count(caller, DRAFT_KIND, draft.usage)
            return draft
        if looks:
            self.cache.count(caller, DRAFT_KIND, None)
        written = await generator.generate(caller, request)
        if isinstance(written, SqlDraft):
            values = tuple(getattr(written, field.name) for field in fields(written))
            await self.cache.set(caller, DRAFT_KIND, key, encode(values), self.ttl_seconds)
        return written

    @traced("cache", lambda found: {"kind": DRAFT_KIND, "cache_hit": found is not None})
    async def _stored(self, caller: Caller, key: str) -> SqlDraft | None:
        stored = await self.cache.get(caller, DRAFT_KIND, key)
        values = () if stored is None else decode_cached(stored)
        parts = cast(tuple[Any, ...], values) if isinstance(values, tuple) else ()
        return SqlDraft(*parts) if len(parts) == len(fields(SqlDraft)) else None

    async def forget(self, caller: Caller) -> None:
        """Forget all of the tenant's: a statement was rejected, or refused by the database, and must not come back."""
        await self.cache.clear(caller, DRAFT_KIND)

    def _key(self, caller: Caller, generator: SqlGenerator, request: SqlRequest) -> str:
        parts = (
            caller.tenant,
            self.database_id,
            generator.version,
            request.question,
            request.rule,
            request.schema.epoch,
            request.knowledge,
        )
        return hashlib.sha256(encode(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class ResultCache:
    """Rows of one database. A hit is the same rows, with the time when they were read."""

    cache: Cache
    database_id: str
    ttl_seconds: float

    @traced("cache", lambda found: {"kind": RESULT_KIND, "cache_hit": found is not None})
    async def get(
        self, caller: Caller, statement: SqlStatement, epoch: str, limits: ExecutionLimits
    ) -> SqlResult | None:
        """The result of this text under these limits, as one of this statement."""
        stored = await self.cache.get(caller, RESULT_KIND, self._key(caller, statement, epoch, limits))
        match None if stored is None else decode_cached(stored):
            case (Table() as table, dt.datetime() as time):
                self.cache.count(caller, RESULT_KIND, Usage())
                return SqlResult(statement, table, time, cache_hit=True)
            case _:
                self.cache.count(caller, RESULT_KIND, None)
                return None

    async def mark(self, caller: Caller) -> str:
        """What put is to be given with rows that are read from now on."""
        return await self.cache.mark(caller, RESULT_KIND)

    async def put(self, caller: Caller, result: SqlResult, epoch: str, limits: ExecutionLimits, mark: str) -> None:
        """Keep the rows for a while, unless they were to be forgotten while they were read."""
        key = self._key(caller, result.statement, epoch, limits)
        kept = encode((result.table, result.execute_time))
        await self.cache.set(caller, RESULT_KIND, key, kept, self.ttl_seconds, mark)

    def _key(self, caller: Caller, statement: SqlStatement, epoch: str, limits: ExecutionLimits) -> str:
        parts = (
            caller.tenant,
            self.database_id,
            statement.dialect,
            epoch,
            statement.sql,
            limits.max_rows,
            limits.max_bytes,
        )
        return hashlib.sha256(encode(parts)).hexdigest()
