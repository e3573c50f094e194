"""A reply of the model on its way to a statement: mended, guarded, grounded in stored values, and planned."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from service.adapters.sqlgen.literals import ground
from service.adapters.sqlgen.mend import mend
from service.adapters.sqlgen.shape import complete
from service.adapters.sqlgen.shape_counts import check_counts
from service.adapters.sqlgen.short_names import restore, shorten, shortened
from service.adapters.sqlgen.units import conversions
from service.domain.caller import Caller
from service.domain.sql import MAX_STATEMENT_ROWS
from service.domain.sql_guard import GuardedSql
from service.domain.sql_guard_memo import guard_once
from service.errors import SqlExecutionFailed, SqlRejected, SqlTimeout
from service.ports import ChatReply, Database, SqlRequest


@dataclass(frozen=True, slots=True)
class Candidate:
    """A statement that passed the guard.

    probabilities are the logarithms of those of its tokens, empty where the model does not tell; attempt is how many
    replies there were before.
    """

    guarded: GuardedSql
    probabilities: tuple[float, ...]
    attempt: int


async def check(
    caller: Caller, database: Database, sql: str | None, request: SqlRequest, reply: ChatReply, attempt: int
) -> Candidate | str:
    """The candidate, or what is wrong with it as a sentence for the model."""
    if sql is None:
        return "The reply must be exactly one fenced sql block with one SELECT."
    try:
        guarded = await asyncio.to_thread(_guard_mended, sql, request)
        written = shorten(guarded.sql, request.schema)
        grounded = await ground(caller, database, written, shortened(request.schema))
        if grounded != written:
            guarded = await asyncio.to_thread(_guard_mended, grounded, request)
        await database.explain(caller, guarded.sql)
    except SqlRejected as error:
        return error.problem
    except (SqlExecutionFailed, SqlTimeout) as error:
        return error.message
    return Candidate(guarded, _probabilities(reply), attempt)


def _guard_mended(sql: str, request: SqlRequest) -> GuardedSql:
    schema = shortened(request.schema)
    mended = mend(shorten(sql, request.schema), request.question, schema)
    completed = complete(mended, request.question, schema, conversions(request.question, schema))
    guarded = guard_once(restore(completed, request.schema), request.schema, MAX_STATEMENT_ROWS)
    check_counts(completed, schema.dialect)
    return guarded


def _probabilities(reply: ChatReply) -> tuple[float, ...]:
    """The logarithms of the tokens of the statement itself, without its fence and what is only white space."""
    inside = [logarithm for token, logarithm in reply.logprobs if token.strip() and "```" not in token]
    return tuple(inside[1:]) if reply.logprobs and reply.text.startswith("```") else tuple(inside)
