"""What every generator does with what a model wrote: mend, ground, guard and plan it. Nothing is run."""

from __future__ import annotations

import asyncio
import difflib
import re
from dataclasses import replace

from service.adapters.sqlgen.confidence import rate
from service.adapters.sqlgen.explanation import explain
from service.adapters.sqlgen.literals import ground
from service.adapters.sqlgen.mend import mend
from service.adapters.sqlgen.shape import complete
from service.adapters.sqlgen.units import conversions
from service.domain.caller import Caller
from service.domain.questions import Usage
from service.domain.schema_linking import Links, name_parts
from service.domain.sql import MAX_STATEMENT_ROWS, Schema
from service.domain.sql_guard import GuardedSql, guard
from service.errors import SqlExecutionFailed, SqlRejected, SqlTimeout
from service.ports import Database, SqlDraft, SqlRequest

ONLY_READING = "The question asks to change data, and only reading is possible."
_MAX_NAMES = 25
_WRITE = re.compile(
    r"^\W*(please\s+|can you\s+|could you\s+)?"
    r"(delete|drop|truncate|insert|update|remove|erase|alter|create|grant|revoke)\b",
    re.IGNORECASE,
)


def asks_to_write(question: str) -> bool:
    """Whether a question is a request to change data, which no model needs to read."""
    return bool(_WRITE.match(question))


async def check(caller: Caller, database: Database, sql: str | None, request: SqlRequest) -> GuardedSql | str:
    """The guarded statement, or what is wrong with it. sql is None when the reply held no statement."""
    if sql is None:
        return "The reply must be exactly one fenced sql block with one SELECT."
    try:
        guarded = await asyncio.to_thread(_guard_mended, sql, request)
        grounded = await ground(caller, database, guarded.sql, request.schema)
        if grounded != guarded.sql:
            guarded = await asyncio.to_thread(guard, grounded, request.schema, MAX_STATEMENT_ROWS)
        await database.explain(caller, guarded.sql)
    except SqlRejected as error:
        return error.problem
    except (SqlExecutionFailed, SqlTimeout) as error:
        return error.message
    return guarded


def draft(guarded: GuardedSql, request: SqlRequest, links: Links, usage: Usage) -> SqlDraft:
    """A guarded statement with what a reviewer wants to know about it."""
    written = SqlDraft(guarded.sql, guarded.tables, explain(guarded.sql, request.schema.dialect), usage)
    return replace(written, confidence=rate(guarded, request, links))


def nearest_names(problem: str, schema: Schema) -> list[str]:
    """Real names that are spelled like the ones quoted in a problem."""
    wanted = re.findall(r"'([^']+)'|(?:table|column:?) (?:\w+\.)?(\w+)", problem)
    names = {f"{t.name}.{c.name}": c.name for t in schema.tables for c in t.columns} | {
        t.name: t.name for t in schema.tables
    }
    if "no table" in problem:
        return [table.name for table in schema.tables][:_MAX_NAMES]
    lowered = {full: short.lower() for full, short in names.items()}
    found: list[str] = []
    for first, second in wanted[:3]:
        name = first or second
        close = set(difflib.get_close_matches(name.lower(), set(lowered.values()), n=3, cutoff=0.6))
        parts = set(name_parts(name))
        found.extend(full for full, short in lowered.items() if short in close)
        found.extend(full for full, short in names.items() if parts.intersection(name_parts(short)))
    return list(dict.fromkeys(found))[:8]


def _guard_mended(sql: str, request: SqlRequest) -> GuardedSql:
    mended = mend(sql, request.schema) or sql
    completed = complete(mended, request.schema, conversions(request.question, request.schema))
    return guard(completed, request.schema, MAX_STATEMENT_ROWS)
