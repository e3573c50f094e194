"""What `ragsql doctor` looks at, one check at a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.caller import DEFAULT_CALLER
from service.domain.health import HealthStatus
from service.errors import RagsqlError

if TYPE_CHECKING:
    from service.app import Assembly
    from service.models.catalog import Model
    from service.ports import Checkable, Database
    from service.settings import Settings

COMPONENT_SECONDS = 30.0
PULL = "Run `ragsql models pull`."


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. advice says what to do and is empty when all is well; sql is for the database's keeper."""

    part: str
    found: str
    advice: str = ""
    sql: tuple[str, ...] = ()


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """All findings, as they come."""
    from service.app import assemble

    yield Finding("settings", "All settings can be read.")
    writable = _storage(settings)
    yield writable
    if writable.advice:
        return
    for finding in _models(settings):
        yield finding
    assembly = assemble(settings)
    try:
        for finding in await _components(assembly):
            yield finding
        async for finding in _database(assembly):
            yield finding
    finally:
        await asyncio.to_thread(assembly.close)


def _storage(settings: Settings) -> Finding:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir) as file:
            file.write(b"ragsql")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(
            "storage",
            f"{settings.data_dir} cannot be written: {reason}.",
            "Give this user the folder, or set RAGSQL_DATA_DIR to another.",
        )
    return Finding("storage", f"{settings.data_dir} can be written.")


def _models(settings: Settings) -> list[Finding]:
    from service.models.catalog import MINILM, QWEN_CODER
    from service.models.store import ModelStore

    store = ModelStore(settings.model_dir)
    needed: list[Model] = [MINILM] if settings.embedder == "minilm" else []
    needed += [QWEN_CODER] if settings.chat == "local" and settings.local_model is None else []
    found = [
        Finding("models", f"{model.name} is installed.")
        if store.is_installed(model)
        else Finding("models", f"{model.name}, for {model.used_for}, is not in {store.root}.", PULL)
        for model in needed
    ]
    local = settings.local_model
    if settings.chat == "local" and local is not None and not local.is_file():
        found.append(Finding("models", f"{local} is not there.", "Set RAGSQL_LOCAL_MODEL to a GGUF file."))
    return found


async def _components(assembly: Assembly) -> list[Finding]:
    """Every part apart from the database, asked at once."""
    ports = assembly.ports
    parts: dict[str, Checkable] = {
        "embedder": ports.embedder,
        "chat": ports.chat,
        "vectors": ports.vectors,
        "records": ports.records,
        "blobs": ports.blobs,
        "cache": ports.cache,
    }
    return list(await asyncio.gather(*(_component(name, part) for name, part in parts.items())))


async def _component(name: str, part: Checkable) -> Finding:
    try:
        health = await asyncio.wait_for(part.check(), COMPONENT_SECONDS)
    except TimeoutError:
        return Finding(
            name, f"It did not answer within {COMPONENT_SECONDS:.0f} seconds.", "Look at its server and try again."
        )
    except RagsqlError as error:
        return Finding(name, error.message, "Change what it names and try again.")
    detail = health.detail or f"The adapter {health.adapter} serves."
    if health.status is HealthStatus.SERVING:
        return Finding(name, detail)
    return Finding(name, detail, "Change what it names and try again.")


async def _database(assembly: Assembly) -> AsyncIterator[Finding]:
    database = assembly.ports.database
    if database is None:
        yield Finding("database", "No database is connected, so questions are answered from documents alone.")
        return
    try:
        schema = await database.schema(DEFAULT_CALLER)
        yield _tables(len(schema.tables), schema.dialect)
        yield await _role(database, assembly.settings.sql_policy)
    except RagsqlError as error:
        yield Finding("database", error.message, "Set DATABASE_URL to a database that answers.")


def _tables(count: int, dialect: str) -> Finding:
    if count:
        return Finding("database", f"It answers ({dialect}), and {count} tables and views can be read.")
    return Finding(
        "database",
        f"It answers ({dialect}), but no table can be read.",
        "GRANT SELECT on its tables to the role of DATABASE_URL, or name another database.",
    )


async def _role(database: Database, policy: str) -> Finding:
    access = await database.access(DEFAULT_CALLER)
    if access.problems:
        return Finding(
            "role",
            " ".join(access.problems) + " SQL therefore waits for approval.",
            "Have these statements run in this database with a password of your own, and put the new role in "
            "DATABASE_URL.",
            access.remedy,
        )
    who = f"The role {access.role}" if access.role else "The connection"
    runs = "waits for approval all the same" if policy == "require_approval" else "that passes the guard runs at once"
    return Finding("role", f"{who} can only read, so SQL {runs} (RAGSQL_SQL_POLICY={policy}).")
