"""Every VectorIndex, over a server where it has one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.adapters.vectors.pgvector import PgVectorStore
from service.adapters.vectors.pinecone import PineconeVectorStore
from service.adapters.vectors.sqlite import SqliteVectorStore
from tests.contract.chunks import ANN, BOB, DIMENSION, EagerlyIndexed
from tests.pinecone_emulator import PineconeEmulator
from tests.pinecone_index import Index

Store = PgVectorStore | PineconeVectorStore | SqliteVectorStore

KINDS = ("sqlite", "sqlite with approximate indexes", "pgvector", "pinecone")


def open_empty(kind: str, path: Path, fixture: Callable[[str], Any]) -> Store:
    """One of KINDS without documents of ANN and BOB. path is for its file, fixture starts a server by its name."""
    if kind == "sqlite":
        return SqliteVectorStore(path, "model", DIMENSION)
    if kind == "pgvector":
        store = PgVectorStore(fixture("postgres_url"), "model", DIMENSION)
        for tenant in (ANN, BOB):
            for document_id in asyncio.run(store.document_ids(tenant)):
                asyncio.run(store.delete(tenant, document_id))
        return store
    if kind == "pinecone":
        emulator: PineconeEmulator = fixture("pinecone_emulator")
        emulator.indexes["rag-documents"] = Index(DIMENSION)
        emulator.indexes["rag-documents"].delay = 0.01
        return PineconeVectorStore("key", "rag-documents", "model", DIMENSION, grace_seconds=0.02)
    return EagerlyIndexed(path, "model", DIMENSION, exact_up_to=1)
