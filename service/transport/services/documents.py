"""DocumentService."""

from __future__ import annotations

from ragsql.v1 import document_service_pb2 as pb
from service.domain.spending import spending
from service.transport import mapping
from service.transport.callers import Context, caller_of
from service.transport.mapping_usage import usage
from service.usecases.bundle import DocumentUseCases


class DocumentService:
    """Upload, read and delete documents."""

    def __init__(self, documents: DocumentUseCases) -> None:
        self._documents = documents

    async def upload(self, request: pb.UploadRequest, ctx: Context) -> pb.UploadResponse:
        with spending() as spent:
            uploaded = await self._documents.upload(caller_of(ctx), request.filename, request.content)
        document = mapping.document(uploaded.document)
        return pb.UploadResponse(document=document, cache_hit=uploaded.cache_hit, usage=usage(spent()))

    async def create_upload(self, request: pb.CreateUploadRequest, ctx: Context) -> pb.CreateUploadResponse:
        size_bytes, sha256 = request.size_bytes, request.sha256
        reserved = await self._documents.create_upload(caller_of(ctx), request.filename, size_bytes, sha256)
        return mapping.reserved_upload(reserved)

    async def ingest(self, request: pb.IngestRequest, ctx: Context) -> pb.IngestResponse:
        with spending() as spent:
            ingested = await self._documents.ingest(caller_of(ctx), mapping.id_of(request.upload))
        document = mapping.document(ingested.document)
        return pb.IngestResponse(document=document, cache_hit=ingested.cache_hit, usage=usage(spent()))

    async def get_document(self, request: pb.GetDocumentRequest, ctx: Context) -> pb.GetDocumentResponse:
        document = await self._documents.get(caller_of(ctx), mapping.id_of(request.name))
        return pb.GetDocumentResponse(document=mapping.document(document))

    async def list_documents(self, request: pb.ListDocumentsRequest, ctx: Context) -> pb.ListDocumentsResponse:
        size, states = mapping.page_size(request.page_size), mapping.document_states(request)
        page = await self._documents.list(caller_of(ctx), size, request.page_token, states)
        return pb.ListDocumentsResponse(documents=map(mapping.document, page.items), next_page_token=page.next_token)

    async def delete_document(self, request: pb.DeleteDocumentRequest, ctx: Context) -> pb.DeleteDocumentResponse:
        await self._documents.delete(caller_of(ctx), mapping.id_of(request.name))
        return pb.DeleteDocumentResponse()
