"""The settings that say where to listen and what is kept where: name, default and meaning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from service.adapters.postgres_address import CONNECTIONS
from service.setting_types import (
    address,
    as_flag,
    as_path,
    as_text,
    database,
    one_of,
    setting,
    whole_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """The first part of Settings, in the order of the README."""

    host: str = setting("RAGSQL_HOST", as_text, "127.0.0.1", "127.0.0.1", "Address that `ragsql serve` listens on.")
    port: int = setting("RAGSQL_PORT", whole_number(1, 65535), 8080, "8080", "Port that `ragsql serve` listens on.")
    data_dir: Path = setting(
        "RAGSQL_DATA_DIR",
        as_path,
        Path(),
        "the user's data folder (`/tmp/ragsql` on AWS Lambda)",
        "Folder that holds all local state.",
    )
    model_dir: Path | None = setting(
        "RAGSQL_MODEL_DIR", as_path, None, "the user's cache folder", "Folder that holds model files, by hash."
    )
    secrets: str = setting(
        "RAGSQL_SECRETS",
        as_text,
        "",
        "",
        "ARN of a secret (Secrets Manager) or parameter (SSM): a JSON object of settings, read once at the start.",
    )
    sample_data: bool = setting(
        "RAGSQL_SAMPLE_DATA",
        as_flag,
        True,
        "true; false with `DATABASE_URL` and on AWS Lambda",
        "Load the sample handbook and connect the sample database on the first start.",
    )
    database_url: str = setting(
        "DATABASE_URL",
        database("sqlite"),
        "",
        "the sample database",
        "Database that questions are answered from, read only: `sqlite:///file` or `postgresql://…`.",
    )
    openai_api_key: str = setting(
        "OPENAI_API_KEY", as_text, "", "", "Key for OpenAI. Implies `openai` for chat and embeddings."
    )
    openai_base_url: str = setting(
        "OPENAI_BASE_URL",
        address("http", "https"),
        "",
        "OpenAI's own",
        "Any OpenAI-compatible server. Implies `openai` for chat.",
    )
    chat: str = setting(
        "RAGSQL_CHAT", one_of("local", "openai"), "", "what is implied, else `local`", "Chat model: `local`, `openai`."
    )
    chat_model: str = setting(
        "RAGSQL_CHAT_MODEL", as_text, "gpt-4o", "gpt-4o", "Chat model's name at the OpenAI backend."
    )
    local_model: Path | None = setting(
        "RAGSQL_LOCAL_MODEL", as_path, None, "the pulled model", "A GGUF file to use as the local chat model."
    )
    embedder: str = setting(
        "RAGSQL_EMBEDDER",
        one_of("minilm", "openai"),
        "",
        "what is implied, else `minilm`",
        "Embedding model: `minilm`, `openai`.",
    )
    embedding_model: str = setting(
        "RAGSQL_EMBEDDING_MODEL",
        as_text,
        "text-embedding-3-small",
        "text-embedding-3-small",
        "Embedding model's name at the OpenAI backend.",
    )
    embedding_dimension: int = setting(
        "RAGSQL_EMBEDDING_DIMENSION",
        whole_number(1, 16_000),
        1536,
        "1536",
        "Dimension of the vectors of `RAGSQL_EMBEDDING_MODEL`.",
    )
    threads: int = setting(
        "RAGSQL_THREADS",
        whole_number(1, 64),
        min(2, os.cpu_count() or 1),
        "2, or 1 on one core",
        "Threads of each local model. More than the free cores makes it slower.",
    )
    vectors: str = setting(
        "RAGSQL_VECTORS",
        one_of("sqlite", "pgvector", "pinecone"),
        "",
        "what is implied, else `sqlite`",
        "Where passages and their vectors are kept: `sqlite`, `pgvector`, `pinecone`.",
    )
    vectors_url: str = setting(
        "RAGSQL_VECTORS_URL",
        database(),
        "",
        "",
        "PostgreSQL with the extension pgvector, for passages. Implies `RAGSQL_VECTORS=pgvector`.",
    )
    records: str = setting(
        "RAGSQL_RECORDS",
        one_of("sqlite", "postgresql"),
        "",
        "what is implied, else `sqlite`",
        "Where records are kept: `sqlite`, `postgresql`.",
    )
    records_url: str = setting(
        "RAGSQL_RECORDS_URL",
        database(),
        "",
        "",
        "PostgreSQL for records, by a user who may write. Implies `RAGSQL_RECORDS=postgresql`.",
    )
    postgres_connections: int = setting(
        "RAGSQL_POSTGRES_CONNECTIONS",
        whole_number(1, 100),
        CONNECTIONS,
        "4; 2 on AWS Lambda",
        "Connections of this process to each of `DATABASE_URL`, `RAGSQL_RECORDS_URL` and `RAGSQL_VECTORS_URL`, "
        "at most.",
    )
    blobs: str = setting(
        "RAGSQL_BLOBS",
        one_of("local", "s3"),
        "",
        "what is implied, else `local`",
        "Where files are kept: `local`, `s3`.",
    )
    cache: str = setting(
        "RAGSQL_CACHE",
        one_of("memory", "redis"),
        "",
        "what is implied, else `memory`",
        "Where answers are cached: `memory`, `redis`.",
    )
