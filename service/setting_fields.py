"""Every setting once: name, default and meaning."""

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
    as_words,
    database,
    one_of,
    setting,
    whole_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process. Backends are resolved: an empty one was replaced by what the others imply."""

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
        "Connections of this process to `RAGSQL_RECORDS_URL`, and as many to `DATABASE_URL`, at most.",
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
    sql_generator: str = setting(
        "SQL_GENERATOR",
        one_of("prompt", "vanna"),
        "prompt",
        "prompt",
        "Who asks the chat model for SQL: `prompt`, or `vanna`, which needs `ragsql[vanna]`.",
    )
    sql_policy: str = setting(
        "RAGSQL_SQL_POLICY",
        one_of("auto_read_only", "require_approval"),
        "auto_read_only",
        "auto_read_only",
        "`auto_read_only` runs guarded SQL when the connection is proven read only; `require_approval` never does.",
    )
    schema_hidden_columns: tuple[str, ...] = setting(
        "RAGSQL_SCHEMA_HIDDEN_COLUMNS",
        as_words,
        (),
        "none",
        "Columns whose values are neither shown to a model nor searched: `column` or `table.column`, with `*`.",
    )
    sql_timeout_seconds: int = setting(
        "RAGSQL_SQL_TIMEOUT_SECONDS", whole_number(1, 600), 10, "10", "Longest run of one statement."
    )
    sql_max_rows: int = setting(
        "RAGSQL_SQL_MAX_ROWS",
        whole_number(1, 1000),
        100,
        "100",
        "Rows returned at most when a question asks for no limit.",
    )
    sql_statement_ttl_seconds: int = setting(
        "RAGSQL_SQL_STATEMENT_TTL_SECONDS",
        whole_number(60, 7 * 86400),
        3600,
        "3600",
        "Seconds in which a generated statement may be approved.",
    )
    cache_answer_ttl_seconds: int = setting(
        "RAGSQL_CACHE_ANSWER_TTL_SECONDS",
        whole_number(0, 30 * 86400),
        3600,
        "3600",
        "Seconds for which answers from documents are kept; 0 keeps none.",
    )
    cache_embedding_ttl_seconds: int = setting(
        "RAGSQL_CACHE_EMBEDDING_TTL_SECONDS",
        whole_number(0, 30 * 86400),
        7 * 86400,
        "604800",
        "Seconds for which the vectors of questions are kept; 0 keeps none.",
    )
    cache_sql_ttl_seconds: int = setting(
        "RAGSQL_CACHE_SQL_TTL_SECONDS",
        whole_number(0, 30 * 86400),
        86400,
        "86400",
        "Seconds for which generated SQL is kept; 0 keeps none.",
    )
    sql_result_ttl_seconds: int = setting(
        "RAGSQL_SQL_RESULT_TTL_SECONDS",
        whole_number(0, 86400),
        900,
        "900",
        "Seconds for which rows are answered from the cache; 0 reads them anew each time.",
    )
    rows_to_model: bool = setting(
        "RAGSQL_ROWS_TO_MODEL",
        as_flag,
        False,
        "false",
        "Let the chat model phrase up to 10 rows; false phrases by template, and no row leaves the service.",
    )
    cors_origins: tuple[str, ...] = setting(
        "RAGSQL_CORS_ORIGINS", as_words, (), "none", "Browser origins that may call, separated by commas; `*` for all."
    )
    pinecone_api_key: str = setting(
        "PINECONE_API_KEY", as_text, "", "", "Key for Pinecone. Implies `RAGSQL_VECTORS=pinecone`."
    )
    pinecone_environment: str = setting(
        "PINECONE_ENVIRONMENT",
        as_text,
        "",
        "",
        "Region of the Pinecone index. Read, but not needed: its name is enough.",
    )
    pinecone_index_name: str = setting(
        "PINECONE_INDEX_NAME", as_text, "rag-documents", "rag-documents", "Name of the Pinecone index."
    )
    storage_backend: str = setting(
        "STORAGE_BACKEND", one_of("local", "s3"), "", "`local`", "`s3` implies `RAGSQL_BLOBS=s3`."
    )
    s3_cache_bucket: str = setting(
        "S3_CACHE_BUCKET",
        as_text,
        "",
        "",
        "Bucket for files with `s3`. Credentials and region are set as for the AWS tools.",
    )
    use_docling: bool = setting(
        "USE_DOCKLING", as_flag, False, "false", "Read PDF with docling's layout models. `USE_DOCLING` means the same."
    )
    docling_artifacts_path: Path = setting(
        "DOCLING_ARTIFACTS_PATH",
        as_path,
        Path(),
        "docling's cache folder",
        "Folder of docling's models, filled by `docling-tools models download`.",
    )
    pdf_fallback: bool = setting(
        "RAGSQL_PDF_FALLBACK",
        as_flag,
        False,
        "false",
        "Read PDF with the built-in parser where docling's models are missing or fail.",
    )
    ingest_events_from_bytes: int | None = setting(
        "RAGSQL_INGEST_EVENTS_FROM_BYTES",
        whole_number(0, 4 * 1024 * 1024),
        None,
        "none",
        "Where S3 events start the ingest: Upload leaves files of so many bytes or more to them, Ingest every file.",
    )
    log_format: str = setting(
        "RAGSQL_LOG_FORMAT",
        one_of("text", "json"),
        "text",
        "text; json on AWS Lambda",
        "`json` writes one line a request to stdout: timings of its steps, tokens, cost; and every log line as JSON.",
    )
    log_metrics: bool = setting(
        "RAGSQL_LOG_METRICS",
        as_flag,
        False,
        "false; true on AWS Lambda",
        "Put metrics for CloudWatch (EMF) into the JSON line of a request.",
    )
    log_questions: bool = setting(
        "RAGSQL_LOG_QUESTIONS", as_flag, False, "false", "Let the JSON line of a request hold the text of its question."
    )
    redis_url: str = setting(
        "UPSTASH_REDIS_URL", address("redis", "rediss"), "", "", "Redis server. Implies `RAGSQL_CACHE=redis`."
    )
    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        address("http", "https"),
        "",
        "",
        "Collector that traces are sent to over OTLP/HTTP. The other `OTEL_*` variables hold as for any service.",
    )
    otlp_traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address("http", "https"), "", "", "The same, with the path for traces."
    )
    opik_api_key: str = setting("OPIK_API_KEY", as_text, "", "", "Key for Opik: traces are sent there.")
    opik_url: str = setting(
        "OPIK_URL", address("http", "https"), "", "Comet's own", "Opik of your own: traces are sent there."
    )
    opik_workspace: str = setting("OPIK_WORKSPACE", as_text, "", "the default one", "Workspace in Opik.")
    opik_project_name: str = setting("OPIK_PROJECT_NAME", as_text, "ragsql", "ragsql", "Project in Opik.")
    trace_questions: bool = setting(
        "RAGSQL_TRACE_QUESTIONS", as_flag, False, "false", "Let traces hold the text of questions."
    )
