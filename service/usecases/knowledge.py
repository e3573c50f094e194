"""Teach the SQL generator."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import TYPE_CHECKING

from service.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from service.domain.caller import Caller
    from service.domain.sql import KnowledgeItem
    from service.ports import KnowledgeRecords, Page


class ManageKnowledge:
    """KnowledgeUseCases over the records."""

    def __init__(self, records: KnowledgeRecords) -> None:
        self._records = records

    async def create(self, caller: Caller, item: KnowledgeItem) -> KnowledgeItem:
        """Keep item under an id and a time of its own. Raises InvalidRequest unless it says exactly one thing."""
        if bool(item.ddl) + bool(item.documentation) + (item.example is not None) != 1:
            raise InvalidRequest(
                FieldViolation("knowledge_item", "Set exactly one of ddl, documentation and example_query.")
            )
        created = dataclasses.replace(item, id=uuid.uuid4().hex, create_time=dt.datetime.now(dt.UTC))
        await self._records.save_item(caller, created)
        return created

    async def list(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        """A page, newest first. Raises InvalidRequest for a token that is not ours."""
        return await self._records.list_items(caller, size, token)

    async def delete(self, caller: Caller, item_id: str) -> None:
        """Raises NotFound."""
        await self._records.delete_item(caller, item_id)
