"""What was taught, kept as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.domain.caller import Caller
    from service.domain.sql import KnowledgeItem
    from service.ports.documents import Vectors
    from service.ports.pages import Page


class KnowledgeRecords(Protocol):
    """What people taught the SQL generator, with vectors to find it by, newest first.

    model names what made a vector, the embedding model with its dimension; vectors of several may be kept side by side.
    """

    async def save_items(
        self, caller: Caller, items: Sequence[KnowledgeItem], vectors: Vectors, model: str
    ) -> list[KnowledgeItem]:
        """Insert in one transaction, and return the items as they are stored: one whose id is here stays as it was.

        vectors are of unit length, shape (items, dimension).
        """
        ...

    async def list_items(self, caller: Caller, size: int, token: str) -> Page[KnowledgeItem]:
        """A page."""
        ...

    async def delete_item(self, caller: Caller, item_id: str) -> None:
        """Raises NotFound."""
        ...

    async def count_items(self, caller: Caller) -> int:
        """All of the tenant's."""
        ...

    async def knowledge_epoch(self, caller: Caller) -> str:
        """Another one after every change of the items; empty before the first."""
        ...

    async def items_without_vector(self, caller: Caller, model: str, limit: int) -> list[KnowledgeItem]:
        """At most limit items that have no vector of this model."""
        ...

    async def save_vectors(self, caller: Caller, item_ids: Sequence[str], vectors: Vectors, model: str) -> None:
        """Add vectors to the items that are still here. vectors has the shape (item_ids, dimension)."""
        ...

    async def search_items(
        self, caller: Caller, question: str, vector: Vectors, model: str, limit: int
    ) -> list[KnowledgeItem]:
        """Items that are near to the question by words or by meaning, the nearest first, at most limit of each kind.

        vector is the question's, of unit length, by this model. An item without a vector is found by words alone.
        """
        ...
