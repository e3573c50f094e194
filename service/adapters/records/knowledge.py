"""Knowledge items and their vectors as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row, Table

    from service.domain.caller import Caller
    from service.ports import Page, Vectors


_BATCH = 500


def save(
    connection: Connection, caller: Caller, items: Sequence[KnowledgeItem], vectors: Vectors, model: str
) -> list[KnowledgeItem]:
    """Insert what is not here yet, and return the items as they are stored."""
    from service.adapters.records.schema import knowledge_items as table

    stored = _find(connection, caller, [item.id for item in items])
    fresh = {item.id: item for item in reversed(items) if item.id not in stored}
    if fresh:
        rows = [{"tenant": caller.tenant, **_values(item)} for item in fresh.values()]
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)
        _begin_epoch(connection, caller)
        stored |= _find(connection, caller, list(fresh))
    add_vectors(connection, caller, [item.id for item in items], vectors, model)
    return [stored[item.id] for item in items]


def add_vectors(connection: Connection, caller: Caller, item_ids: Sequence[str], vectors: Vectors, model: str) -> None:
    """Add vectors to the items that are here."""
    import numpy as np

    from service.adapters.records.schema import knowledge_vectors as table

    here = _find(connection, caller, item_ids, keep=True)
    rows = [
        {
            "tenant": caller.tenant,
            "item_id": item_id,
            "model": model,
            "vector": np.asarray(vector, np.float32).tobytes(),
        }
        for item_id, vector in zip(item_ids, vectors, strict=True)
        if item_id in here
    ]
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def page(connection: Connection, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
    """A page of the tenant's."""
    from service.adapters.records.schema import knowledge_items as table

    return paging.fetch(connection, table, table.c.tenant == caller.tenant, _item, size, token)


def delete(connection: Connection, caller: Caller, item_id: str) -> None:
    """Raises NotFound."""
    from sqlalchemy import delete as remove

    from service.adapters.records.schema import knowledge_items as table

    done = connection.execute(remove(table).where(table.c.tenant == caller.tenant, table.c.id == item_id))
    if not done.rowcount:
        raise NotFound(f"There is no knowledge item {item_id}. List the items to see which there are.")
    _begin_epoch(connection, caller)


def count(connection: Connection, caller: Caller) -> int:
    """All of the tenant's."""
    from sqlalchemy import func, select

    from service.adapters.records.schema import knowledge_items as table

    return connection.execute(select(func.count()).where(table.c.tenant == caller.tenant)).scalar_one()


def epoch(connection: Connection, caller: Caller) -> str:
    """Empty before the first change."""
    from sqlalchemy import select

    from service.adapters.records.schema import knowledge_epochs as table

    return connection.execute(select(table.c.epoch).where(table.c.tenant == caller.tenant)).scalar() or ""


def without_vector(connection: Connection, caller: Caller, model: str, limit: int) -> list[KnowledgeItem]:
    """At most limit items that have no vector of this model."""
    return [item for item, vector in pairs(connection, caller, model, missing=limit) if vector is None]


def pairs(
    connection: Connection, caller: Caller, model: str, missing: int | None = None
) -> list[tuple[KnowledgeItem, bytes | None]]:
    """Every item with its vector of this model, newest first; with missing at most so many of those without one."""
    from sqlalchemy import and_, select

    from service.adapters.records.schema import knowledge_items as items
    from service.adapters.records.schema import knowledge_vectors as vectors

    same = and_(vectors.c.tenant == items.c.tenant, vectors.c.item_id == items.c.id, vectors.c.model == model)
    query = select(items, vectors.c.vector).select_from(items.outerjoin(vectors, same))
    query = query.where(items.c.tenant == caller.tenant).order_by(items.c.create_time.desc(), items.c.id.desc())
    if missing is not None:
        query = query.where(vectors.c.vector.is_(None)).limit(missing)
    return [(_item(row), row.vector) for row in connection.execute(query)]


def _begin_epoch(connection: Connection, caller: Caller) -> None:
    from service.adapters.records.schema import knowledge_epochs as table

    fresh = uuid.uuid4().hex
    statement = _insert(connection, table).values(tenant=caller.tenant, epoch=fresh)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_={"epoch": fresh}))


def _insert(connection: Connection, table: Table) -> Any:
    """INSERT that can say what happens on a conflict."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def _find(
    connection: Connection, caller: Caller, item_ids: Sequence[str], *, keep: bool = False
) -> dict[str, KnowledgeItem]:
    """Those of the items that are here, by id. keep has nobody delete them before this transaction ends."""
    from sqlalchemy import select

    from service.adapters.records.schema import knowledge_items as table

    found: dict[str, KnowledgeItem] = {}
    for start in range(0, len(item_ids), _BATCH):
        query = select(table).where(table.c.tenant == caller.tenant, table.c.id.in_(item_ids[start : start + _BATCH]))
        kept = query.with_for_update(read=True, key_share=True) if keep else query
        found |= {row.id: _item(row) for row in connection.execute(kept)}
    return found


def _values(item: KnowledgeItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "create_time": item.create_time,
        "ddl": item.ddl,
        "documentation": item.documentation,
        "example_question": item.example.question if item.example else None,
        "example_sql": item.example.sql if item.example else None,
    }


def _item(row: Row[Any]) -> KnowledgeItem:
    example = None if row.example_sql is None else ExampleQuery(row.example_question, row.example_sql)
    return KnowledgeItem(row.id, row.create_time, row.ddl, row.documentation, example)
