"""Knowledge items as rows. Every function runs inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.adapters.records import paging
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from service.domain.caller import Caller
    from service.ports import Page


def save(connection: Connection, caller: Caller, item: KnowledgeItem) -> None:
    """Insert."""
    from sqlalchemy import insert

    from service.adapters.records.schema import knowledge_items as table

    example = item.example
    connection.execute(
        insert(table).values(
            tenant=caller.tenant,
            id=item.id,
            create_time=item.create_time,
            ddl=item.ddl,
            documentation=item.documentation,
            example_question=example.question if example else None,
            example_sql=example.sql if example else None,
        )
    )


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


def count(connection: Connection, caller: Caller) -> int:
    """All of the tenant's."""
    from sqlalchemy import func, select

    from service.adapters.records.schema import knowledge_items as table

    return connection.execute(select(func.count()).where(table.c.tenant == caller.tenant)).scalar_one()


def _item(row: Row[Any]) -> KnowledgeItem:
    example = None if row.example_sql is None else ExampleQuery(row.example_question, row.example_sql)
    return KnowledgeItem(row.id, row.create_time, row.ddl, row.documentation, example)
