"""What every way of making a file searchable works with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from service.ports import BlobStore, DocumentRecords, Parser, VectorStore
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
