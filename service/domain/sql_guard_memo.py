"""What the guard wrote of late: exactly that text passes again, while what can be named stays the same."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from service.domain.schema_memo import structure
from service.domain.sql import Schema
from service.domain.sql_guard import GuardedSql, guard

_KEPT = 1_000
_written: OrderedDict[tuple[str, int, str], GuardedSql] = OrderedDict()
_lock = Lock()


def written_before(sql: str, schema: Schema, max_rows: int) -> GuardedSql | None:
    """What the guard said when it wrote this text, if it did so of late."""
    with _lock:
        return _written.get((structure(schema), max_rows, sql))


def guard_once(sql: str, schema: Schema, max_rows: int) -> GuardedSql:
    """What guard returns, at once where it wrote this text itself, for the same structure and bound.

    No text that came from elsewhere is ever taken as checked. Raises SqlRejected.
    """
    known = written_before(sql, schema, max_rows)
    if known is not None:
        return known
    passed = guard(sql, schema, max_rows)
    with _lock:
        _written[(structure(schema), max_rows, passed.sql)] = passed
        while len(_written) > _KEPT:
            _written.popitem(last=False)
    return passed
