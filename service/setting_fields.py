"""Every setting once: name, default and meaning. Those of the backends come first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.setting_backends import BackendSettings
from service.setting_types import (
    address,
    as_flag,
    as_path,
    as_text,
    as_words,
    one_of,
    setting,
    whole_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BackendSettings):
    """The settings of one process. Backends are resolved: an empty one was replaced by what the others imply."""

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
        "Folder of docling's models, filled by `python -m service.models.docling FOLDER`.",
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
    otlp_headers: str = setting(
        "OTEL_EXPORTER_OTLP_HEADERS", as_text, "", "", "Headers for the collector, as `name=value,name=value`."
    )
    trace_service_name: str = setting("OTEL_SERVICE_NAME", as_text, "", "ragsql", "Name of the service in traces.")
    trace_resource: str = setting(
        "OTEL_RESOURCE_ATTRIBUTES", as_text, "", "", "What traces say of the service, as `name=value,name=value`."
    )
    trace_sampler: str = setting(
        "OTEL_TRACES_SAMPLER", as_text, "", "parentbased_always_on", "Which requests are traced."
    )
    trace_sampler_argument: str = setting(
        "OTEL_TRACES_SAMPLER_ARG", as_text, "", "1", "Their share, for samplers whose name ends with `traceidratio`."
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
