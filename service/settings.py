"""The settings of a process, read from the environment. Nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, cast

from service.adapters.postgres_address import CONNECTIONS
from service.errors import SettingsError
from service.setting_checks import lacking
from service.setting_fields import Settings
from service.setting_secrets import with_secrets

__all__ = ["Settings", "as_markdown", "described", "load"]

SPELLINGS = {
    "USE_DOCKLING": ("USE_DOCLING",),
    "OPIK_URL": ("OPIK_URL_OVERRIDE",),
    "OTEL_EXPORTER_OTLP_HEADERS": ("OTEL_EXPORTER_OTLP_TRACES_HEADERS",),
}


def described() -> tuple[tuple[str, str, str], ...]:
    """Name, default as shown to a person, and meaning of every setting, in the order of the README."""
    return tuple((f.metadata["name"], f.metadata["shown"], f.metadata["help"]) for f in fields(Settings))


def as_markdown() -> str:
    """The settings as the README's table."""
    rows = [f"| `{name}` | {shown} | {text} |" for name, shown, text in described()]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the process, or of environ. Raises SettingsError with every problem at once."""
    known = {name for name, _, _ in described()} | {spelling for added in SPELLINGS.values() for spelling in added}
    env = with_secrets(os.environ if environ is None else environ, known)
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for item in fields(Settings):
        _read(item, env, values, problems)
    problems |= lacking(values)
    if problems:
        raise SettingsError(problems)
    return Settings(**(_implied(values, env) | values))


def _read(item: Field[Any], env: Mapping[str, str], values: dict[str, Any], problems: dict[str, str]) -> None:
    name = cast(str, item.metadata["name"])
    for spelling in (name, *SPELLINGS.get(name, ())):
        raw = env.get(spelling, "").strip()
        if raw:
            try:
                values[item.name] = item.metadata["parse"](raw)
            except ValueError as error:
                problems[spelling] = str(error)


def _implied(values: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    on_lambda = bool(env.get("AWS_LAMBDA_FUNCTION_NAME"))
    key, base_url = values.get("openai_api_key"), values.get("openai_base_url")
    return {
        "data_dir": Path("/tmp/ragsql") if on_lambda else _user_data_dir(env),
        "sample_data": not on_lambda and "database_url" not in values,
        "chat": "openai" if key or base_url else "local",
        "embedder": "openai" if key else "minilm",
        "vectors": "pinecone"
        if values.get("pinecone_api_key")
        else "pgvector"
        if values.get("vectors_url")
        else "sqlite",
        "records": "postgresql" if values.get("records_url") else "sqlite",
        "postgres_connections": 2 if on_lambda else CONNECTIONS,
        "blobs": values.get("storage_backend", "local"),
        "cache": "redis" if values.get("redis_url") else "memory",
        "log_format": "json" if on_lambda else "text",
        "log_metrics": on_lambda,
        "docling_artifacts_path": Path.home() / ".cache" / "docling" / "models",
    }


def _user_data_dir(env: Mapping[str, str]) -> Path:
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ragsql"


if __name__ == "__main__":
    print(as_markdown())
