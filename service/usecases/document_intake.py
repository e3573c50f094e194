"""What every way of making a file searchable works with."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Container
from dataclasses import dataclass

from service.domain.caller import Caller
from service.domain.documents import Document, DocumentState
from service.ports import BlobStore, DocumentRecords, Parser, VectorStore
from service.usecases.accept_document import acceptance_time, accepted_before
from service.usecases.commit_document import CommitDocument
from service.usecases.name_locks import NameLocks
from service.usecases.process_document import FileToProcess, ProcessDocument


@dataclass(frozen=True, slots=True)
class DocumentIntake:
    """The stores, and the steps from a file to an ACTIVE document."""

    records: DocumentRecords
    vectors: VectorStore
    blobs: BlobStore
    parser: Parser
    process: ProcessDocument
    commit: CommitDocument
    locks: NameLocks

    def look_at(self, filename: str, content: bytes) -> FileToProcess:
        """What can be known of a file before it is parsed. Takes CPU. Raises UnsupportedMediaType."""
        sha256 = hashlib.sha256(content).hexdigest()
        return FileToProcess(filename, self.parser.detect(content, filename), sha256, content)

    async def accept(
        self, caller: Caller, file: FileToProcess, state: DocumentState, repeats: Container[DocumentState]
    ) -> tuple[Document, bool]:
        """A new record for the file in this state, or the one that it has already in one of repeats, and True."""
        async with self.locks.hold(caller.tenant, file.filename):
            others = await self.records.find_documents(caller, filename=file.filename)
            known = accepted_before(others, file.sha256)
            if known and known.state in repeats:
                return known, True
            now = acceptance_time(others)
            document = Document(
                id=uuid.uuid4().hex,
                filename=file.filename,
                media_type=file.media_type,
                size_bytes=len(file.content),
                sha256=file.sha256,
                state=state,
                create_time=now,
                update_time=now,
            )
            await self.records.save_document(caller, document)
            return document, False
