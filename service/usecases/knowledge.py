"""Teach the SQL generator."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.knowledge import knowledge_id
from service.domain.knowledge_checks import problem_of
from service.domain.sql import KnowledgeItem, Schema
from service.errors import FieldViolation, InvalidRequest
from service.ports import Database, Embedder, KnowledgeRecords, Page
from service.usecases.bundle import ImportedKnowledge
from service.usecases.retrieve_knowledge import embed_items, space_of

_MOMENT = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ManageKnowledge:
    """KnowledgeUseCases over the records. database is None when none is connected; then SQL is only parsed."""

    records: KnowledgeRecords
    embedder: Embedder
    database: Database | None

    async def create(self, caller: Caller, item: KnowledgeItem) -> KnowledgeItem:
        """Keep item, or return the one that says the same already.

        Raises InvalidRequest unless it says exactly one thing that passes the checks, and what the database and the
        embedder raise.
        """
        saved, _ = await self._save(caller, {"knowledge_item": item})
        return saved[0]

    async def load(self, caller: Caller, items: Sequence[KnowledgeItem]) -> ImportedKnowledge:
        """Keep all items or, when any of them is wrong, none, in their order. Raises like create, for all at once."""
        saved, created = await self._save(caller, {f"knowledge_items[{i}]": item for i, item in enumerate(items)})
        return ImportedKnowledge(created, len(saved) - created)

    async def list(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        """A page, newest first. Raises InvalidRequest for a token that is not ours."""
        return await self.records.list_items(caller, size, token)

    async def delete(self, caller: Caller, item_id: str) -> None:
        """Raises NotFound."""
        await self.records.delete_item(caller, item_id)

    async def _save(self, caller: Caller, items: dict[str, KnowledgeItem]) -> tuple[list[KnowledgeItem], int]:
        """The items as they are stored, and how many of them are new. items are by the field to blame."""
        schema = await self.database.schema(caller) if self.database else None
        violations = await asyncio.to_thread(_violations, items, schema)
        if violations:
            raise InvalidRequest(*violations)
        now = dt.datetime.now(dt.UTC)
        fresh = [
            dataclasses.replace(item, id=knowledge_id(item), create_time=now + i * _MOMENT)
            for i, item in enumerate(items.values())
        ]
        vectors = await embed_items(self.embedder, caller, fresh)
        saved = await self.records.save_items(caller, fresh, vectors, space_of(self.embedder))
        return saved, sum(stored == item for stored, item in zip(saved, fresh, strict=True))


def _violations(items: dict[str, KnowledgeItem], schema: Schema | None) -> list[FieldViolation]:
    found: list[FieldViolation] = []
    for path, item in items.items():
        problem = problem_of(item, schema)
        if problem:
            field, sentence = problem
            found.append(FieldViolation(f"{path}.{field}" if field else path, sentence))
    return found
