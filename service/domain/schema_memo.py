"""What is worked out from a schema once, while the schema stays the same object."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import TypeVar

from service.domain.sql import Schema

T = TypeVar("T")
_KEPT = 16


def once_per_schema(work: Callable[[Schema], T]) -> Callable[[Schema], T]:
    """Remember the results for the schemas of late. They are told apart by identity: comparing them takes longer."""
    kept: OrderedDict[int, tuple[Schema, T]] = OrderedDict()
    lock = Lock()

    @wraps(work)
    def remembered(schema: Schema) -> T:
        with lock:
            known = kept.get(id(schema))
        if known is not None and known[0] is schema:
            return known[1]
        result = work(schema)
        with lock:
            kept[id(schema)] = (schema, result)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return result

    return remembered


@once_per_schema
def structure(schema: Schema) -> str:
    """A digest of what can be named in SQL: tables and columns with their types. Stored values have no part."""
    named = [(table.name, table.is_view, [(c.name, c.type) for c in table.columns]) for table in schema.tables]
    return hashlib.sha256(repr((schema.dialect, named)).encode()).hexdigest()
