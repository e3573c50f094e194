"""KnowledgeService."""

from __future__ import annotations

from ragsql.v1 import knowledge_service_pb2 as pb
from service.domain.spending import spending
from service.transport import mapping
from service.transport.callers import Context, caller_of
from service.transport.mapping_usage import usage
from service.usecases.bundle import KnowledgeUseCases


class KnowledgeService:
    """Teach the SQL generator."""

    def __init__(self, knowledge: KnowledgeUseCases) -> None:
        self._knowledge = knowledge

    async def create_knowledge_item(
        self, request: pb.CreateKnowledgeItemRequest, ctx: Context
    ) -> pb.CreateKnowledgeItemResponse:
        with spending() as spent:
            item = await self._knowledge.create(caller_of(ctx), mapping.new_knowledge_item(request.knowledge_item))
        return pb.CreateKnowledgeItemResponse(knowledge_item=mapping.knowledge_item(item), usage=usage(spent()))

    async def import_knowledge(self, request: pb.ImportKnowledgeRequest, ctx: Context) -> pb.ImportKnowledgeResponse:
        items = [mapping.new_knowledge_item(item) for item in request.knowledge_items]
        with spending() as spent:
            imported = await self._knowledge.load(caller_of(ctx), items)
        created, known = imported.created, imported.known
        return pb.ImportKnowledgeResponse(created_count=created, known_count=known, usage=usage(spent()))

    async def list_knowledge_items(
        self, request: pb.ListKnowledgeItemsRequest, ctx: Context
    ) -> pb.ListKnowledgeItemsResponse:
        page = await self._knowledge.list(caller_of(ctx), mapping.page_size(request.page_size), request.page_token)
        items = map(mapping.knowledge_item, page.items)
        return pb.ListKnowledgeItemsResponse(knowledge_items=items, next_page_token=page.next_token)

    async def delete_knowledge_item(
        self, request: pb.DeleteKnowledgeItemRequest, ctx: Context
    ) -> pb.DeleteKnowledgeItemResponse:
        await self._knowledge.delete(caller_of(ctx), mapping.id_of(request.name))
        return pb.DeleteKnowledgeItemResponse()
