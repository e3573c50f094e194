"""What a chosen backend lacks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any


def lacking(values: Mapping[str, Any]) -> dict[str, str]:
    """Backends that are chosen without what they need: said at start, never ignored."""
    return _lacking_stores(values) | _lacking_models(values)


def _lacking_stores(values: Mapping[str, Any]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if values.get("vectors") == "pinecone" and not values.get("pinecone_api_key"):
        problems["PINECONE_API_KEY"] = "pinecone needs a key. Set it, or set RAGSQL_VECTORS=sqlite."
    if values.get("vectors") == "pgvector" and not values.get("vectors_url"):
        problems["RAGSQL_VECTORS_URL"] = "pgvector needs the address of a server. Set it, or set RAGSQL_VECTORS=sqlite."
    if "vectors" not in values and values.get("pinecone_api_key") and values.get("vectors_url"):
        problems["RAGSQL_VECTORS"] = "PINECONE_API_KEY and RAGSQL_VECTORS_URL are both set. Say pinecone or pgvector."
    if values.get("records") == "postgresql" and not values.get("records_url"):
        problems["RAGSQL_RECORDS_URL"] = "postgresql needs a server's address. Set it, or set RAGSQL_RECORDS=sqlite."
    if values.get("blobs", values.get("storage_backend")) == "s3" and not values.get("s3_cache_bucket"):
        problems["S3_CACHE_BUCKET"] = "s3 needs the name of a bucket. Set it, or set RAGSQL_BLOBS=local."
    if values.get("cache") == "redis" and not values.get("redis_url"):
        problems["UPSTASH_REDIS_URL"] = "redis needs the address of a server. Set it, or set RAGSQL_CACHE=memory."
    return problems


def _lacking_models(values: Mapping[str, Any]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if values.get("sql_generator") == "vanna" and find_spec("vanna") is None:
        problems["SQL_GENERATOR"] = "vanna is not installed. Run `pip install 'ragsql[vanna]'`, or set it to prompt."
    if values.get("chat") == "openai" and not (values.get("openai_api_key") or values.get("openai_base_url")):
        problems["RAGSQL_CHAT"] = "openai needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys."
    if values.get("embedder") == "openai" and not (values.get("openai_api_key") or values.get("openai_base_url")):
        problems["RAGSQL_EMBEDDER"] = "openai needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys."
    return problems | _untold(values)


def _untold(values: Mapping[str, Any]) -> dict[str, str]:
    if values.get("ingest_events_from_bytes") is None or values.get("blobs", values.get("storage_backend")) == "s3":
        return {}
    return {"RAGSQL_INGEST_EVENTS_FROM_BYTES": "Only S3 tells of files. Set STORAGE_BACKEND=s3, or do not set it."}
