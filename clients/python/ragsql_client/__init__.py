"""Typed clients for a ragsql server, over the generated Connect clients.

The messages are those of the contract: `from ragsql.v1.query_service_pb2 import SqlPolicy`.
"""

from __future__ import annotations

from ragsql_client.aio import AsyncClient
from ragsql_client.client import Client
from ragsql_client.errors import FieldViolation, RagsqlError
from ragsql_client.local_file import LARGEST_BYTES, SMALL_BYTES, ProgressCallback, UploadPhase, UploadProgress
from ragsql_client.options import Transport
from ragsql_client.tables import names, records, rows

__all__ = [
    "LARGEST_BYTES",
    "SMALL_BYTES",
    "AsyncClient",
    "Client",
    "FieldViolation",
    "ProgressCallback",
    "RagsqlError",
    "Transport",
    "UploadPhase",
    "UploadProgress",
    "names",
    "records",
    "rows",
]
